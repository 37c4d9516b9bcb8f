"""Fixtures of the tests on a cluster, and the account of what was skipped at the end of a run.

The cluster is the one that D2K_KUBECONFIG names, else the kubeconfig's current context. Without one the tests of
tests/integration and tests/clients are skipped, and the last lines of the run say why; with CI=true that is a failure.
D2K_REFERENCE, a DOCKER_HOST, names the real engine that d2k is compared with; without it only those tests are skipped.
"""

from __future__ import annotations

import os
import secrets
from collections import Counter
from collections.abc import Callable, Generator, Iterator
from pathlib import Path

import docker as docker_py_module
import pytest
from harness import cli, cluster, subject
from harness.cli import Docker
from harness.cluster import Cluster, Namespace
from harness.engine import Engine
from harness.http import Api
from harness.subject import Subject

ON_CLUSTER = ("tests/integration/", "tests/clients/")
NO_REFERENCE = "no real engine to compare with: D2K_REFERENCE names none"

skipped: Counter[str] = Counter()


# -- the run's account of itself ------------------------------------------------------------------------------------


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    """Count why tests on a cluster were skipped."""
    if report.skipped and report.nodeid.startswith(ON_CLUSTER) and isinstance(report.longrepr, tuple):
        skipped[str(report.longrepr[2]).removeprefix("Skipped: ")] += 1


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Show with a failed test what the d2k that it used wrote meanwhile."""
    report = yield
    if report.failed:
        for used in item.stash.get(subject.USED, []):
            report.sections.append((f"log of d2k in {used.namespace.name}", used.log_since_start()))
    return report


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> Generator[None, None, None]:
    """Say in the last lines what did not run, and why."""
    yield
    for reason, count in sorted(skipped.items()):
        terminalreporter.write_line(f"SKIPPED {count} tests on a cluster: {reason}", yellow=True)
    if in_ci() and not_allowed():
        terminalreporter.write_line("CI is set: skipped cluster tests are a failure", red=True)


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Fail a run in CI that skipped tests for want of a cluster."""
    if in_ci() and not_allowed() and session.exitstatus == pytest.ExitCode.OK:
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def in_ci() -> bool:
    """Say whether this run may not skip tests on a cluster."""
    return os.environ.get("CI", "").lower() in ("true", "1", "yes")


def not_allowed() -> list[str]:
    """Return the reasons of the skips that CI does not accept."""
    return [reason for reason in skipped if reason != NO_REFERENCE]


# -- the cluster, and d2k on it -------------------------------------------------------------------------------------


@pytest.fixture(scope="session")
def on_cluster() -> Cluster:
    """Return the cluster; tests that need it are skipped when there is none, or no docker command."""
    found = cluster.find(dict(os.environ))
    if isinstance(found, str):
        pytest.skip(found)
    if missing := cli.docker_command():
        pytest.skip(missing)
    return found


@pytest.fixture(scope="session")
def session_subject(on_cluster: Cluster, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Subject]:
    """Run one d2k for the whole session, in a namespace of its own, knowing the images of the tests."""
    directory = tmp_path_factory.mktemp("d2k")
    namespace = Namespace(on_cluster, directory)
    try:
        one = Subject(namespace, directory)
        try:
            one.server.start()
            one.pull(*subject.IMAGES)
            yield one
        finally:
            one.server.stop()
    finally:
        namespace.delete()


@pytest.fixture
def under_test(session_subject: Subject, request: pytest.FixtureRequest) -> Iterator[Subject]:
    """Return the session's d2k; what the test leaves behind is removed."""
    request.node.stash.setdefault(subject.USED, []).append(session_subject)
    session_subject.mark()
    yield session_subject
    session_subject.sweep()


@pytest.fixture
def docker(under_test: Subject) -> Docker:
    """Return the docker command, pointed at the session's d2k."""
    return under_test.docker


@pytest.fixture
def api(under_test: Subject) -> Api:
    """Return bare requests to the session's d2k."""
    return under_test.api


@pytest.fixture
def namespace(under_test: Subject) -> Namespace:
    """Return the namespace of the session's d2k, as the cluster's administrator sees it."""
    return under_test.namespace


@pytest.fixture
def docker_py(under_test: Subject) -> Iterator[docker_py_module.DockerClient]:
    """Return docker-py's client of the session's d2k."""
    client = docker_py_module.DockerClient(base_url=under_test.server.host, timeout=90)
    yield client
    client.close()


@pytest.fixture
def d2k_with(on_cluster: Cluster, tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Callable[..., Subject]]:
    """Return a function that starts a d2k with other settings, in a namespace of its own; both go after the test.

    `before` is called with the namespace before d2k starts and may give another kubeconfig; `pull` names the images
    that d2k is to know.
    """
    made: list[Subject] = []
    namespaces: list[Namespace] = []

    def start(
        *,
        pull: tuple[str, ...] = ("busybox",),
        before: Callable[[Namespace], Path | None] | None = None,
        **settings: str,
    ) -> Subject:
        directory = tmp_path / f"d2k-{len(made)}"
        directory.mkdir()
        own = Namespace(on_cluster, directory)
        namespaces.append(own)
        if before:
            own.kubeconfig = before(own) or own.kubeconfig
        one = Subject(own, directory, **settings)
        made.append(one)
        request.node.stash.setdefault(subject.USED, []).append(one)
        one.server.start()
        one.pull(*pull)
        return one

    yield start
    for one in made:
        one.server.stop()
    for own in namespaces:
        own.delete()


@pytest.fixture(scope="session")
def reference_host() -> str:
    """Return the DOCKER_HOST of the real engine that d2k is compared with."""
    host = os.environ.get("D2K_REFERENCE", "")
    if not host:
        pytest.skip(NO_REFERENCE)
    return host


@pytest.fixture(scope="session")
def reference(reference_host: str, tmp_path_factory: pytest.TempPathFactory) -> Docker:
    """Return the docker command, pointed at the real engine, which has the images of the tests."""
    command = Docker(reference_host, tmp_path_factory.mktemp("reference"))
    for image in subject.IMAGES:
        command("pull", "--quiet", image).ok()
    return command


@pytest.fixture(params=["d2k", "reference"])
def engine(request: pytest.FixtureRequest) -> Iterator[Engine]:
    """Run the test twice: against d2k, and, where there is one, against the real engine, which has to agree."""
    if request.param == "reference":
        command = request.getfixturevalue("reference")
        one = Engine("reference", command, Api(command.host))
    else:
        used = request.getfixturevalue("under_test")
        one = Engine("d2k", used.docker, used.api)
    yield one
    one.sweep()


@pytest.fixture
def name() -> str:
    """Return a container name that no other test has."""
    return f"t-{secrets.token_hex(4)}"

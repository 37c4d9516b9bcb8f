"""Reading costs the cluster nothing: lists and inspections answer from the cache."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from harness.subject import Subject
from harness.waits import eventually


@pytest.fixture
def steady(d2k_with: Callable[..., Subject], name: str) -> Subject:
    """Return a d2k with a few objects, which has nothing left to do."""
    one = d2k_with(pull=("busybox", "web"))
    one.docker("network", "create", "net").ok()
    one.docker("run", "-d", "--name", "up", "--network", "net", "-v", "data:/data", "busybox", "sleep", "300").ok()
    one.docker("run", "--name", "ended", "busybox", "sh", "-c", "exit 3").exits(3)
    one.docker("create", "--name", "made", "busybox", "true").ok()
    one.docker("info").ok()
    seen: list[dict[str, int]] = [{}]

    def quiet() -> bool:
        seen.append(one.api.kubernetes_requests())
        return len(seen) > 20 and all(counts == seen[-1] for counts in seen[-20:])

    eventually(quiet, 40, "a d2k without work of its own")
    return one


def test_reads_make_no_request_to_kubernetes(steady: Subject) -> None:
    before = steady.api.kubernetes_requests()
    image = steady.api("GET", "/images/busybox/json").json()["Id"]
    for _ in range(3):
        for path in (
            "/_ping",
            "/version",
            "/info",
            "/containers/json?all=1",
            "/containers/json?all=1&size=1",
            "/containers/up/json",
            "/containers/ended/json",
            "/images/json",
            "/images/busybox/json",
            f"/images/{image}/json",
            "/volumes",
            "/volumes/data",
            "/networks",
            "/networks/net",
        ):
            assert steady.api.raw("GET", path).status_code == 200, path
        for command in (
            ("ps", "-a"),
            ("inspect", "up"),
            ("images",),
            ("volume", "ls"),
            ("network", "ls"),
            ("port", "up"),
        ):
            steady.docker(*command).ok()
    assert steady.api.kubernetes_requests() == before


def test_run_makes_few_requests(steady: Subject) -> None:
    before = sum(steady.api.kubernetes_requests().values())
    steady.docker("run", "--rm", "busybox", "true").ok()
    # create, start, gate, exit, log, attach, removal: a loop that polls would make many times this.
    assert sum(steady.api.kubernetes_requests().values()) - before < 25


def test_waiting_makes_none(steady: Subject) -> None:
    with steady.docker.open("wait", "up") as waiter, steady.docker.open("attach", "--no-stdin", "up") as attached:
        eventually(lambda: "d2k_open_streams" in steady.api.raw("GET", "/metrics").text)
        seen: list[dict[str, int]] = []

        def quiet() -> bool:
            seen.append(steady.api.kubernetes_requests())
            return len(seen) > 40 and seen[-1] == seen[-40]

        eventually(quiet, 20, "no request while clients wait")
        steady.docker("kill", "up").ok()
        assert waiter.communicate(timeout=30)[0] == b"137\n"
        attached.communicate(timeout=30)

"""`_ping`, `version`, `info`, versions in the path, and paths that do not exist."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from harness.cli import Docker
from harness.cluster import Namespace, role_kubeconfig
from harness.engine import Engine
from harness.http import Api
from harness.subject import Subject

from d2k.cluster.resources import QUOTAS


def test_ping_answers_get_and_head(engine: Engine) -> None:
    for method, body in (("GET", "OK"), ("HEAD", "")):
        answer = engine.api.raw(method, "/_ping")
        assert (answer.status_code, answer.text) == (200, body)
        assert answer.headers["Content-Type"] == "text/plain; charset=utf-8"
        assert answer.headers["Ostype"] == "linux"
        assert answer.headers["Cache-Control"] == "no-cache, no-store, must-revalidate"
        assert answer.headers["Api-Version"]


def test_version_says_what_docker_prints(docker: Docker) -> None:
    shown = docker("version", "--format", "{{json .Server}}").ok().json
    assert (shown["ApiVersion"], shown["MinAPIVersion"], shown["Os"]) == ("1.51", "1.24", "linux")
    assert {part["Name"] for part in shown["Components"]} >= {"Engine", "Kubernetes"}


def test_info_counts_what_there_is(docker: Docker, api: Api, name: str) -> None:
    before = api("GET", "/info").json()
    docker("run", "-d", "--name", name, "busybox", "sleep", "60").ok()
    docker("create", "--name", f"{name}-created", "busybox", "true").ok()
    docker("run", "--name", f"{name}-ended", "busybox", "true").ok()
    info = api("GET", "/info").json()
    counted = ("Containers", "ContainersRunning", "ContainersPaused", "ContainersStopped")
    assert [info[key] - before[key] for key in counted] == [3, 1, 0, 2]
    assert info["Images"] == len(api("GET", "/images/json").json())
    assert (info["OSType"], info["Swarm"]["LocalNodeState"]) == ("linux", "inactive")
    docker("info").ok()


def test_info_shows_what_the_quota_allows(d2k_with: Callable[..., Subject]) -> None:
    def limit(namespace: Namespace) -> None:
        spec = {"hard": {"limits.cpu": "6", "limits.memory": "3Gi"}}
        body = {"apiVersion": "v1", "kind": "ResourceQuota", "metadata": {"name": "q"}, "spec": spec}
        namespace.admin.create(QUOTAS, body)

    info = d2k_with(pull=(), before=limit).api("GET", "/info").json()
    assert (info["NCPU"], info["MemTotal"]) == (6, 3 << 30)


def test_info_shows_the_cluster_where_the_role_allows_it(d2k_with: Callable[..., Subject]) -> None:
    def widen(namespace: Namespace) -> None:
        admin = namespace.cluster.kubeconfig
        role_kubeconfig().make(namespace.name, namespace.kubeconfig, admin_kubeconfig=admin, cluster=True)

    one = d2k_with(pull=(), before=widen)
    info = one.api("GET", "/info").json()
    nodes = one.namespace.admin.raw("GET", "/api/v1/nodes")["items"]
    assert info["NCPU"] == sum(int(node["status"]["capacity"]["cpu"]) for node in nodes)
    assert info["MemTotal"] > 0
    assert one.docker("info").ok().err == ""


@pytest.mark.parametrize("version", ["", "v1.24", "v1.30", "v1.41", "v1.51"])
def test_every_version_of_the_api_is_served(api: Api, version: str) -> None:
    answer = api("GET", "/containers/json", version=version)
    assert (answer.status_code, answer.json()) == (200, [])
    assert answer.headers["Api-Version"] == "1.51"


def test_versions_out_of_range_are_refused(api: Api) -> None:
    old, new = api("GET", "/containers/json", version="v1.23"), api("GET", "/containers/json", version="v1.99")
    assert (old.status_code, new.status_code) == (400, 400)
    assert old.json()["message"].startswith("client version 1.23 is too old. Minimum supported API version is 1.24")
    assert new.json()["message"] == "client version 1.99 is too new. Maximum supported API version is 1.51"


@pytest.mark.parametrize("version", ["1.24", "1.40", "1.51"])
def test_the_client_may_choose_its_version(docker: Docker, name: str, version: str) -> None:
    # Detached: in the foreground the client of a version before 1.25 follows the events.
    docker("run", "-d", "--name", name, "busybox", "echo", version, DOCKER_API_VERSION=version).ok()
    assert docker("wait", name, DOCKER_API_VERSION=version).ok().out == "0"
    assert docker("logs", name, DOCKER_API_VERSION=version).ok().out == version


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/nothing"),
        ("GET", "/v1.51/nothing/here"),
        ("POST", "/containers/json"),
        ("DELETE", "/info"),
        ("GET", "/containers/x/y/z"),
        ("PUT", "/volumes"),
    ],
)
def test_a_path_that_does_not_exist_is_dockers_json_404(engine: Engine, method: str, path: str) -> None:
    answer = engine.api.raw(method, path)
    assert (answer.status_code, answer.json()) == (404, {"message": "page not found"})
    assert answer.headers["Content-Type"] == "application/json"

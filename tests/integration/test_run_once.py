"""A container runs once: what ended stays ended, whatever happens to its Pods."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from harness.cli import Docker
from harness.cluster import Namespace
from harness.older_cluster import OlderCluster
from harness.subject import Subject
from harness.waits import eventually

from d2k.cluster.resources import DEPLOYMENTS, PODS

ONCE = ("busybox", "sh", "-c", "echo once >> /data/log; echo ran; exit 3")


def written(docker: Docker, volume: str) -> list[str]:
    return docker("run", "--rm", "-v", f"{volume}:/data", "busybox", "cat", "/data/log").ok().lines


def row(docker: Docker, name: str) -> str:
    return docker("ps", "-a", "--filter", f"name=^/{name}$", "--format", "{{.Status}}").ok().out


def container_pods(namespace: Namespace, docker: Docker, name: str) -> list[dict[str, object]]:
    key = docker.inspect(name, "{{json .Id}}")[:63]
    return namespace.all(PODS, f"d2k.io/container={key}")


def test_it_runs_once_and_once_more_when_started(docker: Docker, name: str) -> None:
    docker("run", "-d", "--name", name, "-v", f"{name}:/data", *ONCE).ok()
    assert docker("wait", name).ok().out == "3"
    assert row(docker, name).startswith("Exited (3)")
    assert docker("logs", name).ok().lines == ["ran"]
    assert written(docker, name) == ["once"]
    assert docker("start", name).ok().out == name
    assert docker("wait", name).ok().out == "3"
    assert written(docker, name) == ["once", "once"]
    assert docker("logs", name).ok().lines == ["ran", "ran"]
    assert row(docker, name).startswith("Exited (3)")


def test_the_ended_pod_may_go(docker: Docker, namespace: Namespace, name: str) -> None:
    docker("run", "-d", "--name", name, "-v", f"{name}:/data", *ONCE).ok()
    assert docker("wait", name).ok().out == "3"
    eventually(lambda: namespace.admin.get(DEPLOYMENTS, name)["spec"]["replicas"] == 0)
    for pod in container_pods(namespace, docker, name):
        namespace.admin.delete(PODS, pod["metadata"]["name"], grace_seconds=0)
    eventually(lambda: not container_pods(namespace, docker, name))
    assert row(docker, name).startswith("Exited (3)")
    assert docker("wait", name).ok().out == "3"
    docker("logs", name).ok()
    assert written(docker, name) == ["once"]
    docker("start", name).ok()
    assert docker("wait", name).ok().out == "3"
    assert written(docker, name) == ["once", "once"]


def test_a_running_pod_that_is_taken_away_runs_on(docker: Docker, namespace: Namespace, name: str) -> None:
    docker("run", "-d", "--name", name, "busybox", "sh", "-c", "hostname; echo up; sleep 300").ok()
    [first] = container_pods(namespace, docker, name)
    started = docker.inspect(name, "{{json .State.StartedAt}}")
    namespace.admin.delete(PODS, first["metadata"]["name"], grace_seconds=1)

    def runs_anew() -> bool:
        state = docker.inspect(name, "{{json .State}}")
        return bool(state["Running"] and state["StartedAt"] != started)

    eventually(runs_anew, 40, "a run in a new Pod")
    assert row(docker, name).startswith("Up ")
    names = {pod["metadata"]["name"] for pod in container_pods(namespace, docker, name)}
    assert first["metadata"]["name"] not in names
    docker("exec", name, "true").ok()


def test_the_exit_is_seen_by_a_d2k_that_was_away(under_test: Subject, name: str) -> None:
    docker = under_test.docker
    docker("run", "-d", "--name", name, "-v", f"{name}:/data", "busybox", "sh", "-c",
           "echo once >> /data/log; echo ran; sleep 2; exit 3").ok()  # fmt: skip
    under_test.server.kill()
    # The process ends, and Kubernetes makes a second Pod, while no d2k is there to see it.
    eventually(
        lambda: any(
            status.get("state", {}).get("terminated")
            for pod in under_test.namespace.all(PODS)
            for status in pod["status"].get("containerStatuses") or ()
        ),
        what="the end of the process",
    )
    under_test.server.start()
    assert docker("wait", name).ok().out == "3"
    assert row(docker, name).startswith("Exited (3)")
    assert docker("logs", name).ok().lines == ["ran"]
    assert written(docker, name) == ["once"]


@pytest.fixture
def on_older_cluster(d2k_with: Callable[..., Subject], tmp_path: Path) -> Iterator[Subject]:
    opened: list[OlderCluster] = []

    def through_the_proxy(namespace: Namespace) -> Path:
        opened.append(OlderCluster(namespace.kubeconfig, tmp_path).__enter__())
        return opened[0].kubeconfig

    one = d2k_with(before=through_the_proxy)
    yield one
    one.server.stop()
    opened[0].__exit__()


def test_an_older_cluster_runs_it_once_with_a_warning(on_older_cluster: Subject, name: str) -> None:
    docker, namespace = on_older_cluster.docker, on_older_cluster.namespace
    ran = docker("create", "--name", name, "busybox", "sh", "-c", "echo ran; exit 3").ok()
    assert "older than Kubernetes 1.35" in ran.err
    [main] = namespace.admin.get(DEPLOYMENTS, name)["spec"]["template"]["spec"]["containers"]
    assert "restartPolicy" not in main
    docker("start", name).ok()
    assert docker("wait", name).ok().out == "3"
    assert row(docker, name).startswith("Exited (3)")
    eventually(lambda: namespace.admin.get(DEPLOYMENTS, name)["spec"]["replicas"] == 0)
    assert docker("logs", name).ok().lines[0] == "ran"
    assert docker("run", "--rm", "busybox", "sh", "-c", "echo out; exit 4").exits(4).lines[0] == "out"
    docker("rm", name).ok()
    eventually(lambda: namespace.names(PODS) == [], 30)

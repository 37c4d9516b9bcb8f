"""Published ports: what `docker ps`, `port` and `inspect` show is what answers."""

from __future__ import annotations

import base64
import platform
import random
import socket
import urllib.request
from collections.abc import Callable

import pytest
from harness.cli import Docker
from harness.cluster import Namespace
from harness.datagrams import datagram_echo
from harness.engine import Engine
from harness.server import free_port
from harness.subject import Subject
from harness.waits import eventually

from d2k.cluster.resources import SERVICES

PAGE = b"It works"


def host_port() -> int:
    """Return a port that no other Service of the cluster is likely to hold."""
    return random.randrange(20000, 29000)


def page(address: str, port: int | str) -> bytes:
    """Return what answers there, or nothing while nobody does."""
    host = f"[{address}]" if ":" in address else address
    try:
        with urllib.request.urlopen(f"http://{host}:{port}/", timeout=3) as answer:
            return bytes(answer.read())
    except OSError:
        return b""


def published(docker: Docker, name: str, port: str) -> tuple[str, int]:
    """Return the address that `docker port` shows for a port of the container."""
    address, _, number = docker("port", name, port).ok().lines[0].rpartition(":")
    return address, int(number)


def test_p_is_a_load_balancer_that_answers(docker: Docker, namespace: Namespace, name: str) -> None:
    port = host_port()
    docker("run", "-d", "--name", name, "-p", f"{port}:80", "web").ok()
    [service] = namespace.all(SERVICES)
    assert service["spec"]["type"] == "LoadBalancer"
    address, shown = published(docker, name, "80/tcp")
    assert shown == port
    eventually(lambda: PAGE in page(address, port), what=f"an answer at {address}:{port}")
    assert docker.inspect(name, "{{json .NetworkSettings.Ports}}") == {
        "80/tcp": [{"HostIp": address, "HostPort": str(port)}]
    }
    row = docker("ps", "--filter", f"name={name}", "--format", "{{.Ports}}").ok().out
    assert row == f"{address}:{port}->80/tcp"
    listed = docker("ps", "-q", "--filter", f"publish={port}").ok().out
    assert docker.inspect(name, "{{json .Id}}").startswith(listed)
    docker("rm", "-f", name).ok()
    assert namespace.names(SERVICES) == []


def test_capital_p_is_a_node_port_that_answers(docker: Docker, namespace: Namespace, name: str) -> None:
    docker("run", "-d", "--name", name, "-P", "--expose", "81", "web").ok()
    [service] = namespace.all(SERVICES)
    assert service["spec"]["type"] == "NodePort"
    address, port = published(docker, name, "80/tcp")
    assert published(docker, name, "81/tcp")[1] != port
    eventually(lambda: PAGE in page(address, port), what=f"an answer at {address}:{port}")


def test_neither_is_no_service(docker: Docker, namespace: Namespace, name: str) -> None:
    docker("run", "-d", "--name", name, "web").ok()
    assert namespace.names(SERVICES) == []
    assert docker("port", name).ok().out == ""
    assert docker.inspect(name, "{{json .NetworkSettings.Ports}}") == {"80/tcp": None}
    assert docker("ps", "--format", "{{.Ports}}").ok().out == "80/tcp"


@pytest.mark.skipif(platform.machine() != "x86_64", reason="the program that answers datagrams is for x86_64")
def test_udp(docker: Docker, namespace: Namespace, name: str) -> None:
    port = host_port()
    program = base64.b64encode(datagram_echo()).decode()
    script = f"echo {program} | base64 -d > /tmp/echo; chmod +x /tmp/echo; exec /tmp/echo"
    docker("run", "-d", "--name", name, "-p", f"{port}:7/udp", "busybox", "sh", "-c", script).ok()
    [service] = namespace.all(SERVICES)
    assert [entry["protocol"] for entry in service["spec"]["ports"]] == ["UDP"]
    address, shown = published(docker, name, "7/udp")
    assert shown == port

    def echoes() -> bool:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
            client.settimeout(1)
            client.sendto(b"ping", (address, port))
            try:
                return client.recv(100) == b"ping"
            except OSError:
                return False

    eventually(echoes, what=f"an echo from {address}:{port}/udp")


def test_ranges_and_several_ports(engine: Engine) -> None:
    first = host_port()
    arguments = ("-p", f"{first}-{first + 2}:80-82", "-p", f"{first + 9}:80", "busybox", "sleep", "60")
    with engine.container(*arguments) as name:
        shown = engine.docker.inspect(name, "{{json .NetworkSettings.Ports}}")
        ports = {key: sorted({binding["HostPort"] for binding in value}) for key, value in shown.items()}
        assert ports == {
            "80/tcp": [str(first), str(first + 9)],
            "81/tcp": [str(first + 1)],
            "82/tcp": [str(first + 2)],
        }


def test_a_port_that_another_container_holds(engine: Engine) -> None:
    port = host_port()
    with engine.container("-p", f"{port}:80", "busybox", "sleep", "60"):
        refused = engine.docker("run", "-d", "--name", engine.name(), "-p", f"{port}:80", "busybox", "sleep", "60")
        assert f"Bind for 0.0.0.0:{port} failed: port is already allocated" in refused.exits(125).err


def test_the_port_is_free_after_stop(engine: Engine) -> None:
    port = host_port()
    with engine.container("-p", f"{port}:80", "busybox", "sleep", "60") as first:
        engine.docker("kill", first).ok()
        with engine.container("-p", f"{port}:80", "busybox", "sleep", "60"):
            assert "port is already allocated" in engine.docker("start", first).exits(1).err


def test_a_host_address_is_ignored_with_a_warning(docker: Docker, name: str) -> None:
    port = host_port()
    ran = docker("run", "-d", "--name", name, "-p", f"127.0.0.1:{port}:80", "busybox", "sleep", "60").ok()
    assert "WARNING" in ran.err
    assert "127.0.0.1" in ran.err


def test_ports_of_a_stopped_one_are_gone_and_come_back(docker: Docker, name: str) -> None:
    port = host_port()
    docker("run", "-d", "--name", name, "-p", f"{port}:80", "web").ok()
    docker("stop", "-t", "1", name).ok()
    assert docker("port", name).ok().out == ""
    docker("start", name).ok()
    address, shown = published(docker, name, "80/tcp")
    assert shown == port
    eventually(lambda: PAGE in page(address, port))


@pytest.mark.parametrize(("mode", "kind"), [("nodeport", "NodePort"), ("clusterip", "ClusterIP")])
def test_other_ways_to_publish(d2k_with: Callable[..., Subject], mode: str, kind: str, name: str) -> None:
    one = d2k_with(pull=("web",), D2K_PUBLISH=mode)
    one.docker("run", "-d", "--name", name, "-p", f"{host_port()}:80", "web").ok()
    [service] = one.namespace.all(SERVICES)
    assert service["spec"]["type"] == kind
    address, port = published(one.docker, name, "80/tcp")
    if mode == "nodeport":
        eventually(lambda: PAGE in page(address, port), what=f"an answer at {address}:{port}")
    else:
        assert address == service["spec"]["clusterIP"]


def test_proxy_listens_where_docker_would(d2k_with: Callable[..., Subject], name: str) -> None:
    one = d2k_with(pull=("web", "busybox"), D2K_PUBLISH="proxy", D2K_PUBLISH_HOST="127.0.0.1")
    port = free_port()
    one.docker("run", "-d", "--name", name, "-p", f"{port}:80", "web").ok()
    assert published(one.docker, name, "80/tcp") == ("127.0.0.1", port)
    eventually(lambda: PAGE in page("127.0.0.1", port), what="an answer through d2k")
    one.server.restart()
    eventually(lambda: PAGE in page("127.0.0.1", port), what="an answer after d2k's restart")
    one.docker("run", "-d", "--name", f"{name}-any", "-p", "80", "web").ok()
    address, given = published(one.docker, f"{name}-any", "80/tcp")
    eventually(lambda: PAGE in page(address, given), what="an answer at a port that d2k chose")
    one.docker("stop", "-t", "1", name).ok()
    assert page("127.0.0.1", port) == b""

"""D2K_PUBLISH=proxy on a cluster: what is sent to d2k's own machine reaches the Pod, and the answer comes back."""

from __future__ import annotations

import base64
import os
import platform
import socket
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Callable

import pytest
from harness.cluster import ROOT
from harness.datagrams import datagram_echo
from harness.server import free_port
from harness.subject import Subject
from harness.waits import eventually

from d2k.cluster.resources import PODS, SERVICES

HERE = "127.0.0.1"
Start = Callable[..., Subject]


@pytest.fixture
def one(d2k_with: Start) -> Subject:
    return d2k_with(pull=("web", "busybox"), D2K_PUBLISH="proxy", D2K_PUBLISH_HOST=HERE)


def page(port: int) -> bytes:
    """Return what answers at the port, or nothing while nobody does."""
    try:
        with urllib.request.urlopen(f"http://{HERE}:{port}/", timeout=5) as answer:
            return bytes(answer.read())
    except OSError:
        return b""


def talk(port: int, data: bytes) -> bytes:
    """Send `data` and its end, and return what comes back until the other end."""
    with socket.create_connection((HERE, port), timeout=30) as connection:
        sender = threading.Thread(target=lambda: (connection.sendall(data), connection.shutdown(socket.SHUT_WR)))
        sender.start()
        answer = bytearray()
        while chunk := connection.recv(1 << 16):
            answer += chunk
        sender.join()
    return bytes(answer)


def serve(one: Subject, name: str, port: int, *command: str) -> None:
    """Run a container that runs `command` for each connection to the port."""
    one.docker("run", "-d", "--name", name, "-p", f"{port}:90", "busybox", "nc", "-ll", "-p", "90", "-e", *command).ok()


def test_a_page_through_restarts_of_d2k_and_of_the_container(one: Subject, name: str) -> None:
    port = free_port()
    one.docker("run", "-d", "--name", name, "-p", f"{port}:80", "web").ok()
    assert eventually(lambda: page(port)).startswith(b"It works")
    assert one.docker("port", name).ok().out == f"80/tcp -> {HERE}:{port}"
    assert one.docker.inspect(name, "{{json .NetworkSettings.Ports}}") == {
        "80/tcp": [{"HostIp": HERE, "HostPort": str(port)}]
    }
    assert one.docker("ps", "--format", "{{.Ports}}").ok().out == f"{HERE}:{port}->80/tcp"
    one.server.restart()
    assert eventually(lambda: page(port))
    one.docker("restart", "-t", "1", name).ok()
    assert eventually(lambda: page(port))
    one.docker("rm", "-f", name).ok()
    assert page(port) == b""
    assert one.namespace.names(SERVICES) == []


def test_the_end_of_what_was_sent_reaches_the_process(one: Subject, name: str) -> None:
    port = free_port()
    serve(one, name, port, "wc", "-c")
    assert eventually(lambda: talk(port, b"x" * 1_000_003)) == b"1000003\n"


def test_every_byte_comes_back(one: Subject, name: str) -> None:
    port = free_port()
    serve(one, name, port, "cat")
    data = os.urandom(5_000_000)
    eventually(lambda: talk(port, b"ready"))
    assert talk(port, data) == data


def test_exposed_ports_get_free_ones(one: Subject, name: str) -> None:
    one.docker("run", "-d", "--name", name, "-P", "web").ok()
    address, _, port = one.docker("port", name, "80").ok().out.rpartition(":")
    assert address == HERE
    assert eventually(lambda: page(int(port)))


def test_a_port_of_the_machine_that_is_in_use(one: Subject, name: str) -> None:
    with socket.create_server((HERE, 0)) as other:
        port = other.getsockname()[1]
        ran = one.docker("run", "-d", "--name", name, "-p", f"{port}:80", "web").exits(125)
    assert f"Bind for 0.0.0.0:{port} failed: port is already allocated" in ran.err
    assert one.docker.inspect(name, "{{json .State.Status}}") == "created"
    assert one.namespace.names(SERVICES) == []
    one.docker("start", name).ok()
    assert eventually(lambda: page(port))


@pytest.mark.skipif(platform.machine() != "x86_64", reason="the program that answers datagrams is for x86_64")
def test_datagrams_come_back(one: Subject, name: str) -> None:
    port = free_port()
    program = base64.b64encode(datagram_echo()).decode()
    script = f"echo {program} | base64 -d > /tmp/echo; chmod +x /tmp/echo; exec /tmp/echo"
    one.docker("run", "-d", "--name", name, "-p", f"{port}:7/udp", "busybox", "sh", "-c", script).ok()
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
        client.settimeout(1)
        client.connect((HERE, port))

        def echoed(data: bytes) -> bool:
            client.send(data)
            try:
                return client.recv(65535) == data
            except OSError:
                return False

        assert eventually(lambda: echoed(b"hello"))
        assert all(echoed(b"%d" % number * 400) for number in range(3))


def test_through_the_api_server_where_the_pod_cannot_be_dialled(one: Subject, name: str) -> None:
    one.docker("run", "-d", "--name", name, "web").ok()
    [pod] = one.namespace.names(PODS)
    # In a process of its own: d2k's connections are gevent's.
    script = (
        "from gevent import monkey; monkey.patch_all()\n"
        "import sys\n"
        "from d2k.cluster.client import KubeClient\n"
        "from d2k.cluster.portforward import PortForward\n"
        "kubeconfig, namespace, pod = sys.argv[1:]\n"
        "stream = PortForward.open(KubeClient(kubeconfig, namespace), pod, 80)\n"
        "stream.sendall(b'GET / HTTP/1.0\\r\\n\\r\\n')\n"
        "while data := stream.recv(): sys.stdout.buffer.write(data)\n"
    )

    def answer() -> bytes:
        command = [sys.executable, "-c", script, str(one.namespace.kubeconfig), one.namespace.name, pod]
        return subprocess.run(command, cwd=ROOT, capture_output=True, timeout=30, check=False).stdout

    assert b"It works" in eventually(answer)


def test_sigterm_ends_d2k_soon_although_connections_are_open(one: Subject, name: str) -> None:
    port = free_port()
    serve(one, name, port, "cat")
    eventually(lambda: talk(port, b"ready"))
    one.api("GET", "/version")
    with socket.create_connection((HERE, port)):
        started = time.monotonic()
        assert one.server.stop() == 0
        assert time.monotonic() - started < 8

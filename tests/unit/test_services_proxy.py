"""d2k's own proxy of published ports, with real sockets on loopback and a cluster in memory."""

import contextlib
import socket as plain

import gevent
import gevent.server
import pytest
from fake_kube import World
from gevent import socket

from d2k.cluster.pod_dial import PodDialer
from d2k.cluster.relay import TcpPort
from d2k.cluster.resources import DEPLOYMENTS, PODS, SERVICES
from d2k.config import Config
from d2k.errors import NotSupported, SystemFailure
from d2k.services.proxy import PortProxy
from d2k.services.publish import Publisher

HERE = "127.0.0.1"
CONFIG = Config(publish="proxy", publish_host=HERE)


def free_port(kind=plain.SOCK_STREAM):
    with plain.socket(plain.AF_INET, kind) as probe:
        probe.bind((HERE, 0))
        return probe.getsockname()[1]


@contextlib.contextmanager
def echo():
    """A server that sends back what it was sent, and `<end>` after the end of that."""

    def serve(client, _address):
        while data := client.recv(65536):
            client.sendall(data)
        client.sendall(b"<end>")

    server = gevent.server.StreamServer((HERE, 0), serve)
    server.start()
    yield server.server_port
    server.stop(0)


def ask(port, data):
    """Send `data` and the end of it, and return everything that comes back."""
    with socket.create_connection((HERE, port), timeout=5) as client:
        client.sendall(data)
        client.shutdown(socket.SHUT_WR)
        answer = b""
        while chunk := client.recv(65536):
            answer += chunk
    return answer


def server_socket():
    listener = socket.socket()
    listener.bind((HERE, 0))
    listener.listen()
    return listener


def refused(port):
    try:
        socket.create_connection((HERE, port), timeout=5).close()
    except ConnectionRefusedError:
        return True
    return False


def settle():
    for _ in range(10):
        gevent.sleep(0)


class Machine(World):
    """A d2k with the proxy, and containers whose Pods are this machine."""

    def __init__(self):
        super().__init__()
        self.proxies = []
        self.begin()

    def begin(self):
        """Start a d2k; the one before, if any, is gone without a word."""
        for proxy in self.proxies:
            for container in self.lookup.all():
                proxy.release(container.key)
            self.cache._listeners.clear()
        self.proxy = PortProxy(self.cache, self.lookup, PodDialer(None), HERE)
        self.proxies = [self.proxy]
        self.publisher = Publisher(self.cache, self.lookup, CONFIG, self.proxy)
        self.proxy.start()
        settle()

    def run(self, digit, port, *host_ports, protocol="tcp", ip=HERE):
        bindings = {f"{port}/{protocol}": [{"HostPort": str(host_port)} for host_port in host_ports]}
        key = self.container(digit, f"c{digit}", ip=ip, host={"PortBindings": bindings})[:63]
        self.publisher.ensure(self.lookup.by_key(key))
        settle()
        return key

    def held(self):
        return sorted(
            (port["protocol"], port["port"], port["targetPort"])
            for service in self.cache[SERVICES].all()
            for port in service["spec"]["ports"]
        )

    def end(self, key):
        self.cache.delete(PODS, self.cache[PODS].of_container(key)[0])
        settle()


@pytest.fixture
def machine():
    machine = Machine()
    yield machine
    for container in machine.lookup.all():
        machine.proxy.release(container.key)
    settle()


def test_bytes_go_through_both_ways_and_so_does_the_end(machine):
    port = free_port()
    with echo() as inside:
        machine.run("1", inside, port)
        assert machine.held() == [("TCP", port, inside)]
        data = bytes(range(256)) * 20_000
        assert ask(port, data) == data + b"<end>"


def test_a_port_inside_that_nobody_listens_on_closes_the_connection(machine):
    port = free_port()
    machine.run("1", free_port(), port)
    assert ask(port, b"") == b""


def test_what_breaks_inside_breaks_outside(machine):
    listener = server_socket()
    port = free_port()
    machine.run("1", listener.getsockname()[1], port)
    with socket.create_connection((HERE, port), timeout=5) as client:
        inside, _ = listener.accept()
        inside.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
        inside.close()
        with pytest.raises(ConnectionResetError):
            client.recv(1)
    listener.close()


def test_a_client_that_does_not_read_holds_the_sender_back(machine):
    listener = server_socket()
    port = free_port()
    machine.run("1", listener.getsockname()[1], port)
    with socket.create_connection((HERE, port), timeout=5) as client:
        inside, _ = listener.accept()
        inside.settimeout(0.3)
        sent = 0
        with contextlib.suppress(TimeoutError):
            while sent < 64 << 20:
                sent += inside.send(b"x" * 65536)
        assert sent < 64 << 20
        inside.close()
        received = 0
        while chunk := client.recv(1 << 20):
            received += len(chunk)
        assert received == sent
    listener.close()


def test_a_container_that_ends_frees_its_port_and_another_start_takes_it_again(machine):
    port = free_port()
    with echo() as inside:
        key = machine.run("1", inside, port)
        machine.proxy._held.clear()
        machine.end(key)
        assert refused(port)
        assert machine.held() == [("TCP", port, inside)]
        machine.publisher.ensure(machine.lookup.by_key(key))
        assert not refused(port)


def test_a_removed_container_frees_its_port(machine):
    port = free_port()
    key = machine.run("1", free_port(), port)
    machine.publisher.withdraw(machine.lookup.by_key(key))
    assert (machine.held(), refused(port)) == ([], True)
    machine.cache.delete(DEPLOYMENTS, machine.cache[DEPLOYMENTS].all()[0])
    settle()
    assert (machine.proxy._open, machine.proxy._held) == ({}, {})


def test_another_d2k_opens_the_same_ports(machine):
    port = free_port()
    with echo() as inside:
        machine.run("1", inside, port)
        machine.begin()
        assert ask(port, b"again") == b"again<end>"


def test_a_port_in_use_on_the_machine_fails_the_start(machine):
    with plain.create_server((HERE, 0)) as other:
        port = other.getsockname()[1]
        with pytest.raises(SystemFailure) as caught:
            machine.run("1", 80, port)
        message = f"Bind for 0.0.0.0:{port} failed: port is already allocated"
        assert str(caught.value).startswith("failed to set up container networking: driver failed programming ")
        assert str(caught.value).endswith(message)
        assert (machine.held(), machine.proxy._open) == ([], {})


def test_of_a_range_the_next_free_port_is_taken(machine):
    with plain.create_server((HERE, 0)) as other:
        port = other.getsockname()[1]
        machine.run("1", 80, f"{port}-{port + 9}")
        [(_, given, _)] = machine.held()
        assert port < given <= port + 9
        assert not refused(given)


def test_a_failure_leaves_none_of_the_ports_open(machine):
    free = free_port()
    with plain.create_server((HERE, 0)) as other, pytest.raises(SystemFailure):
        machine.run("1", 80, free, other.getsockname()[1])
    assert refused(free)


def test_a_port_that_somebody_took_while_the_container_was_stopped(machine):
    key = machine.run("1", 80, "")
    [(_, given, _)] = machine.held()
    machine.proxy._held.clear()
    machine.end(key)
    with plain.create_server((HERE, given)):
        machine.publisher.ensure(machine.lookup.by_key(key))
        [(_, other, _)] = machine.held()
        assert other != given
        assert not refused(other)


def test_a_port_that_another_d2k_still_holds_is_taken_over(machine, monkeypatch, caplog):
    monkeypatch.setattr("d2k.services.proxy.RETRY_SECONDS", 0.02)
    port = free_port()
    with echo() as inside:
        machine.run("1", inside, port)
        successor = PortProxy(machine.cache, machine.lookup, PodDialer(None), HERE)
        successor.start()
        gevent.sleep(0.1)
        assert caplog.text.count("address already in use") == 1
        machine.cache._listeners.remove(machine.proxy._changed)
        for container in machine.lookup.all():
            machine.proxy.release(container.key)
        gevent.sleep(0.1)
        assert ask(port, b"hello") == b"hello<end>"
        assert successor._failed == set()
        machine.proxy = successor


def test_a_port_that_may_not_be_opened(machine):
    machine.proxy._host = "203.0.113.1"
    with pytest.raises(SystemFailure, match=r"listen tcp 203\.0\.113\.1:8080: bind: cannot assign requested address$"):
        machine.run("1", 80, 8080)


def test_sctp_is_refused(machine):
    with pytest.raises(NotSupported, match="SCTP"):
        machine.run("1", 80, 8080, protocol="sctp")


def test_the_api_server_is_the_way_when_the_pod_does_not_answer(monkeypatch):
    asked = []

    def forward(_client, pod, port):
        asked.append((pod, port))
        return TcpPortEnd()

    class TcpPortEnd:
        def recv(self):
            return b""

        sendall = end = close = abort = recv

    monkeypatch.setattr("d2k.cluster.pod_dial.PortForward.open", forward)
    monkeypatch.setattr("gevent.socket.create_connection", unreachable)
    dialer = PodDialer(object())
    pod = {"metadata": {"name": "far", "uid": "u"}, "status": {"podIP": "192.0.2.1"}}
    dialer.connect(pod, 80)
    dialer.connect(pod, 81)
    assert asked == [("far", 80), ("far", 81)]
    assert dialer._direct == {"u": False}
    # A Pod that has answered once is only busy.
    dialer._direct["u"] = True
    with pytest.raises(TimeoutError):
        dialer.connect(pod, 82)
    assert dialer._direct == {"u": True}


def unreachable(*_args, **_options):
    raise TimeoutError("timed out")


def test_datagrams_find_their_way_back(machine):
    inside = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    inside.bind((HERE, 0))
    port = free_port(plain.SOCK_DGRAM)
    machine.run("1", inside.getsockname()[1], port, protocol="udp")
    assert machine.held() == [("UDP", port, inside.getsockname()[1])]
    clients = [socket.socket(socket.AF_INET, socket.SOCK_DGRAM) for _ in range(2)]
    for number, client in enumerate(clients):
        client.settimeout(5)
        client.connect((HERE, port))
        client.send(b"from %d" % number)
    met = {}
    for _ in clients:
        data, address = inside.recvfrom(100)
        met[data] = address
        inside.sendto(b"to " + data, address)
    assert set(met) == {b"from 0", b"from 1"}
    assert len(set(met.values())) == 2
    assert [client.recv(100) for client in clients] == [b"to from 0", b"to from 1"]


def test_a_closed_port_lets_what_is_under_way_pass(monkeypatch):
    monkeypatch.setattr("d2k.cluster.relay.DRAIN_SECONDS", 0.3)
    with echo() as inside:
        port = free_port()
        opened = TcpPort(HERE, port, lambda: PodDialer(None).connect(pod_here(), inside))
        with socket.create_connection((HERE, port), timeout=5) as client:
            client.sendall(b"one")
            assert client.recv(10) == b"one"
            opened.close()
            assert refused(port)
            client.sendall(b"two")
            assert client.recv(10) == b"two"
            with pytest.raises(ConnectionResetError):
                client.recv(10)


def pod_here():
    return {"metadata": {"name": "here", "uid": "u"}, "status": {"podIP": HERE}}

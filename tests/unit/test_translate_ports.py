import pytest
from hypothesis import given
from hypothesis import strategies as st

from d2k.errors import InvalidParameter, SystemFailure
from d2k.translate.ports import (
    EPHEMERAL,
    Binding,
    Port,
    Published,
    bindings,
    exposed_ports,
    parse_host_ports,
    parse_port,
    publish_ranges,
    start_failure,
)

HTTP = Port(80, "tcp")


def message(call, *arguments):
    with pytest.raises(InvalidParameter) as caught:
        call(*arguments)
    return str(caught.value)


@pytest.mark.parametrize(
    ("text", "port"),
    [
        ("80/tcp", HTTP),
        ("80", HTTP),
        ("80/", HTTP),
        ("080/TCP", HTTP),
        ("53/udp", Port(53, "udp")),
        ("7/sctp", Port(7, "sctp")),
        ("0/tcp", Port(0, "tcp")),
    ],
)
def test_parse_port(text, port):
    assert parse_port(text) == port


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("70000/tcp", "invalid JSON: invalid port '70000': value out of range"),
        ("999999999999999999999999", "invalid JSON: invalid port '999999999999999999999999': value out of range"),
        ("abc/tcp", "invalid JSON: invalid port 'abc': invalid syntax"),
        ("80-82/tcp", "invalid JSON: invalid port '80-82': invalid syntax"),
        ("/tcp", "invalid JSON: invalid port '': value is empty"),
        ("80/foo", 'invalid port specification: "80/foo": unknown protocol: use tcp, udp or sctp'),
        ("80/tcp/x", 'invalid port specification: "80/tcp/x": unknown protocol: use tcp, udp or sctp'),
    ],
)
def test_parse_port_refuses(text, expected):
    assert message(parse_port, text) == expected


@given(st.integers(0, 65535), st.sampled_from(["tcp", "udp", "sctp"]))
def test_ports_come_back(number, protocol):
    assert parse_port(str(Port(number, protocol))) == Port(number, protocol)


def test_exposed_ports():
    assert exposed_ports(None) == []
    assert exposed_ports({"90": {}, "80/tcp": {}, "90/tcp": {}, "53/udp": None}) == [
        Port(53, "udp"),
        HTTP,
        Port(90, "tcp"),
    ]


@pytest.mark.parametrize(
    ("text", "ends"),
    [("", (0, 0)), ("0", (0, 0)), ("8080", (8080, 8080)), ("018080", (18080, 18080)), ("8000-8010", (8000, 8010))],
)
def test_host_ports(text, ends):
    assert parse_host_ports(text) == ends


@pytest.mark.parametrize("text", ["abc", "70000", "-1", "1-", "18085-18080", " 18080", "8080/tcp", "0-10", "1-2-3"])
def test_host_ports_refused(text):
    assert message(parse_host_ports, text) == f'invalid port specification: "{text}"'


def test_bindings():
    host_config = {
        "PortBindings": {
            "90/udp": [{"HostPort": "18090"}],
            "80/tcp": [{"HostIp": "127.0.0.1", "HostPort": "18080-18085"}, {"HostIp": "", "HostPort": "18081"}],
            "81": None,
            "82/tcp": [],
            "7/sctp": [{"HostIp": "::1", "HostPort": ""}],
        }
    }
    asked = [
        Binding(7, "sctp", "::1", 0, 0),
        Binding(80, "tcp", "127.0.0.1", 18080, 18085),
        Binding(80, "tcp", "", 18081, 18081),
        Binding(81, "tcp", "", 0, 0),
        Binding(82, "tcp", "", 0, 0),
        Binding(90, "udp", "", 18090, 18090),
    ]
    exposed = [Port(0, "tcp"), HTTP, Port(443, "tcp")]
    assert bindings(host_config, exposed) == asked
    assert bindings({**host_config, "PublishAllPorts": True}, exposed) == [*asked, Binding(443, "tcp", "", 0, 0)]
    assert bindings({}) == []
    assert bindings({"PortBindings": None, "PublishAllPorts": True}) == []


@pytest.mark.parametrize(
    ("text", "wish", "expected"),
    [
        ("0/tcp", {"HostPort": "1"}, 'invalid port specification: "0/tcp"'),
        ("", {"HostPort": "1"}, 'invalid port specification: "invalid port"'),
        ("80/tcp", {"HostPort": "abc"}, 'invalid port specification: "abc"'),
        ("80/tcp", {"HostIp": "nowhere", "HostPort": "1"}, 'invalid JSON: ParseAddr("nowhere"): unable to parse IP'),
    ],
)
def test_bindings_refused(text, wish, expected):
    assert message(bindings, {"PortBindings": {text: [wish]}}) == expected


def wish(first, last=None, port=80, protocol="tcp", ip=""):
    return Binding(port, protocol, ip, first, first if last is None else last)


def test_publish_ranges():
    taken = {("tcp", 8000), ("udp", 8001)}
    wishes = [wish(8000, 8010), wish(8001, port=81), wish(8000, port=53, protocol="udp", ip="10.0.0.1")]
    assert publish_ranges(wishes, taken, "x") == [
        Published(80, "tcp", "", 8002),  # 8000 is taken, and 8001 is all that the next one accepts
        Published(81, "tcp", "", 8001),
        Published(53, "udp", "10.0.0.1", 8000),
    ]
    assert taken == {("tcp", 8000), ("udp", 8001)}


def test_publish_ranges_on_two_addresses_is_one_port():
    both = [wish(8080, ip="0.0.0.0"), wish(8080, ip="::")]
    assert [one.host_port for one in publish_ranges(both, set(), "x")] == [8080, 8080]
    free = [wish(0, ip="0.0.0.0"), wish(0, ip="::")]
    assert len({one.host_port for one in publish_ranges(free, set(), "x")}) == 1


@pytest.mark.parametrize(
    ("wishes", "taken", "expected"),
    [
        ([wish(8080)], {("tcp", 8080)}, "Bind for 0.0.0.0:8080 failed: port is already allocated"),
        ([wish(8080, ip="127.0.0.1")], {("tcp", 8080)}, "Bind for 127.0.0.1:8080 failed: port is already allocated"),
        ([wish(8080), wish(8080)], set(), "Bind for 0.0.0.0:8080 failed: port is already allocated"),
        ([wish(8080), wish(8080, port=81)], set(), "Bind for 0.0.0.0:8080 failed: port is already allocated"),
        ([wish(8080, 8081)], {("tcp", 8080), ("tcp", 8081)}, "all ports are allocated"),
    ],
)
def test_publish_ranges_without_a_free_port(wishes, taken, expected):
    with pytest.raises(SystemFailure) as caught:
        publish_ranges(wishes, taken, "x")
    assert str(caught.value) == expected


@given(st.text(), st.integers(1, 20))
def test_free_ports_are_ephemeral_distinct_and_repeatable(seed, count):
    wishes = [wish(0, port=1000 + index) for index in range(count)]
    published = publish_ranges(wishes, set(), seed)
    host_ports = [one.host_port for one in published]
    assert publish_ranges(wishes, set(), seed) == published
    assert len(set(host_ports)) == count
    assert all(EPHEMERAL[0] <= one <= EPHEMERAL[1] for one in host_ports)
    again = publish_ranges(wishes, {("tcp", one) for one in host_ports}, seed)
    assert not {one.host_port for one in again} & set(host_ports)


def test_start_failure():
    reason = SystemFailure("Bind for 0.0.0.0:18080 failed: port is already allocated")
    assert start_failure("p2", "4fc1", reason) == (
        "failed to set up container networking: driver failed programming external connectivity on endpoint p2 (4fc1): "
        "Bind for 0.0.0.0:18080 failed: port is already allocated"
    )

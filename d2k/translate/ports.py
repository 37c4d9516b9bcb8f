"""Ports: what a container exposes and publishes, in Docker's words, and the host ports that it gets."""

from __future__ import annotations

import ipaddress
import random
import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from d2k.errors import InvalidParameter, SystemFailure

PROTOCOLS = ("tcp", "udp", "sctp")
EPHEMERAL = (32768, 60999)  # the range of Linux that the engine takes free host ports from
LARGEST = 65535


class Port(NamedTuple):
    """A port of a container: `80/tcp` is Port(80, "tcp")."""

    number: int
    protocol: str

    def __str__(self) -> str:
        return f"{self.number}/{self.protocol}"


class Binding(NamedTuple):
    """A wish for a host port: any port from `host_from` to `host_to`, or any free one when both are 0.

    `host_ip` is empty for all addresses.
    """

    container_port: int
    protocol: str
    host_ip: str
    host_from: int
    host_to: int

    @property
    def port(self) -> Port:
        """Return the container's port."""
        return Port(self.container_port, self.protocol)


class Published(NamedTuple):
    """A host port that was given: what inspect and the container list show of it."""

    container_port: int
    protocol: str
    host_ip: str
    host_port: int


def parse_port(text: str) -> Port:
    """Return the port of `80`, `80/tcp`, `80/UDP`.

    Raises InvalidParameter with the engine's texts for a number out of range and for what is no number, and for a
    protocol that neither Docker nor Kubernetes carries.
    """
    number, _, protocol = text.partition("/")
    if not number:
        raise InvalidParameter("invalid JSON: invalid port '': value is empty")
    if re.fullmatch(r"[0-9]+", number) is None:
        raise InvalidParameter(f"invalid JSON: invalid port '{number}': invalid syntax")
    if len(number.lstrip("0")) > 5 or int(number) > LARGEST:
        raise InvalidParameter(f"invalid JSON: invalid port '{number}': value out of range")
    protocol = protocol.lower() or "tcp"
    if protocol not in PROTOCOLS:
        raise InvalidParameter(f'invalid port specification: "{text}": unknown protocol: use tcp, udp or sctp')
    return Port(int(number), protocol)


def exposed_ports(exposed: Mapping[str, Any] | None) -> list[Port]:
    """Return the ports of an ExposedPorts object, sorted and each once; raises InvalidParameter as `parse_port`."""
    return sorted({parse_port(text) for text in exposed or ()})


def bindings(host_config: Mapping[str, Any], exposed: Iterable[Port] = ()) -> list[Binding]:
    """Return the wishes of a HostConfig's PortBindings and, with PublishAllPorts, of the exposed ports besides.

    They come sorted by port, those of one port in the order of the request. A port with an empty list or null is
    published on any free port. Raises InvalidParameter with the engine's text for what it refuses.
    """
    asked: dict[Port, list[Binding]] = {}
    for text, wishes in (host_config.get("PortBindings") or {}).items():
        port = _bound_port(text)
        asked.setdefault(port, []).extend(_binding(port, wish) for wish in wishes or [{}])
    if host_config.get("PublishAllPorts"):
        for port in exposed:
            if port.number:  # an image may expose port 0, which nothing can be sent to
                asked.setdefault(port, [Binding(port.number, port.protocol, "", 0, 0)])
    return [binding for port in sorted(asked) for binding in asked[port]]


def _bound_port(text: str) -> Port:
    if not text:
        raise InvalidParameter('invalid port specification: "invalid port"')
    port = parse_port(text)
    if port.number == 0:
        raise InvalidParameter(f'invalid port specification: "{port}"')
    return port


def _binding(port: Port, wish: Mapping[str, Any]) -> Binding:
    host_ip = wish.get("HostIp") or ""
    host_from, host_to = parse_host_ports(wish.get("HostPort") or "")
    if host_ip:
        try:
            ipaddress.ip_address(host_ip)
        except ValueError:
            raise InvalidParameter(f"invalid JSON: ParseAddr({_quoted(host_ip)}): unable to parse IP") from None
    return Binding(port.number, port.protocol, host_ip, host_from, host_to)


def _quoted(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def parse_host_ports(text: str) -> tuple[int, int]:
    """Return the first and last host port of a HostPort such as `8080` or `8000-8010`.

    Both are 0 for `` and `0`, which ask for any free port. Raises InvalidParameter with the engine's text.
    """
    if not text:
        return 0, 0
    match = re.fullmatch(r"([0-9]+)(?:-([0-9]+))?", text)
    first, last = (_host_port(end, text) for end in (match[1], match[2] or match[1])) if match else (1, 0)
    if first > last or (first == 0 and last > 0):
        raise InvalidParameter(f"invalid port specification: {_quoted(text)}")
    return first, last


def _host_port(digits: str, text: str) -> int:
    if len(digits.lstrip("0")) > 5 or int(digits) > LARGEST:
        raise InvalidParameter(f"invalid port specification: {_quoted(text)}")
    return int(digits)


def publish_ranges(wishes: Sequence[Binding], taken: Collection[tuple[str, int]], seed: str) -> list[Published]:
    """Give every wish a host port that is in no (protocol, port) of `taken`, nor given to an earlier wish.

    Fixed ports go first, so that no free choice takes what another wish needs. Of a range it is the lowest free port,
    as in the engine; a port of the ephemeral range depends on the seed, so that the same container gets the same one
    again. Wishes that differ in nothing but the host's address share one port, as a Service has it on all addresses.
    The result is in the order of the wishes. Raises SystemFailure with the engine's text, see
    `start_failure` for the whole message.
    """
    used = set(taken)
    shared: dict[Binding, int] = {}
    given: dict[int, Published] = {}
    for index in sorted(range(len(wishes)), key=lambda at: _freedom(wishes[at])):
        wish = wishes[index]
        anywhere = wish._replace(host_ip="")
        host_port = shared.get(anywhere, 0) if wish not in wishes[:index] else 0
        if not host_port:
            host_port = _choose(wish, used, f"{seed}/{wish.port}/{index}")
        shared.setdefault(anywhere, host_port)
        used.add((wish.protocol, host_port))
        given[index] = Published(wish.container_port, wish.protocol, wish.host_ip, host_port)
    return [given[index] for index in range(len(wishes))]


def _freedom(wish: Binding) -> int:
    return LARGEST if wish.host_from == 0 else wish.host_to - wish.host_from


def _choose(wish: Binding, used: Collection[tuple[str, int]], seed: str) -> int:
    first, last = (wish.host_from, wish.host_to) if wish.host_from else EPHEMERAL
    count = last - first + 1
    start = 0 if wish.host_from else random.Random(seed).randrange(count)  # noqa: S311 - spreads, hides nothing
    for step in range(count):
        host_port = first + (start + step) % count
        if (wish.protocol, host_port) not in used:
            return host_port
    if count > 1:
        raise SystemFailure("all ports are allocated")
    raise SystemFailure(f"Bind for {wish.host_ip or '0.0.0.0'}:{first} failed: port is already allocated")  # noqa: S104


def start_failure(name: str, endpoint_id: str, reason: object) -> str:
    """Return the engine's whole message when a container cannot start because of its ports.

    `name` is the container's without a slash, `reason` what `publish_ranges` raised.
    """
    return (
        "failed to set up container networking: driver failed programming external connectivity on endpoint "
        f"{name} ({endpoint_id}): {reason}"
    )

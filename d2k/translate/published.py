"""Published ports: Docker's bindings as Services, and Services as the addresses that answer."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

from d2k.translate.labels import CONTAINER, owned
from d2k.translate.ports import Binding, Port, Published
from d2k.translate.record import Container

Object = dict[str, Any]
Resolve = Callable[[str], str]

# How the Service is reached: loadbalancer, nodeport, clusterip or proxy (d2k listens itself).
PUBLISH = "d2k.io/publish"
KIND_PUBLISHED = "published"

LOAD_BALANCER, NODE_PORT, CLUSTER_IP, PROXY = "loadbalancer", "nodeport", "clusterip", "proxy"
_TYPES = {LOAD_BALANCER: "LoadBalancer", NODE_PORT: "NodePort", CLUSTER_IP: "ClusterIP", PROXY: "ClusterIP"}
# The range that the API server takes node ports from by default.
_NODE_PORTS = range(30000, 32768)


def service(container: Container, name: str, published: Sequence[Published], mode: str) -> Object:
    """Return the Service that publishes ports of a container; `name` is the Service's own.

    A node port is asked for only where the host port lies in the cluster's range.
    """
    ports = []
    # One host port on two addresses of the host is one port of the Service.
    for port in dict.fromkeys(port._replace(host_ip="") for port in published):
        entry: Object = {
            "name": f"{port.protocol}-{port.container_port}-{port.host_port or 'any'}",
            "protocol": port.protocol.upper(),
            "port": port.host_port or port.container_port,
            "targetPort": port.container_port,
        }
        if mode == NODE_PORT and port.host_port in _NODE_PORTS:
            entry["nodePort"] = port.host_port
        ports.append(entry)
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {
            "name": name,
            "labels": {**owned(KIND_PUBLISHED), CONTAINER: container.key},
            "annotations": {PUBLISH: mode},
            "ownerReferences": [container.owner_reference],
        },
        "spec": {
            "type": _TYPES[mode],
            "selector": {CONTAINER: container.key},
            # Docker publishes a port whether or not the container is healthy.
            "publishNotReadyAddresses": True,
            "ports": ports,
        },
    }


def address_warnings(wishes: Iterable[Binding], mode: str) -> list[str]:
    """Return a warning for each host address that a Service cannot be bound to."""
    addresses = {wish.host_ip for wish in wishes} - {"", "0.0.0.0", "::"}  # noqa: S104 - no address at all
    if mode == PROXY:
        return []
    return [
        f"A Service has its own address: {address} in front of the host port is ignored."
        for address in sorted(addresses)
    ]


def mode_of(obj: Object) -> str:
    """Return how a Service of d2k publishes its ports."""
    return str((obj["metadata"].get("annotations") or {}).get(PUBLISH, LOAD_BALANCER))


def is_published(obj: Object) -> bool:
    """Say whether a Service publishes ports of a container."""
    return PUBLISH in (obj["metadata"].get("annotations") or {})


def host_ports(obj: Object) -> set[tuple[str, int]]:
    """Return (protocol, port) of every host port that a Service holds; those of its nodes are the cluster's matter."""
    if mode_of(obj) in (NODE_PORT, CLUSTER_IP):
        return set()
    return {(port["protocol"].lower(), port["port"]) for port in obj["spec"]["ports"]}


def proxied(services: Iterable[Object]) -> dict[tuple[str, int], int]:
    """Return the host ports, as (protocol, port), that d2k itself listens on, and the container port of each."""
    return {
        (port["protocol"].lower(), port["port"]): port["targetPort"]
        for obj in services
        if is_published(obj) and mode_of(obj) == PROXY
        for port in obj["spec"]["ports"]
    }


def has_address(obj: Object) -> bool:
    """Say whether the Service can be reached by now: only a load balancer may still wait for its address."""
    return mode_of(obj) != LOAD_BALANCER or _ingress(obj, unresolved) is not None


def unresolved(_name: str) -> str:
    """Return no address for a host name: the way to look at ports whose address does not matter."""
    return ""


def published_ports(
    services: Iterable[Object], node_address: str, proxy_address: str, resolve: Resolve = unresolved
) -> list[Published]:
    """Return every published port with the address and port that answer, sorted.

    `node_address` is that of the Pod's node. `resolve` gives the IP address of a load balancer that has a host name:
    Docker's clients take nothing else; without one the port is right all the same. Ports of a load balancer that has
    neither yet are left out.
    """
    found: list[Published] = []
    for obj in services:
        if not is_published(obj):
            continue
        mode = mode_of(obj)
        address = {
            LOAD_BALANCER: _ingress(obj, resolve),
            NODE_PORT: node_address,
            CLUSTER_IP: obj["spec"].get("clusterIP"),
            PROXY: proxy_address,
        }[mode]
        if address is None:
            continue
        for port in obj["spec"]["ports"]:
            number = port.get("nodePort") if mode == NODE_PORT else port["port"]
            if number:
                found.append(Published(port["targetPort"], port["protocol"].lower(), address, number))
    return sorted(found)


def port_map(published: Iterable[Published], exposed: Iterable[Port]) -> Object:
    """Return NetworkSettings.Ports of a running container."""
    ports: Object = {str(port): None for port in exposed}
    for port in published:
        key = str(Port(port.container_port, port.protocol))
        if ports.get(key) is None:
            ports[key] = []
        ports[key].append({"HostIp": port.host_ip, "HostPort": str(port.host_port)})
    return ports


def port_list(published: Iterable[Published], exposed: Iterable[Port]) -> list[Object]:
    """Return the Ports of a row of `docker ps`."""
    rows: list[Object] = []
    shown = set()
    for port in published:
        shown.add(Port(port.container_port, port.protocol))
        row: Object = {"IP": port.host_ip} if port.host_ip else {}
        rows.append(row | {"PrivatePort": port.container_port, "PublicPort": port.host_port, "Type": port.protocol})
    rows += [{"PrivatePort": port.number, "Type": port.protocol} for port in exposed if port not in shown]
    return rows


def _ingress(obj: Object, resolve: Resolve) -> str | None:
    for ingress in ((obj.get("status") or {}).get("loadBalancer") or {}).get("ingress") or ():
        if ingress.get("ip"):
            return str(ingress["ip"])
        if ingress.get("hostname"):
            return resolve(str(ingress["hostname"]))
    return None

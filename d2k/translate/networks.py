"""Docker's networks: the predefined ones, the user's as ConfigMaps, and their headless Services."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import orjson

from d2k.errors import DockerError, Forbidden, InvalidParameter, NotFound, NotSupported
from d2k.translate import filters as docker_filters
from d2k.translate.ids import derived_id
from d2k.translate.labels import KIND, owned
from d2k.translate.times import ZERO, parse_rfc3339

Object = dict[str, Any]

DOCUMENT = "network.json"
BRIDGE, HOST, NONE = "bridge", "host", "none"
DRIVERS = {BRIDGE: "bridge", HOST: "host", NONE: "null"}
LIST_FILTERS = ("dangling", "driver", "id", "label", "name", "scope", "type")
PRUNE_FILTERS = ("label", "label!", "until")

# Names that no network of the user's can have; the engine takes `default` for another name of bridge.
_RESERVED = (*DRIVERS, "default")


@dataclass(frozen=True)
class Network:
    """A network: `request` is the create request, empty for the predefined ones, which are stored nowhere."""

    id: str
    name: str
    driver: str = "bridge"
    created: str = ZERO
    request: Object = field(default_factory=dict)

    @property
    def predefined(self) -> bool:
        """Whether it is bridge, host or none."""
        return self.name in DRIVERS

    @property
    def service(self) -> str:
        """The name of the headless Service under which its members' names resolve."""
        return service_name(self.id)

    @property
    def labels(self) -> dict[str, str]:
        """The user's labels."""
        return self.request.get("Labels") or {}

    @property
    def subnets(self) -> list[Object]:
        """The address ranges of the create request, which are shown and otherwise without effect."""
        ranges = (self.request.get("IPAM") or {}).get("Config") or []
        return [one for one in ranges if one.get("Subnet")]


def service_name(network_id: str) -> str:
    """Return the name of a network's Service and of the first part of its slices' names."""
    return f"net-{network_id[:12]}"


def predefined(namespace: str) -> list[Network]:
    """Return bridge, host and none with ids that depend on the namespace alone."""
    return [Network(derived_id("network", namespace, name), name, driver) for name, driver in DRIVERS.items()]


# -- Kubernetes ---------------------------------------------------------------------------------------------------


def config_map_name(name: str) -> str:
    """Return the name of the ConfigMap that stores the network of this name.

    It depends on Docker's name and not on the id, so that the API server itself refuses a second network of the name,
    also when two d2k create it at once.
    """
    return f"d2k-network-{derived_id('network', name)[:12]}"


def config_map(network: Network) -> Object:
    """Return the ConfigMap that stores a user's network."""
    stored = {**network.request, "Id": network.id, "Name": network.name, "Created": network.created}
    return {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": config_map_name(network.name), "labels": owned("network", network.labels)},
        "data": {DOCUMENT: orjson.dumps(stored).decode()},
    }


def is_network(stored: Object) -> bool:
    """Say whether a ConfigMap of d2k stores a network that is not being deleted."""
    meta = stored["metadata"]
    kind = (meta.get("labels") or {}).get(KIND)
    return kind == "network" and DOCUMENT in (stored.get("data") or {}) and not meta.get("deletionTimestamp")


def network(stored: Object) -> Network:
    """Return the network that a ConfigMap stores."""
    document = orjson.loads(stored["data"][DOCUMENT])
    request = {key: value for key, value in document.items() if key not in ("Id", "Created")}
    return Network(document["Id"], document["Name"], "bridge", document["Created"], request)


def service(network_: Network, owner: Object) -> Object:
    """Return the network's headless Service; `owner` is its ConfigMap, with which it goes.

    Without a selector Kubernetes makes no endpoints of its own for it.
    """
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {
            "name": network_.service,
            "labels": owned("network"),
            "ownerReferences": [owner_reference(owner)],
        },
        "spec": {"clusterIP": "None"},
    }


def owner_reference(owner: Object) -> Object:
    """Return the reference by which Kubernetes removes a dependant together with the network's ConfigMap."""
    meta = owner["metadata"]
    return {"apiVersion": "v1", "kind": "ConfigMap", "name": meta["name"], "uid": meta["uid"]}


# -- create -------------------------------------------------------------------------------------------------------


def check_request(request: Mapping[str, Any]) -> list[str]:
    """Check a create request in the engine's order and return the warnings for the user.

    Raises InvalidParameter, Forbidden, NotFound or NotSupported, with the engine's texts where it has some.
    """
    name = request["Name"]
    if not name.strip():
        raise InvalidParameter("invalid name: name is empty")
    if name in _RESERVED:
        raise Forbidden(f"operation is not permitted on predefined {name} network ")
    problem = _kind_problem(request)
    if problem is not None:
        raise problem
    if request.get("EnableIPv4") is False and not request.get("EnableIPv6"):
        raise InvalidParameter("IPv4 or IPv6 must be enabled")
    ipam = request.get("IPAM") or {}
    problems = [problem for one in ipam.get("Config") or () for problem in _range_problems(one)]
    if problems:
        raise InvalidParameter("invalid network config:\n" + joined(problems))
    return _warnings(request)


def joined(problems: list[str]) -> str:
    """Return several complaints as the engine does: one as it is, more as a list."""
    return problems[0] if len(problems) == 1 else "\n".join(f"* {problem}" for problem in problems)


def _kind_problem(request: Mapping[str, Any]) -> DockerError | None:
    driver = request.get("Driver") or "bridge"
    if request.get("Scope") == "swarm":
        return Forbidden("cannot create a swarm scoped network when swarm is not active")
    if request.get("Ingress"):
        return Forbidden("Ingress network can only be global scope network")
    if request.get("ConfigOnly") or (request.get("ConfigFrom") or {}).get("Network"):
        return NotSupported(
            "configuration-only networks describe a host's interfaces, which Kubernetes has not: "
            "create the network without --config-only and --config-from"
        )
    if driver == "overlay":
        return Forbidden(
            'This node is not a swarm manager. Use "docker swarm init" or "docker swarm join" to connect this node to '
            "swarm and try again."
        )
    if driver in ("host", "null"):
        return Forbidden(f'only one instance of "{driver}" network is allowed')
    if driver != "bridge":
        return NotFound(f'plugin "{driver}" not found')
    ipam = (request.get("IPAM") or {}).get("Driver") or "default"
    return None if ipam == "default" else NotFound(f'plugin "{ipam}" not found')


def _range_problems(one: Mapping[str, Any]) -> list[str]:
    subnet_text = one.get("Subnet") or ""
    gateway, ip_range = one.get("Gateway") or "", one.get("IPRange") or ""
    if not subnet_text:
        outside = f"invalid gateway {gateway}: parent subnet invalid Prefix doesn't contain this address"
        return [outside] if gateway else []
    subnet = ipaddress.ip_network(subnet_text, strict=False)
    if str(subnet) != subnet_text:
        return [f"invalid subnet {subnet_text}: it should be {subnet}"]
    problems = []
    if ip_range:
        inner = ipaddress.ip_network(ip_range, strict=False)
        if inner.prefixlen < subnet.prefixlen:
            problems.append(f"invalid ip-range {ip_range}: CIDR block is bigger than its parent subnet {subnet}")
        if inner.network_address not in subnet:
            problems.append(f"invalid ip-range {ip_range}: parent subnet {subnet} doesn't contain ip-range")
    if gateway and ipaddress.ip_address(gateway) not in subnet:
        problems.append(f"invalid gateway {gateway}: parent subnet {subnet} doesn't contain this address")
    return problems


def _warnings(request: Mapping[str, Any]) -> list[str]:
    warnings = []
    if any(one.get("Subnet") for one in (request.get("IPAM") or {}).get("Config") or ()):
        warnings.append("Kubernetes gives the Pods their addresses: the subnet is shown, and has no effect.")
    if request.get("EnableIPv6"):
        warnings.append("Kubernetes decides whether the Pods have IPv6 addresses: EnableIPv6 has no effect.")
    if request.get("Internal"):
        warnings.append("Isolation is not enforced: containers of this internal network reach other networks.")
    return warnings


# -- Docker's documents -------------------------------------------------------------------------------------------


def document(shown: Network) -> Object:
    """Return Docker's Network without its containers, as the list shows it.

    The Pods' network is flat and its ranges are the cluster's own affair: without a subnet in the create request the
    list of ranges is empty.
    """
    request, ipam = shown.request, shown.request.get("IPAM") or {}
    ranges = None if shown.name in (HOST, NONE) else shown.subnets
    options = {"com.docker.network.bridge.default_bridge": "true"} if shown.name == BRIDGE else {}
    return {
        "Name": shown.name,
        "Id": shown.id,
        "Created": shown.created,
        "Scope": "local",
        "Driver": shown.driver,
        "EnableIPv4": request.get("EnableIPv4", True),
        "EnableIPv6": request.get("EnableIPv6", False),
        "IPAM": {"Driver": "default", "Options": ipam.get("Options"), "Config": ranges},
        "Internal": request.get("Internal", False),
        "Attachable": request.get("Attachable", False),
        "Ingress": False,
        "ConfigFrom": {"Network": ""},
        "ConfigOnly": False,
        "Options": request.get("Options") or options,
        "Labels": shown.labels,
    }


def check_filters(filters: docker_filters.Filters) -> None:
    """Raise InvalidParameter with the engine's text for what `GET /networks` cannot filter by."""
    docker_filters.check(filters, LIST_FILTERS)
    docker_filters.dangling_networks(filters)
    for value in filters.get("type", ()):
        if value not in ("builtin", "custom"):
            raise InvalidParameter("invalid value for filter 'type': must be 'builtin' or 'custom'")


def listed(candidate: Network, filters: docker_filters.Filters, *, in_use: bool) -> bool:
    """Say whether `GET /networks` shows the network; `in_use`: a running container is connected to it."""
    dangling = docker_filters.dangling_networks(filters)
    if dangling is not None and dangling == (in_use or candidate.predefined):
        return False
    exact = {
        "driver": candidate.driver,
        "scope": "local",
        "type": "builtin" if candidate.predefined else "custom",
    }
    if any(filters.get(key) and value not in filters[key] for key, value in exact.items()):
        return False
    return (
        docker_filters.name_matches(filters.get("name", []), [candidate.name])
        and docker_filters.name_matches(filters.get("id", []), [candidate.id])
        and docker_filters.labels_match(filters.get("label", []), candidate.labels)
    )


def prunable(candidate: Network, filters: docker_filters.Filters, until_ns: int | None) -> bool:
    """Say whether prune takes this unused network; `until_ns` spares what was created later."""
    return (
        not candidate.predefined
        and (until_ns is None or parse_rfc3339(candidate.created) <= until_ns)
        and docker_filters.labels_match(filters.get("label", []), candidate.labels)
        and not docker_filters.labels_exclude(filters.get("label!", []), candidate.labels)
    )


def search_domains(networks: Iterable[Network], namespace: str, cluster_domain: str) -> list[str]:
    """Return the domains in which a Pod of these networks looks names up: one per network of the user's.

    A name without a dot goes through them all with the `ndots` of every Pod, so that it means a peer.
    """
    return [f"{one.service}.{namespace}.svc.{cluster_domain}" for one in networks if not one.predefined]


def by_name(networks: Iterable[Network]) -> dict[str, Network]:
    """Return the networks by their names."""
    return {one.name: one for one in networks}

"""Endpoints: what a container is in a network, and the names by which its peers find it."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterable, Mapping
from typing import Any

from d2k.errors import InvalidParameter
from d2k.translate.ids import derived_id, mac_address
from d2k.translate.labels import owned
from d2k.translate.networks import NONE, Network, joined, owner_reference
from d2k.translate.record import Container, main_status
from d2k.translate.state import current_pod

Object = dict[str, Any]

SERVICE = "kubernetes.io/service-name"
SLICE_MANAGER = "endpointslice.kubernetes.io/managed-by"
# The most that the API takes in one slice.
SLICE_LIMIT = 1000

_DNS_LABEL = re.compile(r"[a-z0-9](?:[-a-z0-9]{0,61}[a-z0-9])?")
_ONE_INTERFACE = {"MacAddress": "MAC address", "DriverOpts": "driver options", "GwPriority": "gateway priority"}


# -- names --------------------------------------------------------------------------------------------------------


def dns_names(container_id: str, name: str, hostname: str, aliases: Iterable[str]) -> list[str]:
    """Return the names of a container in a network of the user's, as the engine orders its DNSNames.

    They are the container's name, the aliases, the short id and the host name, each once.
    """
    names = [name, *aliases, container_id[:12], hostname]
    return list(dict.fromkeys(filter(None, names)))


def names_in(container: Container, network: str) -> list[str]:
    """Return the container's names in a network of the user's, with its present name."""
    aliases = container.networks[network].get("Aliases") or []
    return dns_names(container.id, container.name, container.spec.get("Hostname") or "", aliases)


def host_names(names: Iterable[str]) -> tuple[list[str], list[str]]:
    """Return the names as DNS labels in lower case, each once, and those that are none."""
    names = list(names)
    lower = [name.lower() for name in names]
    usable = [name for name in dict.fromkeys(lower) if _DNS_LABEL.fullmatch(name)]
    return usable, [name for name in names if not _DNS_LABEL.fullmatch(name.lower())]


def name_warnings(network: str, names: Iterable[str]) -> list[str]:
    """Return a warning for each name by which nobody will find the container."""
    return [
        f"Kubernetes resolves DNS labels only (letters, digits, hyphens): the name {name} is not found in the network "
        f"{network}."
        for name in host_names(names)[1]
    ]


# -- settings -----------------------------------------------------------------------------------------------------


def problems(network: Network, given: Mapping[str, Any]) -> list[str]:
    """Return what the engine refuses in the settings of an endpoint in this network."""
    found = []
    ipam = given.get("IPAMConfig") or {}
    addresses = [address for key in ("IPv4Address", "IPv6Address") if (address := ipam.get(key))]
    if network.predefined and addresses:
        found.append("user-specified IP address is supported on user-defined networks only")
    if network.predefined and given.get("Aliases"):
        found.append("network-scoped aliases are only supported for user-defined networks")
    subnets = [ipaddress.ip_network(one["Subnet"], strict=False) for one in network.subnets]
    for address in addresses:
        if not any(ipaddress.ip_address(address) in subnet for subnet in subnets):
            found.append(f"no configured subnet contains IP address {address}")
    return found


def check(network: Network, given: Mapping[str, Any], prefix: str = "") -> None:
    """Raise InvalidParameter with the engine's text when the settings do not fit the network."""
    found = problems(network, given)
    if found:
        raise InvalidParameter(f"{prefix}invalid endpoint settings:\n{joined(found)}")


def warnings(network: str, given: Mapping[str, Any]) -> list[str]:
    """Return a warning for each part of the settings that is kept and has no effect."""
    found = []
    ipam = given.get("IPAMConfig") or {}
    for key in ("IPv4Address", "IPv6Address"):
        if ipam.get(key):
            found.append(f"Kubernetes gives the Pod its address: {ipam[key]} in the network {network} is ignored.")
    ignored = [words for key, words in _ONE_INTERFACE.items() if given.get(key)]
    if ignored:
        found.append(
            f"A Pod has one interface, which Kubernetes sets up: {', '.join(ignored)} in the network {network} "
            f"{'is' if ignored == ['MAC address'] else 'are'} ignored."
        )
    if given.get("Links"):
        found.append(f"Links in the network {network} are ignored: give the other container an alias there.")
    return found


def settings(given: Mapping[str, Any], network_id: str, names: list[str] | None) -> Object:
    """Return the settings as the container remembers them; `names` is None in predefined networks, as Docker shows."""
    return {
        "IPAMConfig": given.get("IPAMConfig"),
        "Links": given.get("Links"),
        "Aliases": given.get("Aliases"),
        "MacAddress": given.get("MacAddress") or "",
        "DriverOpts": given.get("DriverOpts"),
        "GwPriority": given.get("GwPriority") or 0,
        "NetworkID": network_id,
        "DNSNames": names,
    }


# -- running members ----------------------------------------------------------------------------------------------


def addresses(container: Container) -> list[str]:
    """Return the addresses of the Pod in which the container's process runs; none while it does not run."""
    pod = current_pod(container)
    status = main_status(pod) if pod else None
    if pod is None or status is None or "running" not in (status.get("state") or {}):
        return []
    given = pod["status"].get("podIPs") or [{"ip": pod["status"].get("podIP") or ""}]
    return [one["ip"] for one in given if one["ip"]]


def running_members(network: str, containers: Iterable[Container]) -> list[Container]:
    """Return the containers that are connected to the network and run."""
    return [container for container in containers if network in container.networks and addresses(container)]


def endpoint_id(container: Container, network: str) -> str:
    """Return the id of the container's endpoint in its present run, the same that inspect of the container shows."""
    return derived_id(container.id, network, str(container.run))


def container_map(network: Network, containers: Iterable[Container]) -> Object:
    """Return Docker's `Containers` of a network: its running members by id.

    The prefix says one address: what lies around it in the Pods' network is the cluster's own affair.
    """
    shown: Object = {}
    for container in running_members(network.name, containers):
        own = [] if network.name == NONE else addresses(container)
        first = next((address for address in own if ":" not in address), "")
        second = next((address for address in own if ":" in address), "")
        shown[container.id] = {
            "Name": container.name,
            "EndpointID": endpoint_id(container, network.name),
            "MacAddress": mac_address(first) if first else "",
            "IPv4Address": f"{first}/32" if first else "",
            "IPv6Address": f"{second}/128" if second else "",
        }
    return shown


# -- slices -------------------------------------------------------------------------------------------------------


def endpoints(network: Network, containers: Iterable[Container]) -> list[Object]:
    """Return the endpoints of a slice: one for each name and address of each running member, in a fixed order.

    Several members may share a name; the DNS then answers with all their addresses, as Docker's does.
    """
    pairs = {
        (name, address)
        for container in running_members(network.name, containers)
        for name in host_names(names_in(container, network.name))[0]
        for address in addresses(container)
    }
    return [
        {"addresses": [address], "conditions": {"ready": True}, "hostname": name} for name, address in sorted(pairs)
    ]


def slices(network: Network, containers: Iterable[Container], owner: Object) -> list[Object]:
    """Return the EndpointSlices of a network's Service; `owner` is its ConfigMap.

    A slice holds one family of addresses and at most 1000 endpoints; the first for IPv4 is there even when empty.
    """
    found = endpoints(network, containers)
    families = {
        "IPv4": [one for one in found if ":" not in one["addresses"][0]],
        "IPv6": [one for one in found if ":" in one["addresses"][0]],
    }
    result = []
    for family, members in families.items():
        for start in range(0, max(len(members), family == "IPv4"), SLICE_LIMIT):
            number = start // SLICE_LIMIT + 1
            name = f"{network.service}-{family.lower()}" + (f"-{number}" if number > 1 else "")
            result.append(_slice(name, family, members[start : start + SLICE_LIMIT], network, owner))
    return result


def _slice(name: str, family: str, members: list[Object], network: Network, owner: Object) -> Object:
    labels = {**owned("network"), SERVICE: network.service, SLICE_MANAGER: "d2k.io"}
    return {
        "apiVersion": "discovery.k8s.io/v1",
        "kind": "EndpointSlice",
        "metadata": {"name": name, "labels": labels, "ownerReferences": [owner_reference(owner)]},
        "addressType": family,
        "endpoints": members,
        "ports": [],
    }


def same_slice(stored: Object, wanted: Object) -> bool:
    """Say whether a stored slice needs no writing."""
    stored_meta, wanted_meta = stored["metadata"], wanted["metadata"]
    labels = stored_meta.get("labels") or {}
    return (
        (stored.get("endpoints") or []) == wanted["endpoints"]
        and stored["addressType"] == wanted["addressType"]
        and all(labels.get(key) == value for key, value in wanted_meta["labels"].items())
        and (stored_meta.get("ownerReferences") or []) == wanted_meta["ownerReferences"]
    )

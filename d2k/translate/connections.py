"""Which networks a container is to be connected to: what a create request asks for, and what cannot be."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from d2k.config import Config
from d2k.errors import InvalidParameter, NotFound, NotSupported
from d2k.translate import endpoints, networks
from d2k.translate.networks import BRIDGE, HOST, NONE, Network
from d2k.translate.record import Container

Object = dict[str, Any]


def requested(
    spec: Mapping[str, Any],
    identity: tuple[str, str],
    known: Sequence[Network],
    resolve: Callable[[str], Network],
    config: Config,
    *,
    named: bool,
) -> tuple[Object, list[str]]:
    """Return the networks of a create request (name → settings), the first one first, and warnings for the user.

    `identity` is the container's id and name, `known` every network, `resolve` finds the one that a reference means.
    `named` says whether the user chose the name: nobody misses an invented one in the DNS. As in the engine,
    EndpointsConfig goes before NetworkMode, and a network that does not exist is only noticed at start. Raises
    InvalidParameter with the engine's texts, and NotSupported for another container's network.
    """
    mode = str((spec.get("HostConfig") or {}).get("NetworkMode") or "default")
    given = (spec.get("NetworkingConfig") or {}).get("EndpointsConfig") or {}
    if spec.get("NetworkDisabled"):
        return {}, ["Kubernetes gives every Pod the network: a container without one is not possible."]
    _check_mode(mode, config)
    by_name = networks.by_name(known)
    container_id, name = identity
    chosen: Object = {}
    warnings = []
    for network_name, settings in _by_name(mode, given, resolve).items():
        network = by_name.get(network_name)
        if settings is None:
            raise InvalidParameter(f"invalid config for network {network_name}: EndpointsConfig is nil")
        names = None
        if network and not network.predefined:
            names = endpoints.dns_names(container_id, name, spec.get("Hostname") or "", settings.get("Aliases") or [])
            warnings += endpoints.name_warnings(network_name, names if named else names[1:])
        if network:
            endpoints.check(network, settings, f"invalid config for network {network_name}: ")
        warnings += endpoints.warnings(network_name, settings)
        chosen[network_name] = endpoints.settings(settings, network.id if network else "", names)
    if NONE in chosen:
        warnings.append("Kubernetes gives every Pod the network: --network none does not cut the container off.")
    return chosen, warnings


def check_connectable(network: Network, container: Container) -> None:
    """Raise InvalidParameter with the engine's text when the container cannot be in this network, too."""
    mode = str(container.host_config.get("NetworkMode") or "")
    if mode == HOST or mode.startswith("container:"):
        raise InvalidParameter(
            "container sharing network namespace with another container or host cannot be connected to any other "
            "network"
        )
    if network.name == HOST:
        raise InvalidParameter(
            "cannot connect container to host network - container must be created in host network mode"
        )
    others = set(container.networks) - {network.name}
    if others and (network.name == NONE or NONE in others):
        raise InvalidParameter(
            "container cannot be connected to multiple networks with one of the networks in private (none) mode"
        )


def _check_mode(mode: str, config: Config) -> None:
    kind, colon, other = mode.partition(":")
    if kind == "container" and colon:
        if not other:
            raise InvalidParameter("invalid network mode: invalid container format container:<name|id>")
        raise NotSupported(
            f"Kubernetes Pods do not share a network: --network {mode} has no equivalent; "
            "put both containers on one user-defined network"
        )
    if mode == HOST and not config.allow_host_namespaces:
        raise InvalidParameter(
            "the network of the host is not allowed here: run without --network host and publish ports with -p "
            "(D2K_ALLOW_HOST_NAMESPACES allows it)"
        )


def _by_name(mode: str, given: Mapping[str, Any], resolve: Callable[[str], Network]) -> Object:
    """Return the requested settings by the networks' names; that of NetworkMode first."""
    primary = BRIDGE if mode == "default" else _name_of(mode, resolve)
    if not given:
        return {primary: {}}
    named = {
        primary if mode == key == "default" else _name_of(key, resolve): settings for key, settings in given.items()
    }
    return {key: named[key] for key in sorted(named, key=lambda key: key != primary)}


def _name_of(reference: str, resolve: Callable[[str], Network]) -> str:
    try:
        return resolve(reference).name
    except (NotFound, InvalidParameter):
        # The start says so.
        return reference

"""What the engine refuses in a create request on any host, and no other module looks at.

The texts are the engine's (moby, daemon/container.go, verifyContainerSettings, and daemon/create.go).
"""

from __future__ import annotations

import ipaddress
from typing import Any

from d2k.errors import InvalidParameter
from d2k.translate import signals

Object = dict[str, Any]

MILLISECOND = 10**6
LONGEST_HOST_NAME = 64

_DURATIONS = ("Interval", "Timeout", "StartPeriod", "StartInterval")
# HostConfig field → its name in the message, and every value that stands for itself.
_MODES = {
    "PidMode": ("PID mode", ("", "host")),
    "IpcMode": ("IPC mode", ("", "none", "private", "shareable", "host")),
    "UTSMode": ("UTS mode", ("", "host")),
    "CgroupnsMode": ("cgroup namespace mode", ("", "private", "host")),
}


def check(spec: Object) -> None:
    """Raise InvalidParameter with the engine's text for a create request that makes no sense."""
    host = spec.get("HostConfig") or {}
    check_restart_policy(spec)
    _check_config(spec)
    _check_health(spec.get("Healthcheck") or {})
    for field in _MODES:
        _check_mode(field, host.get(field) or "")
    _check_numbers(host)
    _check_names(host)
    _check_host_name(spec, host)
    _check_network(spec, host)


def check_restart_policy(spec: Object) -> None:
    """Check the restart policy as the engine does (moby, api/types/container, ValidateRestartPolicy)."""
    host = spec.get("HostConfig") or {}
    policy = host.get("RestartPolicy") or {}
    name, count = policy.get("Name") or "", policy.get("MaximumRetryCount") or 0
    if name not in ("", "no", "always", "unless-stopped", "on-failure"):
        known = "'no', 'always', 'on-failure', or 'unless-stopped'"
        raise InvalidParameter(f"invalid restart policy: unknown policy '{name}'; use one of {known}")
    if name != "on-failure" and count != 0:
        hint = "maximum retry count can only be used with 'on-failure'"
        raise InvalidParameter(f"invalid restart policy: {hint}" + (" and cannot be negative" if count < 0 else ""))
    if count < 0:
        raise InvalidParameter("invalid restart policy: maximum retry count cannot be negative")
    if name not in ("", "no") and host.get("AutoRemove"):
        raise InvalidParameter("can't create 'AutoRemove' container with restart policy")


def _check_config(spec: Object) -> None:
    directory = spec.get("WorkingDir") or ""
    if directory and not directory.startswith("/"):
        raise InvalidParameter(f"the working directory '{directory}' is invalid, it needs to be an absolute path")
    for item in spec.get("Env") or ():
        if not item.partition("=")[0]:
            raise InvalidParameter(f"invalid environment variable: {item}")
    if spec.get("StopSignal"):
        signals.number(spec["StopSignal"])


def _check_health(healthcheck: Object) -> None:
    for field in _DURATIONS:
        if healthcheck.get(field) and healthcheck[field] < MILLISECOND:
            raise InvalidParameter(f"{field} in Healthcheck cannot be less than 1ms")
    if (healthcheck.get("Retries") or 0) < 0:
        raise InvalidParameter("Retries in Healthcheck cannot be negative")


def _check_mode(field: str, mode: str) -> None:
    words, known = _MODES[field]
    shared = mode.startswith("container:") and field in ("PidMode", "IpcMode") and mode != "container:"
    if mode not in known and not shared:
        raise InvalidParameter(f"invalid {words}: {mode}")


def _check_numbers(host: Object) -> None:
    if (host.get("ShmSize") or 0) < 0:
        raise InvalidParameter("SHM size can not be less than 0")
    score = host.get("OomScoreAdj") or 0
    if not -1000 <= score <= 1000:
        raise InvalidParameter(f"Invalid value {score}, range for oom score adj is [-1000, 1000]")
    swappiness = host.get("MemorySwappiness")
    if swappiness is not None and not -1 <= swappiness <= 100:
        raise InvalidParameter(f"Invalid value: {swappiness}, valid memory swappiness range is 0-100")


def _check_names(host: Object) -> None:
    isolation = host.get("Isolation") or ""
    if isolation.lower() not in ("", "default"):
        raise InvalidParameter(f"invalid isolation ({isolation}): linux only supports 'default'")
    if "" in (host.get("Annotations") or {}):
        raise InvalidParameter("invalid Annotations: the empty string is not permitted as an annotation key")
    for item in host.get("ExtraHosts") or ():
        _check_extra_host(item)
    for server in host.get("Dns") or ():
        if not _is_address(server):
            raise InvalidParameter(f'invalid JSON: ParseAddr("{server}"): unable to parse IP')


def _check_extra_host(item: str) -> None:
    name, separator, address = item.partition(":")
    if not separator or not name:
        raise InvalidParameter(f'bad format for add-host: "{item}"')
    if address != "host-gateway" and not _is_address(address):
        raise InvalidParameter(f'invalid IP address in add-host: "{address}"')


def _is_address(text: str) -> bool:
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True


def _check_host_name(spec: Object, host: Object) -> None:
    name = spec.get("Hostname") or ""
    if len(name.encode()) > LONGEST_HOST_NAME:
        raise InvalidParameter(f'hostname "{name}" is too long (maximum {LONGEST_HOST_NAME} bytes)')
    if name and host.get("UTSMode") == "host":
        raise InvalidParameter("conflicting options: hostname and the UTS mode")


def _check_network(spec: Object, host: Object) -> None:
    """Check what does not go with `--network host` and `--network container:…` (moby, runconfig)."""
    mode = host.get("NetworkMode") or ""
    if mode == "container:":
        raise InvalidParameter("invalid network mode: invalid container format container:<name|id>")
    if host.get("Links") and (mode == "host" or mode.startswith("container:")):
        kind = "host type networking" if mode == "host" else "container type network"
        raise InvalidParameter(
            f"conflicting options: {kind} can't be used with links. This would result in undefined behavior"
        )
    if not mode.startswith("container:"):
        return
    for words, given in (
        ("hostname and the network mode", spec.get("Hostname")),
        ("dns and the network mode", host.get("Dns")),
        ("custom host-to-IP mapping and the network mode", host.get("ExtraHosts")),
        (
            "port publishing and the container type network mode",
            host.get("PortBindings") or host.get("PublishAllPorts"),
        ),
        ("port exposing and the container type network mode", spec.get("ExposedPorts")),
    ):
        if given:
            raise InvalidParameter(f"conflicting options: {words}")

"""A container as Docker's API shows it: one row of the list, or all of it."""

from __future__ import annotations

from typing import Any

from d2k.translate import commands, mounts, process, published
from d2k.translate.ids import derived_id, mac_address
from d2k.translate.ports import Port, Published, exposed_ports, parse_port
from d2k.translate.record import Container, once
from d2k.translate.state import State, current_pod, status_text
from d2k.translate.times import SECOND, parse_rfc3339

Object = dict[str, Any]


_MASKED = (
    "/proc/acpi",
    "/proc/asound",
    "/proc/interrupts",
    "/proc/kcore",
    "/proc/keys",
    "/proc/latency_stats",
    "/proc/sched_debug",
    "/proc/scsi",
    "/proc/timer_list",
    "/proc/timer_stats",
    "/sys/devices/virtual/powercap",
    "/sys/firmware",
)
_READ_ONLY = ("/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger")

# What the engine shows for a field that the request leaves out (Docker API 1.51, HostConfig).
_HOST_DEFAULTS: Object = {
    "AutoRemove": False,
    "Binds": None,
    "BlkioDeviceReadBps": None,
    "BlkioDeviceReadIOps": None,
    "BlkioDeviceWriteBps": None,
    "BlkioDeviceWriteIOps": None,
    "BlkioWeight": 0,
    "BlkioWeightDevice": None,
    "CapAdd": None,
    "CapDrop": None,
    "Cgroup": "",
    "CgroupParent": "",
    "CgroupnsMode": "private",
    "ConsoleSize": [0, 0],
    "ContainerIDFile": "",
    "CpuCount": 0,
    "CpuPercent": 0,
    "CpuPeriod": 0,
    "CpuQuota": 0,
    "CpuRealtimePeriod": 0,
    "CpuRealtimeRuntime": 0,
    "CpuShares": 0,
    "CpusetCpus": "",
    "CpusetMems": "",
    "DeviceCgroupRules": None,
    "DeviceRequests": None,
    "Devices": None,
    "Dns": None,
    "DnsOptions": None,
    "DnsSearch": None,
    "ExtraHosts": None,
    "GroupAdd": None,
    "IOMaximumBandwidth": 0,
    "IOMaximumIOps": 0,
    "IpcMode": "private",
    "Isolation": "",
    "Links": None,
    "LogConfig": {"Type": "json-file", "Config": {}},
    "MaskedPaths": list(_MASKED),
    "Memory": 0,
    "MemoryReservation": 0,
    "MemorySwap": 0,
    "MemorySwappiness": None,
    "NanoCpus": 0,
    "NetworkMode": "bridge",
    "OomKillDisable": False,
    "OomScoreAdj": 0,
    "PidMode": "",
    "PidsLimit": None,
    "PortBindings": {},
    "Privileged": False,
    "PublishAllPorts": False,
    "ReadonlyPaths": list(_READ_ONLY),
    "ReadonlyRootfs": False,
    "RestartPolicy": {"Name": "no", "MaximumRetryCount": 0},
    "Runtime": "runc",
    "SecurityOpt": None,
    "ShmSize": mounts.DEFAULT_SHM,
    "UTSMode": "",
    "Ulimits": None,
    "UsernsMode": "",
    "VolumeDriver": "",
    "VolumesFrom": None,
}
# Fields that the engine shows only where they say something.
_HOST_OPTIONAL = ("Annotations", "Mounts", "StorageOpt", "Sysctls", "Tmpfs")
# Empty for the engine, whatever the request says.
_HOST_NOTHING: dict[str, tuple[Any, ...]] = {"Links": ([],), "MemorySwappiness": (-1,)}
_CONFIG_DEFAULTS: Object = {
    "AttachStderr": False,
    "AttachStdin": False,
    "AttachStdout": False,
    "Cmd": None,
    "Domainname": "",
    "Entrypoint": None,
    "Env": [],
    "Hostname": "",
    "Image": "",
    "Labels": {},
    "OpenStdin": False,
    "StdinOnce": False,
    "Tty": False,
    "User": "",
    "Volumes": None,
    "WorkingDir": "",
}
_CONFIG_OPTIONAL = ("ArgsEscaped", "ExposedPorts", "MacAddress", "NetworkDisabled", "OnBuild", "Shell", "StopSignal")


def details(
    container: Container, state: State, proxy_address: str, resolve: published.Resolve = published.unresolved
) -> Object:
    """Return the answer of `GET /containers/{id}/json`; `resolve` gives the address of a load balancer's host name."""
    config = shown_config(container)
    path, *arguments = _words(config) or [""]
    running = state.running
    ports = published_of(container, proxy_address, resolve) if running else []
    exposed = _exposed(container)
    return {
        "Id": container.id,
        "Created": container.created,
        "Path": path,
        "Args": arguments,
        "State": _state(state),
        "Image": container.image["Id"],
        "ResolvConfPath": "",
        "HostnamePath": "",
        "HostsPath": "",
        "LogPath": "",
        "Name": "/" + container.name,
        "RestartCount": state.restart_count,
        "Driver": "overlay2",
        "Platform": "linux",
        "MountLabel": "",
        "ProcessLabel": "",
        "AppArmorProfile": "",
        "ExecIDs": None,
        "HostConfig": shown_host_config(container),
        "GraphDriver": {"Name": "overlay2", "Data": None},
        "Mounts": mounts.mount_points(container.mounts),
        "Config": config,
        "NetworkSettings": _network_settings(container, published.port_map(ports, exposed) if running else {}, running),
    }


def row(
    container: Container,
    state: State,
    proxy_address: str,
    now: int,
    resolve: published.Resolve = published.unresolved,
) -> Object:
    """Return the container's row of `GET /containers/json`; `now` is in nanoseconds since 1970."""
    running = state.running
    ports = published_of(container, proxy_address, resolve) if running else []
    return {
        **_row_base(container),
        "Ports": published.port_list(ports, _exposed(container)) if running else [],
        "State": state.status,
        "Status": status_text(state, now),
        "NetworkSettings": {"Networks": endpoints(container, running)},
    }


@once
def _row_base(container: Container) -> Object:
    """Return what of a row does not depend on the container's state."""
    config = shown_config(container)
    return {
        "Id": container.id,
        "Names": ["/" + container.name],
        "Image": container.spec["Image"],
        "ImageID": container.image["Id"],
        "Command": commands.command_line(config["Entrypoint"], config["Cmd"]) if _words(config) else "",
        "Created": parse_rfc3339(container.created) // SECOND,
        "Labels": config["Labels"],
        "HostConfig": _row_host_config(container),
        "Mounts": mounts.mount_points(container.mounts),
    }


@once
def _exposed(container: Container) -> list[Port]:
    return exposed_ports(shown_config(container).get("ExposedPorts"))


def published_of(
    container: Container, proxy_address: str, resolve: published.Resolve = published.unresolved
) -> list[Published]:
    """Return the container's published ports with the addresses that answer."""
    pod = current_pod(container) or {}
    node = (pod.get("status") or {}).get("hostIP") or ""
    return published.published_ports(container.services, node, proxy_address, resolve)


@once
def shown_config(container: Container) -> Object:
    """Return Docker's Config: the request, the image's values where it was silent, the engine's defaults.

    A field that Docker does not know is left out, as by the engine. Do not change it.
    """
    merged = process.merged_config(container.spec, container.image.get("Config") or {})
    config = {key: default if merged.get(key) is None else merged[key] for key, default in _CONFIG_DEFAULTS.items()}
    config |= {key: merged[key] for key in _CONFIG_OPTIONAL if merged.get(key)}
    config |= {key: merged[key] for key in ("Healthcheck", "StopTimeout") if merged.get(key) is not None}
    config["Hostname"] = config["Hostname"] or container.id[:12]
    if "ExposedPorts" in config:
        config["ExposedPorts"] = {str(parse_port(text)): {} for text in config["ExposedPorts"]}
    return config


@once
def shown_host_config(container: Container) -> Object:
    """Return Docker's HostConfig: the request with the engine's defaults for what it leaves out. Do not change it."""
    given = container.host_config
    host = {
        key: default if given.get(key) is None or given[key] in _HOST_NOTHING.get(key, ()) else given[key]
        for key, default in _HOST_DEFAULTS.items()
    }
    host |= {key: given[key] for key in _HOST_OPTIONAL if given.get(key)}
    if given.get("Init") is not None:
        host["Init"] = given["Init"]
    for key in ("CgroupnsMode", "IpcMode", "Runtime", "ShmSize"):
        host[key] = host[key] or _HOST_DEFAULTS[key]
    if host["NetworkMode"] in ("", "default"):
        host["NetworkMode"] = "bridge"
    policy = host["RestartPolicy"]
    host["RestartPolicy"] = {
        "Name": policy.get("Name") or "no",
        "MaximumRetryCount": policy.get("MaximumRetryCount") or 0,
    }
    log_config = host["LogConfig"]
    host["LogConfig"] = {"Type": log_config.get("Type") or "json-file", "Config": log_config.get("Config") or {}}
    host["PortBindings"] = {
        str(parse_port(text)): _shown_wishes(wishes) for text, wishes in host["PortBindings"].items()
    }
    if host["DeviceRequests"]:
        host["DeviceRequests"] = [_shown_device(request) for request in host["DeviceRequests"]]
    if (host["PidsLimit"] or 0) <= 0:
        host["PidsLimit"] = None
    if host["Memory"] and not host["MemorySwap"]:
        host["MemorySwap"] = 2 * host["Memory"]
    _show_privileges(host, given)
    return host


def _shown_wishes(wishes: list[Object] | None) -> list[Object]:
    return [{"HostIp": wish.get("HostIp") or "", "HostPort": wish.get("HostPort") or ""} for wish in wishes or [{}]]


def _shown_device(request: Object) -> Object:
    return {
        "Driver": request.get("Driver") or "",
        "Count": request.get("Count") or 0,
        **{key: request.get(key) for key in ("DeviceIDs", "Capabilities", "Options")},
    }


def _show_privileges(host: Object, given: Object) -> None:
    """What the engine itself switches off for privileged containers and those in the host's namespaces."""
    if host["Privileged"]:
        host["MaskedPaths"], host["ReadonlyPaths"] = given.get("MaskedPaths"), given.get("ReadonlyPaths")
    if host["Privileged"] or "host" in (host["PidMode"], host["IpcMode"]):
        options = host["SecurityOpt"] or []
        host["SecurityOpt"] = options if "label=disable" in options else [*options, "label=disable"]


def endpoints(container: Container, running: bool) -> Object:
    """Return NetworkSettings.Networks: an endpoint per network, with the Pod's address while it runs."""
    return _running_endpoints(container) if running else _idle_endpoints(container)


@once
def _running_endpoints(container: Container) -> Object:
    return _endpoints(container, pod_address(container))


@once
def _idle_endpoints(container: Container) -> Object:
    return _endpoints(container, "")


def _endpoints(container: Container, address: str) -> Object:
    return {name: _endpoint(container, name, settings, address) for name, settings in container.networks.items()}


def pod_address(container: Container) -> str:
    """Return the address of the container's Pod; empty while it has none."""
    pod = current_pod(container)
    return str(((pod or {}).get("status") or {}).get("podIP") or "")


def _endpoint(container: Container, name: str, settings: Object, address: str) -> Object:
    return {
        "IPAMConfig": settings.get("IPAMConfig"),
        "Links": settings.get("Links"),
        "Aliases": settings.get("Aliases"),
        "DriverOpts": settings.get("DriverOpts"),
        "GwPriority": settings.get("GwPriority") or 0,
        "NetworkID": settings.get("NetworkID") or "",
        "EndpointID": derived_id(container.id, name, str(container.run)) if address else "",
        "Gateway": "",
        "IPAddress": address,
        "MacAddress": mac_address(address) if "." in address else "",
        "IPPrefixLen": 32 if address else 0,
        "IPv6Gateway": "",
        "GlobalIPv6Address": "",
        "GlobalIPv6PrefixLen": 0,
        "DNSNames": settings.get("DNSNames"),
    }


def _network_settings(container: Container, ports: Object, running: bool) -> Object:
    networks = endpoints(container, running)
    bridge = networks.get("bridge") or {}
    legacy = ("EndpointID", "Gateway", "GlobalIPv6Address", "IPAddress", "IPv6Gateway", "MacAddress")
    numbers = ("GlobalIPv6PrefixLen", "IPPrefixLen")
    return {
        "SandboxID": derived_id(container.id, "sandbox", str(container.run)) if running else "",
        "SandboxKey": "",
        "Ports": ports,
        **{key: bridge.get(key, "") for key in legacy},
        **{key: bridge.get(key, 0) for key in numbers},
        "Networks": networks,
    }


def _state(state: State) -> Object:
    document: Object = {
        "Status": state.status,
        "Running": state.running,
        "Paused": False,
        "Restarting": state.status == "restarting",
        "OOMKilled": state.oom_killed,
        "Dead": False,
        "Pid": 1 if state.status == "running" else 0,
        "ExitCode": state.exit_code,
        "Error": state.error,
        "StartedAt": state.started_at,
        "FinishedAt": state.finished_at,
    }
    if state.health:
        document["Health"] = {"Status": state.health, "FailingStreak": 0, "Log": []}
    return document


def _words(config: Object) -> list[str]:
    # Nothing is known of an image that no registry could be asked about.
    return [*filter(None, config["Entrypoint"] or ()), *(config["Cmd"] or ())]


def _row_host_config(container: Container) -> Object:
    mode = container.host_config.get("NetworkMode") or "bridge"
    document: Object = {"NetworkMode": "bridge" if mode == "default" else mode}
    notes = container.host_config.get("Annotations")
    return document | ({"Annotations": notes} if notes else {})

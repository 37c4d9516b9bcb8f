"""What a create request may ask for and Kubernetes has no equivalent of: refused, or warned of."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from d2k.config import Config
from d2k.errors import Forbidden, NotSupported

Object = dict[str, Any]

# HostConfig field → the CLI's option. A value other than these defaults is accepted with a warning.
_IGNORED: dict[str, str] = {
    "BlkioDeviceReadBps": "--device-read-bps",
    "BlkioDeviceReadIOps": "--device-read-iops",
    "BlkioDeviceWriteBps": "--device-write-bps",
    "BlkioDeviceWriteIOps": "--device-write-iops",
    "BlkioWeight": "--blkio-weight",
    "BlkioWeightDevice": "--blkio-weight-device",
    "CgroupParent": "--cgroup-parent",
    "CpuRealtimePeriod": "--cpu-rt-period",
    "CpuRealtimeRuntime": "--cpu-rt-runtime",
    "CpusetCpus": "--cpuset-cpus",
    "CpusetMems": "--cpuset-mems",
    "DeviceCgroupRules": "--device-cgroup-rule",
    "Init": "--init",
    "KernelMemory": "--kernel-memory",
    "Links": "--link",
    "MemorySwappiness": "--memory-swappiness",
    "OomKillDisable": "--oom-kill-disable",
    "OomScoreAdj": "--oom-score-adj",
    "PidsLimit": "--pids-limit",
    "Runtime": "--runtime",
    "StorageOpt": "--storage-opt",
    "Ulimits": "--ulimit",
    "UsernsMode": "--userns",
    "VolumeDriver": "--volume-driver",
}
_QUIET: dict[str, tuple[Any, ...]] = {
    "MemorySwappiness": (-1,),
    "Runtime": ("runc", "io.containerd.runc.v2"),
    "UsernsMode": ("host",),
    "VolumeDriver": ("local",),
}
# A volume in memory belongs to root and is open to all, as a tmpfs is without options.
_LOST = ("mode=", "uid=", "gid=", "nr_inodes=", "nr_blocks=")
_OPEN = ("mode=1777", "mode=01777", "mode=777", "mode=0777")


def check(spec: Object, config: Config) -> list[str]:
    """Return a warning for each option that is accepted without effect.

    Raises NotSupported or Forbidden for one that the container could not do without.
    """
    host = spec.get("HostConfig") or {}
    if host.get("Devices"):
        raise NotSupported(
            "Kubernetes gives a container no device of its node: run without --device (for GPUs: --gpus)"
        )
    for field, option in (("PidMode", "--pid"), ("IpcMode", "--ipc"), ("UTSMode", "--uts")):
        _namespace(host.get(field) or "", option, config)
    ignored = [option for field, option in _IGNORED.items() if _is_asked(field, host.get(field))]
    swap, memory = host.get("MemorySwap") or 0, host.get("Memory") or 0
    # Twice the memory is what the engine gives without the option, and what inspect shows then.
    if swap > 0 and swap not in (memory, 2 * memory):
        ignored.append("--memory-swap")
    if spec.get("Domainname"):
        ignored.append("--domainname")
    for field, option, value in (
        ("UTSMode", "--uts", "host"),
        ("IpcMode", "--ipc", "none"),
        ("CgroupnsMode", "--cgroupns", "host"),
    ):
        if host.get(field) == value:
            ignored.append(f"{option} {value}")
    if host.get("MaskedPaths") == [] and not host.get("Privileged"):
        ignored.append("--security-opt systempaths=unconfined")
    ignored += _tmpfs_options(host)
    warnings = [f"Kubernetes has no equivalent of {option}: it is ignored." for option in ignored]
    log_type = (host.get("LogConfig") or {}).get("Type") or "json-file"
    if log_type != "json-file":
        warnings.append(f"Kubernetes keeps the logs itself: --log-driver {log_type} is ignored.")
    if spec.get("MacAddress") or host.get("MacAddress"):
        warnings.append("Kubernetes gives every Pod its own MAC address: --mac-address is ignored.")
    if spec.get("NetworkDisabled"):
        warnings.append("Kubernetes gives every Pod a network: NetworkDisabled is ignored.")
    return warnings


def host_namespaces(host: Object) -> Object:
    """Return the Pod's hostPID and hostIPC fields; `check` has allowed them."""
    fields: dict[str, Callable[[], bool]] = {
        "hostPID": lambda: host.get("PidMode") == "host",
        "hostIPC": lambda: host.get("IpcMode") == "host",
        "hostNetwork": lambda: host.get("NetworkMode") == "host",
    }
    return {name: True for name, wanted in fields.items() if wanted()}


def _is_asked(field: str, value: Any) -> bool:
    if field == "PidsLimit":
        return (value or 0) > 0
    return bool(value) and value not in _QUIET.get(field, ())


def _tmpfs_options(host: Object) -> list[str]:
    """Return the options of tmpfs mounts that an emptyDir in memory does not have."""
    given = [option for options in (host.get("Tmpfs") or {}).values() for option in options.split(",")]
    modes = [(mount.get("TmpfsOptions") or {}).get("Mode") or 0 for mount in host.get("Mounts") or ()]
    given += [f"mode={mode:o}" for mode in modes if mode]
    return sorted(
        {f"the tmpfs option {option}" for option in given if option.startswith(_LOST) and option not in _OPEN}
    )


def _namespace(mode: str, option: str, config: Config) -> None:
    if mode.startswith("container:"):
        raise NotSupported(f"Kubernetes Pods do not share namespaces: {option} {mode} has no equivalent")
    if mode == "host" and option != "--uts" and not config.allow_host_namespaces:
        raise Forbidden(f"host namespaces are not allowed here: run without {option} host (D2K_ALLOW_HOST_NAMESPACES)")

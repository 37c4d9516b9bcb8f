"""Docker's memory, CPU and GPU settings as resource limits and requests."""

from __future__ import annotations

from typing import Any

from d2k.errors import InvalidParameter
from d2k.translate import quantities

Object = dict[str, Any]

# The engine refuses less (moby, daemon/daemon_unix.go).
LEAST_MEMORY = 6 * 1024 * 1024


def resources(host_config: Object, gpu_resource: str) -> tuple[Object, list[str]]:
    """Return the container's `resources`, and warnings about what they cannot say.

    Memory is requested as it is limited, so that the scheduler finds room for it; CPU is not, since Docker's limit
    reserves nothing either. Raises InvalidParameter for values that the engine refuses.
    """
    limits: dict[str, str] = {}
    requests: dict[str, str] = {}
    warnings: list[str] = []
    memory = host_config.get("Memory") or 0
    reservation = host_config.get("MemoryReservation") or 0
    if 0 < memory < LEAST_MEMORY:
        raise InvalidParameter("Minimum memory limit allowed is 6MB")
    if memory and reservation > memory:
        raise InvalidParameter("Minimum memory limit can not be less than memory reservation limit, see usage")
    if memory:
        limits["memory"] = requests["memory"] = quantities.memory(memory)
    if reservation:
        requests["memory"] = quantities.memory(reservation)
    _cpu(host_config, limits, requests)
    count = _gpus(host_config, warnings)
    if count:
        limits[gpu_resource] = requests[gpu_resource] = str(count)
    found: Object = {}
    if limits:
        found["limits"] = limits
    if requests:
        found["requests"] = requests
    return found, warnings


def _cpu(host_config: Object, limits: dict[str, str], requests: dict[str, str]) -> None:
    nano, quota = host_config.get("NanoCpus") or 0, host_config.get("CpuQuota") or 0
    if nano < 0:
        raise InvalidParameter("range of CPUs is from 0.01 and up, NanoCPUs can not be negative")
    if nano and quota:
        raise InvalidParameter("Conflicting options: Nano CPUs and CPU Quota cannot both be set.")
    if nano:
        limits["cpu"] = quantities.cpus(nano)
    else:
        limit = quantities.cpu_from_quota(host_config.get("CpuPeriod") or 0, quota)
        if limit:
            limits["cpu"] = limit
    shares = host_config.get("CpuShares") or 0
    if shares:
        # 1024 shares are one CPU's weight, as in the kubelet's own conversion.
        requests["cpu"] = quantities.cpus(shares * 10**9 // 1024)
    elif "cpu" in limits:
        requests["cpu"] = "0"


def _gpus(host_config: Object, warnings: list[str]) -> int:
    wanted = 0
    for request in host_config.get("DeviceRequests") or ():
        groups = request.get("Capabilities") or []
        if not any("gpu" in group for group in groups) and request.get("Driver") not in ("nvidia", "amd", "cdi"):
            raise InvalidParameter(
                f'could not select device driver "{request.get("Driver") or ""}" with capabilities: {groups}'
            )
        ids = request.get("DeviceIDs") or []
        count = request.get("Count") or 0
        if ids:
            warnings.append("Kubernetes chooses the GPUs itself: of --gpus device=… only the number is honoured.")
            wanted += len(ids)
        elif count < 0:
            warnings.append("Kubernetes cannot give a container all GPUs of a node: --gpus all asks for one.")
            wanted += 1
        else:
            wanted += count
    return wanted

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
    _check_memory(memory, reservation, host_config.get("MemorySwap") or 0)
    if memory:
        limits["memory"] = requests["memory"] = quantities.memory(memory)
    if reservation > 0:
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


def _check_memory(memory: int, reservation: int, swap: int) -> None:
    if memory and memory < LEAST_MEMORY:
        raise InvalidParameter("Minimum memory limit allowed is 6MB")
    if memory and 0 < swap < memory:
        raise InvalidParameter("Minimum memoryswap limit should be larger than memory limit, see usage")
    if swap > 0 and not memory:
        raise InvalidParameter("You should always set the Memory limit when using Memoryswap limit, see usage")
    if 0 < reservation < LEAST_MEMORY:
        raise InvalidParameter("Minimum memory reservation allowed is 6MB")
    if memory and reservation > memory:
        raise InvalidParameter("Minimum memory limit can not be less than memory reservation limit, see usage")


def _check_cpu(nano: int, quota: int, period: int, shares: int) -> None:
    for words, value in (("CPU Period", period), ("CPU Quota", quota)):
        if nano > 0 and value > 0:
            raise InvalidParameter(f"Conflicting options: Nano CPUs and {words} cannot both be set")
    if nano < 0:
        # The engine also names its number of CPUs here; no node's is the cluster's.
        raise InvalidParameter("range of CPUs is from 0.01 and up")
    if shares < 0:
        raise InvalidParameter(f"invalid CPU shares ({shares}): value must be a positive integer")
    if period and not 1_000 <= period <= 1_000_000:
        raise InvalidParameter("CPU cfs period can not be less than 1ms (i.e. 1000) or larger than 1s (i.e. 1000000)")
    if 0 < quota < 1_000:
        raise InvalidParameter("CPU cfs quota can not be less than 1ms (i.e. 1000)")


def _cpu(host_config: Object, limits: dict[str, str], requests: dict[str, str]) -> None:
    nano, quota = host_config.get("NanoCpus") or 0, host_config.get("CpuQuota") or 0
    period, shares = host_config.get("CpuPeriod") or 0, host_config.get("CpuShares") or 0
    _check_cpu(nano, quota, period, shares)
    if nano:
        limits["cpu"] = quantities.cpus(nano)
    else:
        limit = quantities.cpu_from_quota(period, quota)
        if limit:
            limits["cpu"] = limit
    if shares:
        # 1024 shares are one CPU's weight, as in the kubelet's own conversion.
        weight = quantities.cpus(shares * 10**9 // 1024)
        # Kubernetes takes no request above the limit, Docker any weight with any limit.
        requests["cpu"] = min(weight, limits.get("cpu", weight), key=quantities.parse_quantity)
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

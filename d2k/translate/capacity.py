"""How much the cluster can hold, for `docker info`."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from d2k.translate.quantities import parse_quantity

Object = dict[str, Any]


@dataclass(frozen=True)
class Capacity:
    """CPUs, bytes of memory, and where the figures come from; zeros when nothing tells."""

    cpus: int = 0
    memory: int = 0
    source: str = "nothing: neither nodes nor quotas may be read"
    kernel: str = ""
    architecture: str = ""


def of_nodes(nodes: Iterable[Object]) -> Capacity:
    """Return what all nodes can hold together (Kubernetes, Node.status.capacity)."""
    listed = list(nodes)
    cpus = sum((parse_quantity(node["status"]["capacity"]["cpu"]) for node in listed), start=parse_quantity("0"))
    memory = sum((parse_quantity(node["status"]["capacity"]["memory"]) for node in listed), start=parse_quantity("0"))
    first = listed[0]["status"].get("nodeInfo", {}) if listed else {}
    architecture = {"amd64": "x86_64", "arm64": "aarch64"}.get(first.get("architecture", ""), "")
    return Capacity(
        cpus=math.floor(cpus),
        memory=int(memory),
        source=f"{len(listed)} node{'' if len(listed) == 1 else 's'}",
        kernel=first.get("kernelVersion", ""),
        architecture=architecture,
    )


def of_quotas(quotas: Iterable[Object]) -> Capacity:
    """Return what the namespace's quotas allow: the least of those that say something, requests before limits."""
    cpus: list[int] = []
    memory: list[int] = []
    for quota in quotas:
        hard = (quota.get("status") or {}).get("hard") or quota["spec"].get("hard") or {}
        for keys, found in (
            (("requests.cpu", "cpu", "limits.cpu"), cpus),
            (("requests.memory", "memory", "limits.memory"), memory),
        ):
            values = [parse_quantity(hard[key]) for key in keys if key in hard]
            if values:
                found.append(math.ceil(min(values)))
    if not cpus and not memory:
        return Capacity()
    return Capacity(cpus=min(cpus, default=0), memory=min(memory, default=0), source="the namespace's quotas")

"""Which objects with d2k's label d2k can read: labels and annotations are anybody's to write in the namespace."""

from __future__ import annotations

import zlib
from collections.abc import Callable
from typing import Any

from d2k.translate import images, networks, published, volumes
from d2k.translate.ids import ID_LENGTH
from d2k.translate.labels import KIND, container_label
from d2k.translate.record import Container
from d2k.translate.state import pod_run
from d2k.translate.times import parse_rfc3339

Object = dict[str, Any]


def unreadable(kind: str, obj: Object) -> str:
    """Return why d2k cannot read an object of this kind (`Deployment`, …), as a sentence; empty when it can."""
    check = _CHECKS.get(kind)
    if check is None:
        return ""
    try:
        check(obj)
    except (AttributeError, KeyError, TypeError, ValueError, zlib.error) as error:
        return f"{kind} {obj['metadata']['name']} has d2k's label, but not what d2k writes ({error!r})"
    return ""


def _deployment(obj: Object) -> None:
    container = Container(obj)
    _expect(obj["metadata"]["labels"].get(KIND) == "container", "d2k.io/kind")
    _expect(len(container.id) == ID_LENGTH and container.key == container_label(container.id), "d2k.io/id")
    parse_rfc3339(container.created)
    _expect(bool(container.name) and container.run >= 0 and bool(container.desired), "d2k.io/name")
    _expect(isinstance(container.image["Id"], str), "d2k.io/image")
    for part in (container.spec, container.host_config, container.labels, container.stop, container.networks):
        _expect(isinstance(part, dict), "d2k.io/spec")
    for part in (*container.mounts, *container.networks.values()):
        _expect(isinstance(part, dict), "d2k.io/mounts or networks")
    _ = container.exit


def _service(obj: Object) -> None:
    for port in published.published_ports([obj], "", ""):
        _expect(isinstance(port.container_port, int), "targetPort")


def _claim(obj: Object) -> None:
    if volumes.docker_name(obj):
        parse_rfc3339(volumes.volume(obj).created)


def _config_map(obj: Object) -> None:
    if networks.is_network(obj):
        parse_rfc3339(networks.network(obj).created)
    if images.is_image(obj):
        images.read(obj)


def _expect(holds: bool, what: str) -> None:
    if not holds:
        raise ValueError(what)


_CHECKS: dict[str, Callable[[Object], object]] = {
    "Deployment": _deployment,
    "Pod": pod_run,
    "Service": _service,
    "PersistentVolumeClaim": _claim,
    "ConfigMap": _config_map,
}

"""Docker's JSON of an image: an item of the list, inspect, history (API 1.24 to 1.51)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from d2k.translate.image_index import familiar
from d2k.translate.images import ImageRecord
from d2k.translate.times import SECOND, ZERO, parse_rfc3339, rfc3339

Object = dict[str, Any]
Version = tuple[int, ...]

STORAGE_DRIVER = "kubernetes"
"""What inspect names as the storage driver: the layers are the nodes' business."""

_UNKNOWN = -1
_MISSING = "<missing>"
# Go writes an empty map, list or text of these; the others are left out when empty.
_ALWAYS: Object = {
    "User": "",
    "Env": None,
    "Cmd": None,
    "Volumes": None,
    "WorkingDir": "",
    "Entrypoint": None,
    "OnBuild": None,
    "Labels": None,
}
_SOMETIMES = ("ExposedPorts", "Healthcheck", "StopSignal", "Shell", "ArgsEscaped")
# Fields of a container's config that an image's had before API 1.50.
_BEFORE_1_50: Object = {
    "Hostname": "",
    "Domainname": "",
    "AttachStdin": False,
    "AttachStdout": False,
    "AttachStderr": False,
    "Tty": False,
    "OpenStdin": False,
    "StdinOnce": False,
    "Image": "",
}


def list_item(record: ImageRecord, version: Version, containers: int, shared_size: int = _UNKNOWN) -> Object:
    """Return an item of `GET /images/json`.

    `containers` is the number of containers that use the image, `shared_size` the bytes of its layers that other
    images have too, -1 when nobody asked.
    """
    tags, digests = _names(record)
    if version < (1, 43) and not tags and not digests:
        tags, digests = ["<none>:<none>"], ["<none>@<none>"]
    item: Object = {
        "Containers": containers if version >= (1, 51) else _UNKNOWN,
        "Created": record.created_ns // SECOND,
        "Id": record.id,
        "Labels": record.labels or None,
        "ParentId": "",
        "RepoDigests": digests,
        "RepoTags": tags,
        "SharedSize": shared_size,
        "Size": record.size,
    }
    if version < (1, 44):
        item["VirtualSize"] = record.size
    return item


def inspect(record: ImageRecord, version: Version) -> Object:
    """Return `GET /images/{name}/json`."""
    tags, digests = _names(record)
    view: Object = {
        "Architecture": record.architecture,
        "Author": record.author,
        "Comment": record.comment,
        "Config": _config(record.config, version),
        "Created": record.created or (ZERO if version < (1, 44) else ""),
        "DockerVersion": record.docker_version,
        "GraphDriver": {"Data": None, "Name": STORAGE_DRIVER},
        "Id": record.id,
        "Metadata": {"LastTagTime": rfc3339(record.tagged_at) if record.tagged_at else ZERO},
        "Os": record.os,
        "Parent": "",
        "RepoDigests": digests,
        "RepoTags": tags,
        "RootFS": {"Type": "layers", "Layers": list(record.layers)},
        "Size": record.size,
    }
    if record.variant:
        view["Variant"] = record.variant
    if version < (1, 45):
        view["Container"] = ""
        view["ContainerConfig"] = {**_BEFORE_1_50, **_ALWAYS}
    if version < (1, 44):
        view["VirtualSize"] = record.size
    return view


def history(record: ImageRecord) -> list[Object]:
    """Return `GET /images/{name}/history`: the steps that made the image, the last first.

    A step's size is that of its layer as compressed in the registry, in bytes.
    """
    sizes = iter([size for _, size in record.blobs])
    steps: list[Object] = [
        {
            "Comment": str(step.get("comment") or ""),
            "Created": _unix(step.get("created")),
            "CreatedBy": str(step.get("created_by") or ""),
            "Id": _MISSING,
            "Size": 0 if step.get("empty_layer") else next(sizes, 0),
            "Tags": None,
        }
        for step in record.history
    ]
    steps.reverse()
    if steps:
        steps[0].update(Id=record.id, Tags=_names(record)[0] or None)
    return steps


def _names(record: ImageRecord) -> tuple[list[str], list[str]]:
    return [familiar(name) for name in sorted(record.tags)], [familiar(name) for name in sorted(record.digests)]


def _config(config: Mapping[str, Any], version: Version) -> Object:
    view = {key: config.get(key) or default for key, default in _ALWAYS.items()}
    view.update({key: config[key] for key in _SOMETIMES if config.get(key)})
    return {**_BEFORE_1_50, **view} if version < (1, 50) else view


def _unix(created: Any) -> int:
    try:
        return parse_rfc3339(created) // SECOND if isinstance(created, str) else 0
    except (ValueError, OverflowError):
        return 0

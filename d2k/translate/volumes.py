"""Docker's volumes as PersistentVolumeClaims: names, sizes, the claim itself, and back."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

from d2k.errors import InvalidParameter, NotFound
from d2k.translate import annotations as marks
from d2k.translate import filters as docker_filters
from d2k.translate.ids import derived_id
from d2k.translate.labels import APP_NAME, is_label_value, owned
from d2k.translate.quantities import parse_docker_size, parse_quantity

Object = dict[str, Any]

VOLUME = "d2k.io/volume"
# The engine's own mark of a volume that was created without a name.
ANONYMOUS = "com.docker.volume.anonymous"
DRIVER = "local"
LIST_FILTERS = ("dangling", "driver", "label", "name")
PRUNE_FILTERS = ("label", "label!", "all")

_DOCKER_NAME = re.compile(r"[a-zA-Z0-9][a-zA-Z0-9_.-]+")
_PART = r"[a-z0-9](?:[-a-z0-9]*[a-z0-9])?"
_KUBERNETES_NAME = re.compile(rf"(?=.{{1,253}}\Z){_PART}(?:\.{_PART})*")
# What the engine's own driver hands to mount(8).
_MOUNT_OPTIONS = ("type", "device", "o")
_LIKENESS = 40
_NO_DETAILS: Object = {}


@dataclass(frozen=True)
class Volume:
    """A volume: Docker's name, the claim that holds its data, and what create was asked for.

    `labels` and `options` are None where the request had none, which Docker shows as null. `requested` and `capacity`
    are in bytes; `capacity` is 0 until the cluster has provisioned the storage.
    """

    name: str
    claim: str
    created: str
    labels: dict[str, str] | None = None
    options: dict[str, str] | None = None
    requested: int = 0
    capacity: int = 0

    @property
    def anonymous(self) -> bool:
        """Whether it was created without a name."""
        return ANONYMOUS in (self.labels or {})


def check_name(name: str) -> None:
    """Raise InvalidParameter with the engine's text for a name that its local driver refuses."""
    if len(name) == 1:
        raise InvalidParameter(
            f"create {name}: volume name is too short, names should be at least two alphanumeric characters"
        )
    if _DOCKER_NAME.fullmatch(name) is None:
        raise InvalidParameter(
            f'create {name}: "{name}" includes invalid characters for a local volume name, only '
            '"[a-zA-Z0-9][a-zA-Z0-9_.-]" are allowed. If you intended to pass a host directory, use absolute path'
        )


def check_driver(name: str, driver: str) -> None:
    """Raise NotFound with the engine's text for every driver but `local`; empty means `local`."""
    if driver not in ("", DRIVER):
        raise NotFound(f'create {name}: error looking up volume plugin {driver}: plugin "{driver}" not found')


def storage(name: str, options: Mapping[str, str], default: str) -> str:
    """Return the Kubernetes quantity to claim: the option `size`, or `default` without one.

    Raises InvalidParameter for a size that is none and for every other option.
    """
    for option in options:
        if option in _MOUNT_OPTIONS:
            raise InvalidParameter(
                f'create {name}: the option "{option}" asks to mount something of a host, which a volume in Kubernetes '
                'cannot do; the only option is "size"'
            )
        if option != "size":
            raise InvalidParameter(f'create {name}: invalid option: "{option}"')
    if "size" not in options:
        return default
    try:
        return parse_docker_size(options["size"])
    except InvalidParameter as error:
        raise InvalidParameter(f"create {name}: {error}") from error


def claim_names(name: str) -> list[str]:
    """Return the names that the claim may have, the best first: Docker's own where Kubernetes accepts it.

    The others are a likeness with a hash of the name; a claim that is not d2k's may hold the first.
    """
    likeness = re.sub(r"[^a-z0-9]+", "-", name.lower())[:_LIKENESS].strip("-")
    digest = derived_id("volume", name)
    hashed = [f"{likeness}-{digest[:digits]}" for digits in (8, 16)]
    return [name, *hashed] if _KUBERNETES_NAME.fullmatch(name) else hashed


def claim(
    claim_name: str,
    name: str,
    labels: Mapping[str, str] | None,
    options: Mapping[str, str] | None,
    size: str,
    created: str,
) -> Object:
    """Return the claim of a volume: ReadWriteOnce, of the cluster's default storage class."""
    marked = owned("volume", labels)
    if is_label_value(name):
        marked[APP_NAME] = name
    document = {"Labels": labels, "Options": options, "CreatedAt": created}
    return {
        "apiVersion": "v1",
        "kind": "PersistentVolumeClaim",
        "metadata": {
            "name": claim_name,
            "labels": marked,
            "annotations": {marks.NAME: name, VOLUME: marks.encode(document)},
        },
        "spec": {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": size}}},
    }


def docker_name(stored: Object) -> str:
    """Return Docker's name of the volume that a claim holds; empty when it is not a volume of d2k."""
    notes = stored["metadata"].get("annotations") or {}
    return str(notes[marks.NAME]) if VOLUME in notes and marks.NAME in notes else ""


def volume(stored: Object) -> Volume:
    """Return the volume that a claim of d2k holds."""
    notes = stored["metadata"]["annotations"]
    document = marks.decode(notes[VOLUME])
    requests = (stored["spec"].get("resources") or _NO_DETAILS).get("requests") or _NO_DETAILS
    capacity = (stored.get("status") or _NO_DETAILS).get("capacity") or _NO_DETAILS
    return Volume(
        name=notes[marks.NAME],
        claim=stored["metadata"]["name"],
        created=document["CreatedAt"],
        labels=document["Labels"],
        options=document["Options"],
        requested=int(parse_quantity(requests.get("storage", "0"))),
        capacity=int(parse_quantity(capacity.get("storage", "0"))),
    )


def document(shown: Volume) -> Object:
    """Return Docker's Volume. The mount point is where the engine would have it; no path of any host is meant."""
    return {
        "CreatedAt": shown.created,
        "Driver": DRIVER,
        "Labels": shown.labels,
        "Mountpoint": f"/var/lib/docker/volumes/{shown.name}/_data",
        "Name": shown.name,
        "Options": shown.options,
        "Scope": "local",
    }


def listed(candidate: Volume, filters: docker_filters.Filters, used: Collection[str]) -> bool:
    """Say whether `GET /volumes` shows the volume; `used` are the names of volumes that a container mounts.

    Raises InvalidParameter for a `dangling` that is no boolean.
    """
    if "dangling" in filters and docker_filters.boolean_value(filters, "dangling") == (candidate.name in used):
        return False
    if filters.get("driver") and DRIVER not in filters["driver"]:
        return False
    names = filters.get("name", [])
    return docker_filters.name_matches(names, [candidate.name]) and docker_filters.labels_match(
        filters.get("label", []), candidate.labels or {}
    )


def prunable(candidate: Volume, filters: docker_filters.Filters, *, named: bool) -> bool:
    """Say whether prune takes this unused volume; `named` says whether it takes more than the anonymous ones."""
    labels = candidate.labels or {}
    return (
        (named or candidate.anonymous)
        and docker_filters.labels_match(filters.get("label", []), labels)
        and not docker_filters.labels_exclude(filters.get("label!", []), labels)
    )


def prune_named(filters: docker_filters.Filters, api_version: tuple[int, ...]) -> bool:
    """Say whether prune also takes volumes with a name: the filter `all`, and always before API 1.42.

    Raises InvalidParameter with the engine's text for an `all` that is no boolean.
    """
    values = filters.get("all")
    if not values:
        return api_version < (1, 42)
    if len(values) > 1:
        raise InvalidParameter(f"invalid filter 'all=[{' '.join(values)}]': only one value is expected")
    if values[0] in ("1", "t", "T", "TRUE", "true", "True"):
        return True
    if values[0] in ("0", "f", "F", "FALSE", "false", "False"):
        return False
    raise InvalidParameter(f"invalid filter 'all': strconv.ParseBool: parsing \"{values[0]}\": invalid syntax")

"""What d2k remembers of an image, and the ConfigMap that holds it.

The nodes pull images; d2k keeps a record of those that were pulled, tagged or used, one ConfigMap for each image id.
A name (tag or digest) belongs to the record in which it is newest: to move a tag is one write, and the older record
may be cleaned afterwards, or never.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import orjson

from d2k.translate.ids import derived_id
from d2k.translate.labels import KIND, is_owned, owned
from d2k.translate.references import Reference
from d2k.translate.times import parse_rfc3339, rfc3339

Object = dict[str, Any]

IMAGE_KIND = "image"
DATA_KEY = "image.json"
SYNTHETIC_COMMENT = "synthesised by d2k: no registry was asked about this image"

# etcd refuses objects above 1.5 MiB and the API server ConfigMaps above 1 MiB.
_LONGEST = 900_000
_SOURCES = 8


@dataclass(frozen=True)
class ImageRecord:
    """An image as d2k knows it.

    `tags` and `digests` are its normalised names with the nanoseconds since 1970 at which each was given; `sources`
    are names under which the nodes can pull exactly this content, the newest last, kept when names are removed.
    `size` and the sizes in `blobs` (digest, size; lowest layer first) are bytes as compressed in the registry: what
    the layers take when unpacked only the nodes know. `config` is the image's config in Docker's spelling, `layers`
    the digests of the unpacked layers, `created` RFC 3339 or empty.
    """

    id: str
    tags: Mapping[str, int] = field(default_factory=dict, hash=False)
    digests: Mapping[str, int] = field(default_factory=dict, hash=False)
    sources: tuple[str, ...] = ()
    created: str = ""
    size: int = 0
    config: Object = field(default_factory=dict, hash=False)
    architecture: str = "amd64"
    variant: str = ""
    os: str = "linux"
    author: str = ""
    comment: str = ""
    docker_version: str = ""
    layers: tuple[str, ...] = ()
    blobs: tuple[tuple[str, int], ...] = ()
    history: tuple[Object, ...] = field(default=(), hash=False)
    tagged_at: int = 0
    synthetic: bool = False

    @property
    def hex(self) -> str:
        """The id without its algorithm."""
        return self.id.partition(":")[2]

    @property
    def short_id(self) -> str:
        """The first twelve digits of the id, as in the Engine's messages."""
        return self.hex[:12]

    @property
    def labels(self) -> dict[str, str]:
        """The labels that the image's config gives to containers."""
        labels: dict[str, str] = self.config.get("Labels") or {}
        return labels

    @property
    def created_ns(self) -> int:
        """When the image was made, in nanoseconds since 1970; 0 when it does not say."""
        return parse_rfc3339(self.created) if self.created else 0

    @property
    def names(self) -> list[str]:
        """Every normalised name of the image, tags and digests, in the Engine's order."""
        return sorted([*self.tags, *self.digests])

    def with_tag(self, reference: Reference, now_ns: int) -> ImageRecord:
        """Return the record with one more tag."""
        return replace(self, tags={**self.tags, str(reference): now_ns})

    def with_digest(self, reference: Reference, now_ns: int) -> ImageRecord:
        """Return the record with one more digest (a reference with nothing but a digest)."""
        return replace(self, digests={**self.digests, str(reference): now_ns})

    def with_source(self, source: str) -> ImageRecord:
        """Return the record with this as the newest name to pull by."""
        kept = [known for known in self.sources if known != source]
        return replace(self, sources=(*kept, source)[-_SOURCES:])

    def without(self, names: Iterable[str]) -> ImageRecord:
        """Return the record without these tags and digests."""
        gone = set(names)
        tags = {name: given for name, given in self.tags.items() if name not in gone}
        digests = {name: given for name, given in self.digests.items() if name not in gone}
        return replace(self, tags=tags, digests=digests)

    def merged(self, known: ImageRecord | None) -> ImageRecord:
        """Return this record with the names and sources that the same image has already."""
        if known is None:
            return self
        result = replace(
            self,
            tags={**known.tags, **self.tags},
            digests={**known.digests, **self.digests},
            tagged_at=max(known.tagged_at, self.tagged_at),
            sources=known.sources,
        )
        for source in self.sources:
            result = result.with_source(source)
        return result


def from_config(image_id: str, config: Mapping[str, Any], blobs: Iterable[tuple[str, int]]) -> ImageRecord:
    """Return the record of an image out of the config that a registry holds, and its layers there (digest, size).

    Fields that have not the type that the OCI Image Specification gives them are left out.
    """
    kept_blobs = tuple(blobs)
    diff_ids = _mapping(config.get("rootfs")).get("diff_ids")
    history = config.get("history")
    return ImageRecord(
        id=image_id,
        created=_time(config.get("created")),
        size=sum(size for _, size in kept_blobs),
        config=_mapping(config.get("config")),
        architecture=_text(config.get("architecture")),
        variant=_text(config.get("variant")),
        os=_text(config.get("os")) or "linux",
        author=_text(config.get("author")),
        comment=_text(config.get("comment")),
        docker_version=_text(config.get("docker_version")),
        layers=tuple(map(str, diff_ids)) if isinstance(diff_ids, list) else (),
        blobs=kept_blobs,
        history=tuple(filter(None, map(_mapping, history if isinstance(history, list) else ()))),
    )


def synthetic(reference: Reference, now_ns: int) -> ImageRecord:
    """Return the record of an image that no registry could be asked about: nothing is known but its name.

    Its id is made from the name, so that the same name always gives the same id.
    """
    reference = reference.tagged()
    record = ImageRecord(
        id="sha256:" + derived_id("image", str(reference)),
        created=rfc3339(now_ns),
        comment=SYNTHETIC_COMMENT,
        sources=(str(reference),),
        synthetic=True,
    )
    if reference.digest:
        return record.with_digest(reference.with_digest(reference.digest), now_ns)
    return record.with_tag(reference, now_ns)


def object_name(image_id: str) -> str:
    """Return the name of the ConfigMap of an image."""
    return f"d2k-image-{image_id.partition(':')[2][:20]}"


def config_map(record: ImageRecord) -> Object:
    """Return the ConfigMap that holds a record; the history goes if it would be too large for one."""
    text = orjson.dumps(_document(record))
    if len(text) > _LONGEST:
        text = orjson.dumps(_document(replace(record, history=())))
    return {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": object_name(record.id), "labels": owned(IMAGE_KIND)},
        "data": {DATA_KEY: text.decode()},
    }


def is_image(stored: Mapping[str, Any]) -> bool:
    """Say whether a ConfigMap holds one of d2k's images."""
    return is_owned(stored) and stored["metadata"]["labels"].get(KIND) == IMAGE_KIND


def read(stored: Mapping[str, Any]) -> ImageRecord:
    """Return the record that a ConfigMap of d2k holds."""
    document: Object = orjson.loads(stored["data"][DATA_KEY])
    return ImageRecord(
        id=document["Id"],
        tags=document["RepoTags"],
        digests=document["RepoDigests"],
        sources=tuple(document["Sources"]),
        created=document["Created"],
        size=document["Size"],
        config=document["Config"],
        architecture=document["Architecture"],
        variant=document["Variant"],
        os=document["Os"],
        author=document["Author"],
        comment=document["Comment"],
        docker_version=document["DockerVersion"],
        layers=tuple(document["RootFS"]),
        blobs=tuple((blob["Digest"], blob["Size"]) for blob in document["Layers"]),
        history=tuple(document["History"]),
        tagged_at=document["TaggedAt"],
        synthetic=document["Synthetic"],
    )


def _document(record: ImageRecord) -> Object:
    return {
        "Id": record.id,
        "RepoTags": dict(record.tags),
        "RepoDigests": dict(record.digests),
        "Sources": record.sources,
        "Created": record.created,
        "Size": record.size,
        "Config": record.config,
        "Architecture": record.architecture,
        "Variant": record.variant,
        "Os": record.os,
        "Author": record.author,
        "Comment": record.comment,
        "DockerVersion": record.docker_version,
        "RootFS": record.layers,
        "Layers": [{"Digest": digest, "Size": size} for digest, size in record.blobs],
        "History": record.history,
        "TaggedAt": record.tagged_at,
        "Synthetic": record.synthetic,
    }


def _mapping(value: Any) -> Object:
    return value if isinstance(value, dict) else {}


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""


def _time(value: Any) -> str:
    try:
        return rfc3339(parse_rfc3339(_text(value)))
    except (ValueError, OverflowError):
        return ""

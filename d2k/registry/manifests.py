"""What registries serve, decoded: manifests, lists of them, and the config of an image. No I/O here."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from typing import Any

import orjson

from d2k.registry.errors import PlatformNotFoundError, RegistryError, UnsupportedImageError
from d2k.translate.platforms import Platform, normalised

Document = dict[str, Any]

DOCKER_MANIFEST = "application/vnd.docker.distribution.manifest.v2+json"
DOCKER_LIST = "application/vnd.docker.distribution.manifest.list.v2+json"
OCI_MANIFEST = "application/vnd.oci.image.manifest.v1+json"
OCI_INDEX = "application/vnd.oci.image.index.v1+json"
_SCHEMA1 = "application/vnd.docker.distribution.manifest.v1"

ACCEPT = ", ".join((DOCKER_MANIFEST, DOCKER_LIST, OCI_MANIFEST, OCI_INDEX))
"""Every kind of manifest that d2k can read, for the header `Accept`."""

_CONFIGS = frozenset(("application/vnd.docker.container.image.v1+json", "application/vnd.oci.image.config.v1+json", ""))


@dataclass(frozen=True)
class Layer:
    """One layer as the registry holds it: its digest and its size in bytes, compressed."""

    digest: str
    size: int


@dataclass(frozen=True)
class Manifest:
    """A manifest's bytes as received, what kind it is, and its digest."""

    body: bytes
    media_type: str
    digest: str

    @property
    def is_list(self) -> bool:
        """Whether it lists manifests for several platforms instead of describing one image."""
        return self.media_type in (DOCKER_LIST, OCI_INDEX)

    @property
    def document(self) -> Document:
        """The decoded body. Raises RegistryError when it is no JSON object."""
        return decode(self.body, "manifest")


@dataclass(frozen=True)
class Image:
    """One image for one platform: which manifest and config describe it, and what they say."""

    manifest_digest: str
    media_type: str
    id: str
    config: Document = field(hash=False)
    layers: tuple[Layer, ...]

    @property
    def platform(self) -> Platform:
        """The platform that the image's config names."""
        config = self.config
        parts = (str(config.get(key) or "") for key in ("os", "architecture", "variant"))
        return normalised(*parts)

    @property
    def size(self) -> int:
        """The sum of the layers' sizes in bytes, compressed as they are in the registry."""
        return sum(layer.size for layer in self.layers)


def digest_of(body: bytes, algorithm: str = "sha256") -> str:
    """Return the digest of some content, as registries name it. Raises RegistryError for an unknown algorithm."""
    if algorithm not in ("sha256", "sha384", "sha512"):
        raise RegistryError(f"unsupported digest algorithm: {algorithm}")
    return f"{algorithm}:{hashlib.new(algorithm, body).hexdigest()}"


def decode(body: bytes, what: str) -> Document:
    """Return a JSON object from its bytes. Raises RegistryError naming `what` it should have been."""
    try:
        document = orjson.loads(body)
    except orjson.JSONDecodeError:
        document = None
    if not isinstance(document, dict):
        raise RegistryError(f"the registry sent a {what} that is not a JSON object")
    return document


def read_manifest(body: bytes, content_type: str) -> Manifest:
    """Return a manifest with its kind: the Content-Type says it, or else the document itself.

    Raises UnsupportedImageError for kinds that no longer run anywhere.
    """
    media_type = content_type.partition(";")[0].strip()
    if media_type not in (DOCKER_MANIFEST, DOCKER_LIST, OCI_MANIFEST, OCI_INDEX):
        document = decode(body, "manifest")
        if media_type.startswith(_SCHEMA1) or document.get("schemaVersion") == 1:
            raise UnsupportedImageError(
                "Docker Image Format v1 and Docker Image manifest version 2, schema 1 are not supported: "
                "push the image again with a current tool"
            )
        media_type = str(document.get("mediaType") or (OCI_INDEX if "manifests" in document else OCI_MANIFEST))
    return Manifest(body, media_type, digest_of(body))


def choose(manifests: Manifest, platform: Platform) -> str:
    """Return the digest of a list's entry for a platform. Raises PlatformNotFoundError with the Engine's text."""
    for entry in _entries(manifests.document, "manifests"):
        described = entry.get("platform")
        if not isinstance(described, dict):
            continue
        parts = (str(described.get(key) or "") for key in ("os", "architecture", "variant"))
        if platform.matches(normalised(*parts)):
            return str(entry["digest"])
    raise PlatformNotFoundError(f"no matching manifest for {platform} in the manifest list entries")


def config_of(manifest: Manifest) -> str:
    """Return the digest of an image's config, which is the image's id. Raises UnsupportedImageError."""
    config = manifest.document.get("config")
    if not isinstance(config, dict) or not isinstance(config.get("digest"), str):
        raise UnsupportedImageError("the registry sent a manifest without an image's config")
    media_type = str(config.get("mediaType") or "")
    if media_type not in _CONFIGS:
        raise UnsupportedImageError(f'Encountered remote "{media_type}" when fetching: it is not a container image')
    return str(config["digest"])


def layers_of(manifest: Manifest) -> tuple[Layer, ...]:
    """Return an image's layers, the lowest first. Raises RegistryError."""
    layers = []
    for entry in _entries(manifest.document, "layers"):
        size = entry.get("size")
        layers.append(Layer(str(entry["digest"]), size if isinstance(size, int) and size > 0 else 0))
    return tuple(layers)


def _entries(document: Document, key: str) -> list[Document]:
    entries = document.get(key) or []
    if not isinstance(entries, list):
        entries = [None]
    for entry in entries:
        if not isinstance(entry, dict) or not isinstance(entry.get("digest"), str):
            raise RegistryError(f"the registry sent a manifest whose {key} cannot be read")
    return entries

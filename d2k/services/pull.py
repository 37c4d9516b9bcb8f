"""`docker pull`: asks the registry what a name stands for now, remembers it, and says so in Docker's words.

No layer is fetched, so no line about layers is sent: the nodes pull when a container starts.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple, Protocol

from d2k import errors
from d2k.cluster.errors import KubeError
from d2k.errors import DockerError
from d2k.registry import auth
from d2k.registry import errors as registry_errors
from d2k.registry.auth import Credentials
from d2k.registry.client import Registry, ResolvedImage
from d2k.registry.errors import RegistryError, UnreachableError
from d2k.translate import images, platforms, references
from d2k.translate.images import ImageRecord
from d2k.translate.platforms import Platform
from d2k.translate.references import Reference
from d2k.translate.refusals import explain

Message = dict[str, Any]

log = logging.getLogger(__name__)

_STATUSES: dict[type[RegistryError], type[DockerError]] = {
    registry_errors.UnauthorizedError: errors.Unauthorized,
    registry_errors.DeniedError: errors.NotFound,
    registry_errors.ManifestNotFoundError: errors.NotFound,
    registry_errors.RepositoryNotFoundError: errors.NotFound,
    registry_errors.PlatformNotFoundError: errors.NotFound,
}
_OFF = "registries are not asked (D2K_REGISTRY=off), the cluster pulls it when a container starts"


class Memory(Protocol):
    """Where images are remembered."""

    def find(self, text: str) -> ImageRecord | None:
        """Return the image of this name."""

    def remember(self, record: ImageRecord) -> ImageRecord:
        """Store an image and return it."""


class Pulled(NamedTuple):
    """The outcome for one reference: Docker's lines about it, those that close the pull, whether anything is new."""

    lines: list[Message]
    closing: list[Message]
    changed: bool


class Puller:
    """Pulls one reference, or every tag of a repository."""

    def __init__(self, registry: Registry | None, memory: Memory, now: Callable[[], int]) -> None:
        """Take the registry client, None when registries are not to be asked; `now` gives nanoseconds since 1970."""
        self._registry = registry
        self._memory = memory
        self._now = now

    def pull(self, image: str, tag: str, platform: str, registry_auth: str) -> Iterator[Message]:
        """Yield Docker's progress messages; see `Images.pull`."""
        reference = references.for_pull(image, tag)
        wanted = platforms.parse(platform) if platform else None
        credentials = auth.decode(registry_auth)
        every_tag = not reference.tag and not reference.digest
        wanted_references = self._every_tag(reference, credentials) if every_tag else [reference]
        changed = False
        for one in wanted_references:
            try:
                pulled = self._pull_one(one, wanted, credentials)
            except registry_errors.PlatformNotFoundError as error:
                # The Engine has begun to answer when it finds this out.
                yield _pulling(one)
                raise errors.NotFound(str(error)) from error
            except RegistryError as error:
                raise docker_error(error) from error
            except KubeError as error:
                raise explain(error) from error
            changed = changed or pulled.changed
            # Of every tag together the state is told once, at the end.
            yield from pulled.lines if every_tag else [*pulled.lines, *pulled.closing]
        if every_tag:
            yield _status(reference, changed=changed)

    def _every_tag(self, reference: Reference, credentials: Credentials) -> list[Reference]:
        if self._registry is None:
            return [reference.tagged()]
        try:
            return [reference.with_tag(tag) for tag in self._registry.tags(reference, credentials)]
        except UnreachableError:
            return [reference.tagged()]
        except RegistryError as error:
            raise docker_error(error) from error

    def _pull_one(self, reference: Reference, platform: Platform | None, credentials: Credentials) -> Pulled:
        if self._registry is None:
            return self._acknowledge(reference, _OFF)
        try:
            resolved = self._registry.resolve(reference, platform, credentials)
        except UnreachableError as error:
            return self._acknowledge(reference, f"the registry {reference.registry} cannot be reached ({error})")
        known = self._memory.find(str(reference))
        changed = known is None or known.id != resolved.image.id
        self._memory.remember(record_of(resolved, platform, self._now()))
        lines = [_pulling(reference), {"status": f"Digest: {resolved.digest}"}]
        closing = [_status(reference, changed=changed)]
        if platform is not None and not platform.matches(resolved.image.platform):
            text = platforms.mismatch(reference.familiar(), resolved.image.platform, platform)
            closing.append({"status": f"WARNING: {text}"})
        return Pulled(lines, closing, changed)

    def _acknowledge(self, reference: Reference, reason: str) -> Pulled:
        """Make up an image that nobody can be asked about, unless it is known: then it stays as it is known."""
        log.warning("pull of %s is only acknowledged: %s", reference.familiar(), reason)
        known = self._memory.find(str(reference))
        word = "acknowledged" if known is None or known.synthetic else "kept as it was known"
        if known is None:
            self._memory.remember(images.synthetic(reference, self._now()))
        status = {"status": f"Status: Image is {word} for {reference.familiar()}: {reason}"}
        return Pulled([_pulling(reference), status], [], known is None)


def record_of(resolved: ResolvedImage, platform: Platform | None, now: int) -> ImageRecord:
    """Return what is to be remembered of an image that a registry resolved at `now` (nanoseconds since 1970).

    Pods get the digest that the tag named, so that each node takes its own platform's image from a list; when a
    platform was asked for they get that platform's manifest.
    """
    image, reference = resolved.image, resolved.reference
    record = images.from_config(image.id, image.config, ((layer.digest, layer.size) for layer in image.layers))
    source = image.manifest_digest if platform is not None else resolved.digest
    record = record.with_digest(reference.with_digest(resolved.digest), now)
    record = record.with_source(str(reference.with_digest(source)))
    return record if reference.digest else record.with_tag(reference.tagged(), now)


def docker_error(error: RegistryError) -> DockerError:
    """Return a registry's failure as Docker's: 401, 404, or 500 for all that the user cannot mend by another name."""
    return _STATUSES.get(type(error), errors.SystemFailure)(str(error))


def _pulling(reference: Reference) -> Message:
    return {
        "status": f"Pulling from {reference.repository}",
        "id": str(reference) if reference.digest else reference.tag,
    }


def _status(reference: Reference, *, changed: bool) -> Message:
    state = "Downloaded newer image" if changed else "Image is up to date"
    return {"status": f"Status: {state} for {reference.familiar()}"}

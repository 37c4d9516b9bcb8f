"""What `docker rmi` does to an image: which names go, whether the image goes, and when it is refused.

The rules and the texts are the Engine's (moby, daemon/images/image_delete.go).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from d2k.errors import Conflict
from d2k.translate.image_index import familiar, is_id_of
from d2k.translate.images import ImageRecord
from d2k.translate.references import parse


class Use(Protocol):
    """A container that was made from an image."""

    @property
    def id(self) -> str:
        """The container's id of 64 hexadecimal digits."""

    @property
    def running(self) -> bool:
        """Whether its process runs."""


@dataclass(frozen=True)
class Removal:
    """What to do: the normalised names that go, in the order to report, and whether the image itself goes."""

    names: tuple[str, ...]
    deleted: bool

    def report(self, record: ImageRecord) -> list[dict[str, str]]:
        """Return Docker's answer."""
        answer = [{"Untagged": familiar(name)} for name in self.names]
        return [*answer, {"Deleted": record.id}] if self.deleted else answer


def plan(record: ImageRecord, text: str, uses: Sequence[Use], *, force: bool) -> Removal:
    """Return what removing the image by this name or id does. Raises Conflict.

    `uses` are the containers made from the image; a running one holds it even against `force`, a stopped one holds
    its last name.
    """
    if is_id_of(record, text):
        return _by_id(record, uses, force=force)
    return _by_name(record, text, uses, force=force)


def whole(record: ImageRecord) -> Removal:
    """Return the removal of an image that nothing uses, with all its names."""
    return Removal(tuple(record.names), True)


def _by_name(record: ImageRecord, text: str, uses: Sequence[Use], *, force: bool) -> Removal:
    if uses and not force and _is_single(record):
        raise Conflict(
            f'conflict: unable to remove repository reference "{text}" (must force) - '
            f"container {uses[0].id[:12]} is using its referenced image {record.short_id}"
        )
    reference = parse(text)
    name = str(reference.with_digest(reference.digest) if reference.digest else reference.tagged())
    names = [name]
    rest = [other for other in record.names if other != name]
    if not reference.digest and not any(tag in rest and parse(tag).name == reference.name for tag in record.tags):
        names += [digest for digest in rest if digest in record.digests and parse(digest).name == reference.name]
    left = [other for other in rest if other not in names]
    # Without a name the image goes too, unless a container, which only force let pass, still needs its record.
    held = any(use.running for use in uses) if force else bool(uses)
    return Removal(tuple(names), not left and not held)


def _by_id(record: ImageRecord, uses: Sequence[Use], *, force: bool) -> Removal:
    running = next((use for use in uses if use.running), None)
    if running:
        raise _conflict(record, "cannot be forced", f"image is being used by running container {running.id[:12]}")
    if not force:
        if not _is_single(record):
            raise _conflict(record, "must be forced", "image is referenced in multiple repositories")
        if uses:
            raise _conflict(record, "must be forced", f"image is being used by stopped container {uses[0].id[:12]}")
    return whole(record)


def _is_single(record: ImageRecord) -> bool:
    """Say whether the image has at most one tag, and digests of that tag's repository only."""
    if len(record.names) <= 1:
        return True
    if len(record.tags) > 1:
        return False
    repositories = {parse(name).name for name in record.digests}
    first = next(iter(record.tags), None) or record.names[0]
    return repositories == {parse(first).name}


def _conflict(record: ImageRecord, force: str, reason: str) -> Conflict:
    return Conflict(f"conflict: unable to delete {record.short_id} ({force}) - {reason}")

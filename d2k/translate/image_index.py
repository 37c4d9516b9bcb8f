"""Finding an image by what a person calls it, in the Engine's order."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from functools import cached_property

from d2k.translate.images import ImageRecord
from d2k.translate.references import LATEST, Reference, parse, parse_any

_NOBODY = (-1, "")
_HEX = re.compile(r"(?:sha256:)?([a-f0-9]{1,64})")


class ImageIndex:
    """The images at one moment, each with the names that are its own now."""

    def __init__(self, records: Iterable[ImageRecord]) -> None:
        """Take every record; a name that several hold stays with the one to which it was given last."""
        holders: dict[str, tuple[int, str]] = {}
        known = list(records)
        for record in known:
            for names in (record.tags, record.digests):
                for name, given in names.items():
                    holders[name] = max(holders.get(name, _NOBODY), (given, record.id))
        self._given = holders
        self._by_id = {record.id: self._own(record) for record in known}
        # What is left to be cleaned after names moved to other records: id → name → when it was given.
        self.superseded = {record.id: lost for record in known if (lost := self._lost(record))}

    def __iter__(self) -> Iterator[ImageRecord]:
        return iter(self._by_id.values())

    def __len__(self) -> int:
        return len(self._by_id)

    @cached_property
    def newest_first(self) -> list[ImageRecord]:
        """Every image, the one made last first, as `docker images` lists them."""
        return sorted(self, key=lambda record: (-record.created_ns, record.id))

    def by_id(self, image_id: str) -> ImageRecord | None:
        """Return the image of this whole id."""
        return self._by_id.get(image_id)

    def by_name(self, reference: Reference) -> ImageRecord | None:
        """Return the image of this name: by the digest if it has one, by the tag (`latest` without one) otherwise."""
        wanted = reference.with_digest(reference.digest) if reference.digest else reference.tagged()
        return self._by_id.get(self._given.get(str(wanted), _NOBODY)[1])

    def moment(self, name: str, image_id: str, now_ns: int) -> int:
        """Return the time to write with a name that is given to an image now, in nanoseconds since 1970.

        It is the old one when the image has the name, and never before that of another image that has it: a clock
        that was set back must not keep a name from moving.
        """
        given, holder = self._given.get(name, _NOBODY)
        return given if holder == image_id else max(now_ns, given + 1)

    def find(self, text: str) -> ImageRecord | None:
        """Return the image that an id, a name, or the beginning of an id means.

        A name goes before the beginning of an id; a beginning that fits several ids finds none. Raises
        InvalidParameter for a text that cannot be a name.
        """
        reference = parse_any(text)
        if isinstance(reference, str):
            return self.by_id(reference)
        return self.by_name(reference) or self._by_prefix(text)

    def _by_prefix(self, text: str) -> ImageRecord | None:
        match = _HEX.fullmatch(text)
        if match is None:
            return None
        found = [record for record in self if record.hex.startswith(match[1])]
        return found[0] if len(found) == 1 else None

    def _own(self, record: ImageRecord) -> ImageRecord:
        lost = self._lost(record)
        return record.without(lost) if lost else record

    def _lost(self, record: ImageRecord) -> dict[str, int]:
        given = {**record.tags, **record.digests}
        return {name: moment for name, moment in given.items() if self._given[name][1] != record.id}


def shown(text: str) -> str:
    """Return how the Engine names an image that it does not have: familiar, with the tag `latest` if it has none.

    Raises InvalidParameter for a text that cannot be a name.
    """
    reference = parse_any(text)
    return reference if isinstance(reference, str) else reference.tagged().familiar()


def is_id_of(record: ImageRecord, text: str) -> bool:
    """Say whether a text that found this image is its id or the beginning of it, and not a name."""
    return record.id.startswith(text) or record.hex.startswith(text)


def pinned(record: ImageRecord, text: str) -> str:
    """Return the image for a pod: the content that pull resolved, by its digest, so that it never changes.

    From the repository that `text` names, if the content was pulled from there, or from where it was pulled last.
    An image of which nothing is known has no digest: then it is the tag.
    """
    reference = parse_any(text)
    if isinstance(reference, Reference):
        if reference.digest:
            return str(reference.with_digest(reference.digest))
        for source in reversed(record.sources):
            if source.startswith((f"{reference.name}@", f"{reference.name}:")):
                return source
    return record.sources[-1] if record.sources else f"{text}:{LATEST}"


def familiar(name: str) -> str:
    """Return a normalised name as people write it."""
    return parse(name).familiar()

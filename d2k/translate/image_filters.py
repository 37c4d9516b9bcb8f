"""The filters of `docker images` and `docker image prune`."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import lru_cache

from d2k.errors import SystemFailure
from d2k.translate import filters
from d2k.translate.filters import Filters
from d2k.translate.image_index import familiar
from d2k.translate.images import ImageRecord
from d2k.translate.references import parse

LIST_FILTERS = ("dangling", "label", "label!", "before", "since", "reference", "until")
PRUNE_FILTERS = ("dangling", "label", "label!", "until")

_UNTIL = "invalid value for 'until' filter: "


@dataclass(frozen=True)
class ListFilter:
    """What `docker images` shows; read once, then asked about every image."""

    dangling: bool | None
    with_labels: tuple[str, ...]
    without_labels: tuple[str, ...]
    patterns: tuple[str, ...]
    before: int | None
    since: int | None

    @classmethod
    def read(cls, given: Filters, now_ns: int, created: Callable[[str], int]) -> ListFilter:
        """Read the filters; `created` tells when the image of a name was made, for `before` and `since`.

        Times are nanoseconds since 1970. Raises InvalidParameter, and what `created` raises for an unknown name.
        """
        filters.check(given, LIST_FILTERS)
        before = [created(name) for name in given.get("before", ())]
        until = filters.until(given, now_ns, _UNTIL)
        limits = [*before, *([until] if until is not None else [])]
        since = [created(name) for name in given.get("since", ())]
        return cls(
            dangling=filters.boolean_value(given, "dangling") if "dangling" in given else None,
            with_labels=tuple(given.get("label", ())),
            without_labels=tuple(given.get("label!", ())),
            patterns=tuple(given.get("reference", ())),
            before=min(limits, default=None),
            since=max(since, default=None),
        )

    def applied(self, record: ImageRecord) -> ImageRecord | None:
        """Return the image as it is to be shown, with the names that a pattern chose; None when it is left out.

        Raises SystemFailure for a pattern that is malformed, as the Engine does.
        """
        if self.before is not None and record.created_ns >= self.before:
            return None
        if self.since is not None and record.created_ns <= self.since:
            return None
        if not _labels_fit(record, self.with_labels, self.without_labels):
            return None
        if self.patterns:
            record = record.without([name for name in record.names if not self._named(name)])
            if not record.names:
                return None
        if self.dangling is not None and self.dangling == bool(record.tags):
            return None
        return record

    def _named(self, name: str) -> bool:
        return any(matches(pattern, name) for pattern in self.patterns)


@dataclass(frozen=True)
class PruneFilter:
    """What `docker image prune` removes of the images that no container uses."""

    dangling: bool
    with_labels: tuple[str, ...]
    without_labels: tuple[str, ...]
    until: int | None

    @classmethod
    def read(cls, given: Filters, now_ns: int) -> PruneFilter:
        """Read the filters; images without a tag only, unless `dangling=false`. Raises InvalidParameter."""
        filters.check(given, PRUNE_FILTERS)
        return cls(
            dangling=filters.boolean_value(given, "dangling", default=True),
            with_labels=tuple(given.get("label", ())),
            without_labels=tuple(given.get("label!", ())),
            until=filters.until(given, now_ns),
        )

    def matches(self, record: ImageRecord) -> bool:
        """Say whether the image may be removed, if nothing uses it."""
        if self.dangling and record.tags:
            return False
        if self.until is not None and record.created_ns > self.until:
            return False
        return _labels_fit(record, self.with_labels, self.without_labels)


def matches(pattern: str, name: str) -> bool:
    """Say whether a pattern fits an image's normalised name, as people write it, with or without its tag or digest.

    Raises SystemFailure for a malformed pattern.
    """
    expression = _expression(pattern)
    return any(expression.fullmatch(form) for form in (familiar(name), parse(name).familiar_name))


def _labels_fit(record: ImageRecord, wanted: Iterable[str], unwanted: Iterable[str]) -> bool:
    labels = record.labels
    return filters.labels_match(wanted, labels) and not filters.labels_exclude(unwanted, labels)


@lru_cache(maxsize=128)
def _expression(pattern: str) -> re.Pattern[str]:
    """Compile a pattern of Go's `path.Match`: `*` and `?` stop at slashes, `[^…]` is negated, `\\` escapes."""
    chunks: list[str] = [""]
    rest = pattern
    while rest:
        head, rest = rest[0], rest[1:]
        if head == "*":
            chunks.append("")
        elif head == "?":
            chunks[-1] += "[^/]"
        elif head == "[":
            text, rest = _class(rest)
            chunks[-1] += text
        else:
            character, rest = _character(head + rest)
            chunks[-1] += re.escape(character)
    first, *following = chunks
    if not following:
        return re.compile(first, re.DOTALL)
    # As in Go the first place where a chunk fits is taken and kept: that is right, and no pattern is slow to match.
    middle = "".join(f"(?>[^/]*?{chunk})" for chunk in following[:-1])
    return re.compile(f"{first}{middle}[^/]*?{following[-1]}", re.DOTALL)


def _class(rest: str) -> tuple[str, str]:
    """Return the expression for what follows an opening bracket, and what comes after the closing one."""
    negated = rest.startswith("^")
    rest = rest[1:] if negated else rest
    ranges: list[str] = []
    while not (ranges and rest.startswith("]")):
        low, rest = _character(rest, in_class=True)
        high = low
        if rest.startswith("-"):
            high, rest = _character(rest[1:], in_class=True)
        if low <= high:
            ranges.append(f"{re.escape(low)}-{re.escape(high)}")
        else:
            ranges.append("")
    inside = "".join(ranges)
    if not inside:
        return ("." if negated else "(?!)"), rest[1:]
    return f"[{'^' if negated else ''}{inside}]", rest[1:]


def _character(rest: str, *, in_class: bool = False) -> tuple[str, str]:
    if not rest or (in_class and rest[0] in "-]") or (rest[0] == "\\" and len(rest) == 1):
        raise SystemFailure("syntax error in pattern")
    if rest[0] == "\\":
        return rest[1], rest[2:]
    return rest[0], rest[1:]


def as_shown(records: Iterable[ImageRecord], chosen: ListFilter) -> list[ImageRecord]:
    """Return the images that a filter lets through, as they are to be shown, in the same order."""
    return [shown for record in records if (shown := chosen.applied(record)) is not None]

"""Joining a log with an attached stream: each line once, though neither holds all.

The log has every line but does not tell stdout from stderr, and a line only when it is complete; attach tells them
apart but begins when it is connected. Equal lines are interchangeable, so the two are matched by their contents.
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

Tagged = tuple[int, bytes]

# How many of the last delivered lines tell a place in the log.
_SEAM_LINES = 20


@dataclass(frozen=True)
class Seam:
    """Where attach begins in the log.

    The first `before` lines of the log came before it; `torn` is the beginning of the next one, written before attach
    saw the line's rest.
    """

    before: int
    torn: bytes = b""


def key(text: bytes) -> bytes:
    """Return what a line is compared by: container runtimes drop a carriage return at a line's end from the log."""
    return text.rstrip(b"\r\n") + b"\n" if text.endswith(b"\r\n") else text


def find_seam(logged: Sequence[bytes], attached: Sequence[Tagged], shown: int) -> Seam:
    """Return where the complete lines that attach delivered begin in the log.

    `logged` is the log, read after the first attached line had come, so that it holds that line; its first `shown`
    lines were shown to the user before. The log may end within what attach delivered or behind it. Where equal lines
    leave a choice, the log's end is taken to be as far as attach's.
    """
    lines = [key(text) for text in logged]
    streams = _streams(attached)
    heads = {stream[0] for stream in streams}
    order = [*range(shown, len(lines)), *range(shown)]
    for start in range(max(0, len(lines) - len(attached)), len(lines)):
        if lines[start] in heads and _woven(lines, start, streams) == len(lines) - start:
            return Seam(start)
    for start in order:
        if lines[start] in heads and _woven(lines, start, streams) == len(attached):
            return Seam(start)
    for start in order:
        for head in heads:
            if lines[start] != head and lines[start].endswith(head) and _rest_fits(lines, start, streams, head):
                return Seam(start, lines[start][: -len(head)])
    return Seam(len(lines))


def _streams(attached: Sequence[Tagged]) -> list[list[bytes]]:
    streams: dict[int, list[bytes]] = {}
    for stream, text in attached:
        streams.setdefault(stream, []).append(key(text))
    return list(streams.values())


def _rest_fits(lines: list[bytes], start: int, streams: list[list[bytes]], head: bytes) -> bool:
    """Say whether all but the torn line `head`, the first of one of the streams, is in the log behind `start`."""
    index = next(i for i, stream in enumerate(streams) if stream[0] == head)
    rest = [stream[1:] if i == index else stream for i, stream in enumerate(streams)]
    return _woven(lines, start + 1, rest) == min(len(lines) - start - 1, sum(map(len, rest)))


def _woven(lines: list[bytes], start: int, streams: list[list[bytes]]) -> int:
    """Return how many lines from `start` on are the beginnings of the (at most two) streams, woven in any way."""
    one, other = [*streams, [], []][:2]
    # How many lines may come from the first stream; more than one number only while both hold equal lines.
    taken = {0}
    for position in range(len(lines) - start):
        line = lines[start + position]
        following = set()
        for count in taken:
            if count < len(one) and one[count] == line:
                following.add(count + 1)
            if position - count < len(other) and other[position - count] == line:
                following.add(count)
        if not following:
            return position
        taken = following
    return len(lines) - start


def without(attached: Sequence[Tagged], shown: Sequence[bytes]) -> list[Tagged]:
    """Return the attached lines except those that were shown already, each as often as it was."""
    left = Counter(map(key, shown))
    kept = []
    for stream, text in attached:
        if left[key(text)]:
            left[key(text)] -= 1
        else:
            kept.append((stream, text))
    return kept


class LineCollector:
    """Puts the pieces of several streams together to lines."""

    def __init__(self) -> None:
        self._partial: dict[int, bytes] = {}

    def feed(self, stream: int, data: bytes) -> list[Tagged]:
        """Take a piece in and return the lines that it completes."""
        *lines, rest = (self._partial.pop(stream, b"") + data).split(b"\n")
        if rest:
            self._partial[stream] = rest
        return [(stream, line + b"\n") for line in lines]

    def partial(self) -> list[Tagged]:
        """Return the lines that are not complete yet."""
        return list(self._partial.items())


class Delivered:
    """Remembers the last lines that a client got, to find out at the end what it did not get."""

    def __init__(self, lines: int, size: int) -> None:
        """Keep at most `lines` lines and `size` bytes."""
        self._limits = (lines, size)
        self._lines: list[bytes] = []
        self._open = b""
        self._size = 0
        self.complete = True
        # Whether the first line may lack its beginning.
        self.torn = False

    def add(self, text: bytes) -> None:
        """Note a line, or the part of one that was shown first."""
        if not text.endswith(b"\n"):
            self._open = text
            return
        self._append(self._open + text)
        self._open = b""

    def _append(self, line: bytes) -> None:
        self._lines.append(line)
        self._size += len(line)
        if len(self._lines) > self._limits[0] or self._size > self._limits[1]:
            self.complete = False
            del self._lines[: len(self._lines) // 2 + 1]
            self._size = sum(map(len, self._lines))

    def missing(self, final: Sequence[bytes], partial: Sequence[bytes] = ()) -> Iterator[bytes]:
        """Yield the lines of the final log that were not delivered, in their order; `partial` are unfinished lines.

        If not all delivered lines are remembered, `final` is only the end of the log: what comes behind the last line
        that was delivered is missing then, and nothing is known if none of it was.
        """
        left = Counter(map(key, [*self._lines, *partial]))
        first = key(self._lines[0]) if self.torn and self.complete and self._lines else b""
        missing: list[bytes] = []
        behind: list[bytes] = []
        for line in final:
            if left[key(line)]:
                left[key(line)] -= 1
                behind = []
            elif first and left[first] and key(line).endswith(first):
                left[first] -= 1
            else:
                missing.append(line)
                behind.append(line)
        if self.complete:
            yield from missing
        elif len(behind) < len(final):
            yield from behind

    def unseen(self, log: Iterable[bytes], partial: Sequence[bytes] = ()) -> Iterator[bytes]:
        """Yield the lines of a log that goes on which were not delivered, as they come; `partial` as in `missing`.

        If not all delivered lines are remembered, `log` begins anywhere before the last of them, and what comes behind
        those was not delivered.
        """
        if self.complete:
            left = Counter(map(key, [*self._lines, *partial]))
            for line in log:
                if left[key(line)]:
                    left[key(line)] -= 1
                else:
                    yield line
            return
        last = deque(map(key, self._lines[-_SEAM_LINES:]))
        passed: deque[bytes] = deque(maxlen=len(last))
        found = False
        for line in log:
            if found:
                yield line
            passed.append(key(line))
            found = found or passed == last

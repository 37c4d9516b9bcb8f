"""The lines of a Kubernetes log, each with the time that the container runtime wrote it."""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from d2k.translate.times import fixed_nanos, parse_rfc3339

# Longer lines are handed on in pieces: a program may write gigabytes without a line end.
PIECE_LIMIT = 64 * 1024
_STAMP = re.compile(rb"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]+)?(Z|[+-][0-9]{2}:[0-9]{2})")
_STAMP_LIMIT = 36
_FIXED = 30


@dataclass(frozen=True)
class Line:
    """A line, its line end included, or a piece of a long one (`first`: where the line begins).

    `stamp` is RFC 3339 with nine digits and Z, so that stamps compare as text; empty when Kubernetes gave none.
    """

    stamp: bytes
    text: bytes
    first: bool = True

    @property
    def whole(self) -> bool:
        """Whether the line ends here with a line end."""
        return self.text.endswith(b"\n")


class LineSplitter:
    """Turns the bytes of a log with timestamps, cut anywhere, into lines."""

    def __init__(self) -> None:
        self._rest = b""
        self._open: bytes | None = None

    def feed(self, data: bytes) -> Iterator[Line]:
        """Yield the lines that `data` completes, and long pieces."""
        *lines, rest = (self._rest + data).split(b"\n")
        for text in lines:
            yield self._line(text + b"\n")
            self._open = None
        self._rest = rest
        if len(rest) > PIECE_LIMIT:
            self._rest = b""
            piece = self._line(rest)
            self._open = piece.stamp
            yield piece

    def finish(self) -> Iterator[Line]:
        """Yield what came after the last line end."""
        if self._rest:
            yield self._line(self._rest)
        self._rest, self._open = b"", None

    def _line(self, text: bytes) -> Line:
        if self._open is not None:
            return Line(self._open, text, first=False)
        return parse(text)


def parse(text: bytes) -> Line:
    """Take the timestamp off a log line; a text without one (Kubernetes' own complaints) is kept as it is."""
    stamp, space, rest = text[:_STAMP_LIMIT].partition(b" ")
    if not space or _STAMP.fullmatch(stamp) is None:
        return Line(b"", text)
    rest = text[len(stamp) + 1 :]
    if len(stamp) != _FIXED or not stamp.endswith(b"Z"):
        # The node's clock may be set to a local time zone.
        stamp = fixed_nanos(parse_rfc3339(stamp.decode())).encode()
    return Line(stamp, rest)


def for_terminal(line: Line) -> Line:
    """Return a line as the terminal got it: container runtimes drop the carriage return before a line's end."""
    return Line(line.stamp, line.text[:-1].removesuffix(b"\r") + b"\r\n", line.first) if line.whole else line


def window(lines: Iterable[Line], since: int | None, until: int | None) -> Iterator[Line]:
    """Yield the lines from `since` to `until` (nanoseconds since 1970, both included) and stop behind them."""
    low = fixed_nanos(since).encode() if since is not None else b""
    high = fixed_nanos(until).encode() if until is not None else b""
    for line in lines:
        if high and line.stamp > high:
            return
        if line.stamp >= low:
            yield line


class Resume:
    """Lets every line through once, though a log is read again from an earlier second on."""

    def __init__(self) -> None:
        self.stamp = b""
        self._count = 0
        self._skip = 0
        self._passed = True

    def reopen(self) -> None:
        """Note that the log is read again: what was let through before is now dropped."""
        self._skip = self._count
        self._passed = not self.stamp

    def passes(self, line: Line) -> bool:
        """Say whether the line is a new one; pieces of a line share its fate."""
        if not self._passed:
            if line.stamp < self.stamp:
                return False
            if line.stamp == self.stamp and self._skip:
                self._skip -= 1
                return False
            self._passed = True
        if line.stamp == self.stamp:
            self._count += 1
        elif line.stamp:
            self.stamp, self._count = line.stamp, 1
        return True


class Tail:
    """The last lines that fit into `limit` bytes."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._size = 0
        self._lines: deque[Line] = deque()

    def add(self, line: Line) -> None:
        """Take a line in and drop the oldest ones that no longer fit."""
        self._lines.append(line)
        self._size += len(line.text) + len(line.stamp) + 1
        while self._size > self._limit and self._lines:
            dropped = self._lines.popleft()
            self._size -= len(dropped.text) + len(dropped.stamp) + 1

    def __iter__(self) -> Iterator[Line]:
        return iter(self._lines)

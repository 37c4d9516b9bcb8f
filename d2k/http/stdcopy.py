"""The frames in which Docker sends stdout and stderr over one connection.

A frame is a header of eight bytes and its payload: the stream's number, three zero bytes, and the payload's length as
an unsigned 32-bit number with the highest byte first. Without a terminal every log, attach and exec stream has this
form; with a terminal the bytes are sent as they are.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import NamedTuple

STDIN, STDOUT, STDERR, SYSTEM_ERROR = 0, 1, 2, 3
LIMIT = 32 * 1024
"""The longest payload, in bytes, that `frames` puts into one frame: what the Engine copies at a time.

It must not be a little less than a TLS record's 16 KiB, or each record would become a frame and a crumb.
"""

_HEADER = struct.Struct(">B3xL")


class Frame(NamedTuple):
    """One frame: the stream's number (1 stdout, 2 stderr, 3 an error of the engine) and its payload."""

    stream: int
    payload: bytes


class FrameError(ValueError):
    """The bytes are not frames: a stream's number is none that Docker knows."""


def frame(stream: int, payload: bytes) -> bytes:
    """Return `payload` as one frame of `stream`."""
    return _HEADER.pack(stream, len(payload)) + payload


def frames(stream: int, payload: bytes, limit: int = LIMIT) -> Iterator[bytes]:
    """Return `payload` as frames of at most `limit` bytes of payload each; none for an empty payload."""
    view = memoryview(payload)
    for start in range(0, len(view), limit):
        yield frame(stream, bytes(view[start : start + limit]))


class Demultiplexer:
    """Takes a stream of frames apart, in whatever pieces it arrives."""

    def __init__(self) -> None:
        self._buffer = bytearray()

    @property
    def pending(self) -> int:
        """The number of bytes of a frame that is not complete yet; not 0 at the stream's end: it was cut short."""
        return len(self._buffer)

    def feed(self, data: bytes) -> list[Frame]:
        """Take the next bytes and return the frames that they complete.

        Raises FrameError when a header names a stream other than 0 to 3.
        """
        self._buffer += data
        complete, start = [], 0
        while len(self._buffer) - start >= _HEADER.size:
            stream, length = _HEADER.unpack_from(self._buffer, start)
            if stream > SYSTEM_ERROR:
                raise FrameError(f"no stream has the number {stream}")
            end = start + _HEADER.size + length
            if end > len(self._buffer):
                break
            complete.append(Frame(stream, bytes(self._buffer[start + _HEADER.size : end])))
            start = end
        del self._buffer[:start]
        return complete

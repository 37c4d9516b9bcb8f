"""WebSocket frames as they come from the API server, decoded without copying (RFC 6455, section 5).

The websocket library copies every message several times and checks each; for the output of exec that costs more than
the transfer itself. Only the handshake is its job here.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass

CONTINUATION, TEXT, BINARY, CLOSE, PING, PONG = 0x0, 0x1, 0x2, 0x8, 0x9, 0xA

_FIN = 0x80
_MASKED = 0x80
_LENGTH_16, _LENGTH_64 = 126, 127
_CONTROL_LIMIT = 125


class FrameError(Exception):
    """The peer sent what is no WebSocket frame."""


@dataclass(frozen=True)
class Piece:
    """A part of a message: `first` and `last` say whether it begins or ends the message."""

    opcode: int
    payload: memoryview
    first: bool
    last: bool


class FrameDecoder:
    """Turns the bytes of a connection, cut anywhere, into pieces of messages; keeps at most one frame's head."""

    def __init__(self) -> None:
        self._head = b""
        self._opcode = CONTINUATION
        self._message_opcode = CONTINUATION
        self._left = 0
        self._fin = False
        self._first = True

    def feed(self, data: bytes) -> Iterator[Piece]:
        """Yield the pieces in `data`; their payloads are views of it. Raises FrameError."""
        if self._head:
            data = self._head + data
            self._head = b""
        view = memoryview(data)
        position, end = 0, len(view)
        while position < end:
            if not self._left:
                taken = self._begin(view[position : position + 10])
                if not taken:
                    self._head = bytes(view[position:])
                    return
                position += taken
                if not self._left:
                    yield self._piece(view[0:0])
                continue
            stop = min(end, position + self._left)
            self._left -= stop - position
            yield self._piece(view[position:stop])
            position = stop

    def _begin(self, head: memoryview) -> int:
        """Read a frame's head and return its size; 0 when it is not all there."""
        if len(head) < 2:
            return 0
        length = head[1] & 0x7F
        if head[1] & _MASKED or head[0] & 0x70:
            raise FrameError("a server's frame may not be masked or use an extension")
        size = {_LENGTH_16: 4, _LENGTH_64: 10}.get(length, 2)
        if len(head) < size:
            return 0
        if size == 4:
            length = int.from_bytes(head[2:4], "big")
        elif size == 10:
            length = int.from_bytes(head[2:10], "big")
        self._fin = bool(head[0] & _FIN)
        self._opcode = head[0] & 0x0F
        if self._opcode >= CLOSE:
            if length > _CONTROL_LIMIT or not self._fin:
                raise FrameError("a control frame may not be long or fragmented")
        elif self._opcode != CONTINUATION:
            self._message_opcode = self._opcode
            self._first = True
        self._left = length
        return size

    def _piece(self, payload: memoryview) -> Piece:
        if self._opcode >= CLOSE:
            # Control frames are short, but may still arrive in two pieces.
            return Piece(self._opcode, payload, first=True, last=self._left == 0)
        piece = Piece(self._message_opcode, payload, first=self._first, last=self._fin and self._left == 0)
        self._first = False
        return piece


def encode(opcode: int, payload: bytes, key: bytes) -> bytes:
    """Return a whole frame as a client sends it, masked by the 4 bytes of `key`.

    An all-zero key leaves the payload as it is: a valid mask that costs nothing.
    """
    length = len(payload)
    if length < _LENGTH_16:
        head = struct.pack("!BB", _FIN | opcode, _MASKED | length)
    elif length < 1 << 16:
        head = struct.pack("!BBH", _FIN | opcode, _MASKED | _LENGTH_16, length)
    else:
        head = struct.pack("!BBQ", _FIN | opcode, _MASKED | _LENGTH_64, length)
    if key != b"\0\0\0\0":
        mask = int.from_bytes((key * (length // 4 + 1))[:length], "little")
        payload = (int.from_bytes(payload, "little") ^ mask).to_bytes(length, "little")
    return b"".join((head, key, payload))

"""The channels of a command in a Pod (exec) or of a Pod's own process (attach) over one WebSocket.

The protocol is Kubernetes' v5.channel.k8s.io (v4 lacks the end of stdin): a message's first byte is its channel.
"""

from __future__ import annotations

import logging
import os
import select
import ssl
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from socket import SHUT_RDWR
from typing import Any

import gevent
import gevent.lock
import orjson
from gevent import monkey

from d2k.cluster import frames
from d2k.cluster.client import KubeClient
from d2k.cluster.resources import PODS

log = logging.getLogger(__name__)

STDIN, STDOUT, STDERR, ERROR, RESIZE = 0, 1, 2, 3, 4
_CLOSE_CHANNEL = 255
V5 = "v5.channel.k8s.io"

READ_SIZE = 64 * 1024
# One frame of stdin; bigger ones only take longer to reach the process.
WRITE_SIZE = 32 * 1024
# A greenlet whose socket always has data would never let another run.
_BREATHE_EVERY = 4 * 1024 * 1024
_STATUS_LIMIT = 64 * 1024
# Load balancers in front of an API server drop what is silent for some minutes.
PING_SECONDS = 30.0


class ChannelsError(Exception):
    """The connection broke before Kubernetes said how the command ended."""


@dataclass(frozen=True)
class Outcome:
    """How a command ended: its exit code, or why it could not run (`error`, Kubernetes' own text)."""

    exit_code: int | None
    error: str = ""


class Channels:
    """One session; a greenlet may iterate it while others send. Hold it in a `with`, or call `close`."""

    def __init__(self, socket: Any, protocol: str):
        """Take over a socket after its handshake; `protocol` is the sub-protocol that the server chose."""
        self._socket = socket
        self._half_close = protocol == V5
        self._lock = gevent.lock.RLock()
        self._decoder = frames.FrameDecoder()
        self._status = bytearray()
        self._closed = False
        # Masking hides a browser's bytes from proxies that read them; inside TLS there is nothing to hide.
        self._plain = not isinstance(socket, ssl.SSLSocket)
        # gevent hides poll because it may block; with no time to wait it does not.
        self._poll = monkey.get_original("select", "poll")()
        self._poll.register(socket.fileno(), select.POLLIN)
        self._pinger = gevent.spawn(self._ping)

    @classmethod
    def exec(
        cls, client: KubeClient, pod: str, container: str, command: list[str], *, stdin: bool, tty: bool
    ) -> Channels:
        """Run a command in a Pod's container. Raises KubeError when the API server refuses."""
        query = [("container", container), *(("command", word) for word in command)]
        return cls._open(client, pod, "exec", query, stdin=stdin, tty=tty)

    @classmethod
    def attach(cls, client: KubeClient, pod: str, container: str, *, stdin: bool, tty: bool) -> Channels:
        """Connect to the process of a Pod's container. Raises KubeError when the API server refuses."""
        return cls._open(client, pod, "attach", [("container", container)], stdin=stdin, tty=tty)

    @classmethod
    def _open(
        cls, client: KubeClient, pod: str, verb: str, query: list[tuple[str, str]], *, stdin: bool, tty: bool
    ) -> Channels:
        # With a terminal there is only one stream of output, and Kubernetes refuses to be asked for stderr.
        flags = {"stdin": stdin, "stdout": True, "stderr": not tty, "tty": tty}
        query = query + [(name, "true" if value else "false") for name, value in flags.items()]
        connection = client.websocket(PODS, pod, verb, query)
        protocol = (connection.getheaders() or {}).get("sec-websocket-protocol", "")
        return cls(connection.sock, protocol)

    def __enter__(self) -> Channels:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __iter__(self) -> Iterator[tuple[int, bytes]]:
        """Yield (STDOUT or STDERR, bytes) as they come, until the command has ended or `close` was called.

        What is there already is put together, up to READ_SIZE and one record; nothing is read ahead of the caller
        beyond that, so that a caller who does not ask lets the process wait. Afterwards `outcome` tells the end.
        """
        channel, current, breath = -1, -1, 0
        parts: list[memoryview] = []
        size = 0
        for piece in self._pieces():
            payload = piece.payload if piece else memoryview(b"")
            if piece is not None and piece.first:
                channel, payload = (payload[0], payload[1:]) if payload else (-1, payload)
            if parts and (piece is None or size > READ_SIZE or (payload and channel != current)):
                yield current, b"".join(parts)
                breath += size
                parts, size = [], 0
                if breath > _BREATHE_EVERY:
                    breath = 0
                    gevent.sleep(0)
            if payload and channel in (STDOUT, STDERR):
                parts.append(payload)
                size += len(payload)
                current = channel
            elif payload and channel == ERROR and len(self._status) < _STATUS_LIMIT:
                self._status += payload
        if parts:
            yield current, b"".join(parts)

    def _pieces(self) -> Iterator[frames.Piece | None]:
        """Yield the pieces of messages, and None whenever the next ones have to be waited for."""
        while not self._closed:
            if not self._poll.poll(0):
                yield None
            try:
                data = self._socket.recv(READ_SIZE)
            except OSError:
                return
            if not data:
                return
            try:
                for piece in self._decoder.feed(data):
                    if piece.opcode == frames.CLOSE:
                        return
                    if piece.opcode == frames.PING:
                        self._send_frame(frames.PONG, bytes(piece.payload))
                    elif piece.opcode in (frames.BINARY, frames.TEXT):
                        yield piece
            except frames.FrameError as error:
                # Nothing that follows can be read: as if the connection had broken, which `outcome` tells.
                log.warning("the API server broke the protocol of exec and attach: %s", error)
                return

    @property
    def broken(self) -> bool:
        """Whether the iteration is over, or was left, without the API server saying how the command ended."""
        return not self._status

    @property
    def outcome(self) -> Outcome:
        """How the command ended, once the iteration is over. Raises ChannelsError when the connection broke before."""
        if self.broken:
            raise ChannelsError("the connection to the API server broke before the command ended")
        return parse_status(bytes(self._status))

    def stdin(self, data: bytes) -> None:
        """Send bytes to the process; waits while it does not read. Silent when the session is over."""
        for start in range(0, len(data), WRITE_SIZE):
            self._send_frame(frames.BINARY, b"\0" + data[start : start + WRITE_SIZE])

    def close_stdin(self) -> None:
        """End stdin; the process sees end of file while its output goes on. Without v5 nothing can be done."""
        if self._half_close:
            self._send_frame(frames.BINARY, bytes((_CLOSE_CHANNEL, STDIN)))

    def resize(self, height: int, width: int) -> None:
        """Tell the terminal's size in rows and columns."""
        size = orjson.dumps({"Width": width, "Height": height})
        self._send_frame(frames.BINARY, bytes((RESIZE,)) + size)

    def close(self) -> None:
        """End the session at once, from any greenlet; an iteration in another one ends too."""
        if self._closed:
            return
        self._closed = True
        if self._pinger is not gevent.getcurrent():
            self._pinger.kill(block=False)
        # A plain shutdown wakes a reader; close alone would leave it waiting on a number that another socket gets.
        with suppress(OSError):
            self._socket.shutdown(SHUT_RDWR)
        self._socket.close()

    def _send_frame(self, opcode: int, payload: bytes) -> None:
        key = os.urandom(4) if self._plain else b"\0\0\0\0"
        frame = frames.encode(opcode, payload, key)
        with self._lock:
            if self._closed:
                return
            try:
                self._socket.sendall(frame)
            except OSError:
                # The reader sees the same end, and what the process said before it.
                return

    def _ping(self) -> None:
        while not self._closed:
            gevent.sleep(PING_SECONDS)
            if not self._lock.locked():
                self._send_frame(frames.PING, b"")


def parse_status(text: bytes) -> Outcome:
    """Read the `metav1.Status` of the error channel: the exit code, or the reason why nothing ran."""
    try:
        status = orjson.loads(text)
    except orjson.JSONDecodeError:
        return Outcome(None, text.decode(errors="replace"))
    if status.get("status") == "Success":
        return Outcome(0)
    if status.get("reason") == "NonZeroExitCode":
        for cause in (status.get("details") or {}).get("causes") or ():
            if cause.get("reason") == "ExitCode" and str(cause.get("message", "")).isdigit():
                return Outcome(int(cause["message"]))
    return Outcome(None, str(status.get("message") or "Kubernetes did not say why the command failed"))

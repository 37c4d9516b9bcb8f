"""A TCP connection to a port of a Pod through the API server, for a d2k that cannot dial Pods itself.

The protocol is Kubernetes' v4.channel.k8s.io for port forwarding: a message's first byte is its channel, 0 carries the
port's bytes both ways and 1 the text of an error; the first two bytes of each channel repeat the port. It has no half
close. Loopback is what the kubelet dials inside the Pod, so this reaches a process that listens on it alone, too.
"""

from __future__ import annotations

import os
import ssl
from contextlib import suppress
from socket import SHUT_RDWR
from typing import Any

import gevent.lock

from d2k.cluster import frames
from d2k.cluster.client import KubeClient
from d2k.cluster.resources import PODS

DATA, ERROR = 0, 1
READ_SIZE = 64 * 1024
# One frame of data; the kubelet reads a message whole.
WRITE_SIZE = 32 * 1024
# How long the Pod may be silent after the client's end before the connection is taken for over: nothing tells the Pod
# of that end.
SILENCE_SECONDS = 10.0
_PORT_SIZE = 2


class PortForward:
    """One forwarded connection; a greenlet may receive while another sends."""

    def __init__(self, socket: Any):
        """Take over a socket after its handshake."""
        self._socket = socket
        self._decoder = frames.FrameDecoder()
        self._lock = gevent.lock.RLock()
        self._channel = -1
        self._over = False
        # How many bytes of the port's number each channel still has to send.
        self._heads = {DATA: _PORT_SIZE, ERROR: _PORT_SIZE}
        # Masking hides a browser's bytes from proxies that read them; inside TLS there is nothing to hide.
        self._plain = not isinstance(socket, ssl.SSLSocket)

    @classmethod
    def open(cls, client: KubeClient, pod: str, port: int) -> PortForward:
        """Connect to a port of a Pod. Raises KubeError when the API server refuses; a closed port shows at reading."""
        connection = client.websocket(PODS, pod, "portforward", [("ports", str(port))])
        return cls(connection.sock)

    def recv(self) -> bytes:
        """Wait for the port's next bytes; empty at its end. Raises ConnectionError when it does not answer."""
        taken = bytearray()
        while not taken and not self._over:
            try:
                data = self._socket.recv(READ_SIZE)
            except TimeoutError:
                data = b""
            self._over = not data
            try:
                for piece in self._decoder.feed(data):
                    taken += self._take(piece)
            except frames.FrameError as error:
                raise ConnectionError(f"the API server broke the protocol: {error}") from error
        return bytes(taken)

    def sendall(self, data: bytes) -> None:
        """Send bytes to the port, as fast as it takes them."""
        for start in range(0, len(data), WRITE_SIZE):
            self._send(frames.BINARY, bytes((DATA,)) + data[start : start + WRITE_SIZE])

    def end(self) -> None:
        """Note that no more is sent: what the port still says is taken until it is silent for SILENCE_SECONDS."""
        self._socket.settimeout(SILENCE_SECONDS)

    def close(self) -> None:
        """Close the connection, from any greenlet."""
        with suppress(OSError):
            self._socket.shutdown(SHUT_RDWR)
        self._socket.close()

    abort = close

    def _take(self, piece: frames.Piece) -> memoryview:
        """Return the port's own bytes in a piece of a message; answer what is none."""
        payload = piece.payload
        if piece.opcode == frames.CLOSE:
            self._over = True
        elif piece.opcode == frames.PING:
            self._send(frames.PONG, bytes(payload))
        if self._over or piece.opcode not in (frames.BINARY, frames.TEXT):
            return payload[:0]
        if piece.first:
            self._channel, payload = (payload[0], payload[1:]) if payload else (-1, payload)
        if self._channel not in self._heads:
            return payload[:0]
        head = min(self._heads[self._channel], len(payload))
        self._heads[self._channel] -= head
        payload = payload[head:]
        if self._channel == ERROR and payload:
            raise ConnectionError(bytes(payload).decode(errors="replace"))
        return payload

    def _send(self, opcode: int, payload: bytes) -> None:
        key = os.urandom(4) if self._plain else b"\0\0\0\0"
        with self._lock:
            self._socket.sendall(frames.encode(opcode, payload, key))

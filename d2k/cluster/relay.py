"""Listening on a TCP port and passing connections on, byte for byte."""

from __future__ import annotations

import fcntl
import logging
import socket as constants
import struct
import sys
import termios
from collections.abc import Callable
from contextlib import suppress
from typing import Any, Protocol

import gevent
import gevent.socket
from gevent.pool import Pool
from gevent.server import StreamServer

from d2k import metrics

log = logging.getLogger(__name__)

READ_SIZE = 64 * 1024
BACKLOG = 1024
MOST_CONNECTIONS = 4096
# A greenlet whose socket always has data would never let another run.
_BREATHE_EVERY = 1024 * 1024
# Seconds that the connections of a closed port have to pass on what is under way.
DRAIN_SECONDS = 5.0
# Seconds until the first probe of a silent connection, between probes, and how many may stay unanswered.
_KEEPALIVE = ((constants.TCP_KEEPIDLE, 60), (constants.TCP_KEEPINTVL, 15), (constants.TCP_KEEPCNT, 4))
_AT_ONCE = struct.pack("ii", 1, 0)


class Stream(Protocol):
    """A connection, whatever carries it."""

    def recv(self) -> bytes:
        """Wait for the next bytes; empty at their end. Raises OSError when the connection broke."""

    def sendall(self, data: bytes) -> None:
        """Send bytes, as fast as the other end takes them. Raises OSError when the connection broke."""

    def end(self) -> None:
        """Say that no more bytes are sent; receiving goes on."""

    def close(self) -> None:
        """Close the connection in order."""

    def abort(self) -> None:
        """Reset the connection: the other end sees that something broke."""


class TcpStream:
    """A TCP connection as a Stream."""

    def __init__(self, sock: Any):
        self._socket = sock
        sock.setsockopt(constants.IPPROTO_TCP, constants.TCP_NODELAY, 1)
        sock.setsockopt(constants.SOL_SOCKET, constants.SO_KEEPALIVE, 1)
        for option, value in _KEEPALIVE:
            sock.setsockopt(constants.IPPROTO_TCP, option, value)

    def recv(self) -> bytes:
        """Wait for the next bytes; empty at their end."""
        return bytes(self._socket.recv(READ_SIZE))

    def sendall(self, data: bytes) -> None:
        """Send bytes, as fast as the other end takes them."""
        self._socket.sendall(data)

    def end(self) -> None:
        """Close this direction; the other goes on."""
        with suppress(OSError):
            self._socket.shutdown(constants.SHUT_WR)

    def close(self) -> None:
        """Close the connection in order."""
        self._socket.close()

    def abort(self) -> None:
        """Reset the connection, unless that would lose bytes that are still on their way: those are sent first."""
        with suppress(OSError):
            unsent = fcntl.ioctl(self._socket.fileno(), termios.TIOCOUTQ, bytes(4))
            if not int.from_bytes(unsent, sys.byteorder):
                self._socket.setsockopt(constants.SOL_SOCKET, constants.SO_LINGER, _AT_ONCE)
        self._socket.close()


def relay(client: Stream, server: Stream) -> None:
    """Pass bytes both ways until both directions have ended; close both connections.

    The end of one direction is passed on while the other goes on. What breaks on one side breaks the other.
    """
    there = gevent.spawn(_copy, client, server)
    back = gevent.spawn(_copy, server, client)
    whole = False
    try:
        # A failure in one direction ends both at once.
        for done in gevent.iwait((there, back)):
            if not done.value:
                break
        else:
            whole = True
    finally:
        gevent.killall((there, back), block=False)
        for stream in (client, server):
            if whole:
                stream.close()
            else:
                stream.abort()


def _copy(source: Stream, target: Stream) -> bool:
    """Copy until the source's end; say whether it came in order."""
    breath = 0
    try:
        while data := source.recv():
            target.sendall(data)
            breath += len(data)
            if breath > _BREATHE_EVERY:
                breath = 0
                gevent.sleep(0)
    except OSError as error:
        log.debug("a forwarded connection broke: %s", error)
        return False
    target.end()
    return True


def listen(address: str, port: int, kind: int) -> Any:
    """Return a socket bound to a port, listening if `kind` is SOCK_STREAM. Raises OSError when it cannot be had."""
    family = constants.AF_INET6 if ":" in address else constants.AF_INET
    sock = gevent.socket.socket(family, kind)
    try:
        if kind == constants.SOCK_STREAM:
            sock.setsockopt(constants.SOL_SOCKET, constants.SO_REUSEADDR, 1)
        sock.bind((address, port))
        if kind == constants.SOCK_STREAM:
            sock.listen(BACKLOG)
    except OSError:
        sock.close()
        raise
    return sock


class TcpPort:
    """A TCP port that is listened on; each connection is passed on to where `connect` leads."""

    def __init__(self, address: str, port: int, connect: Callable[[], Stream]):
        """Begin to listen at once. Raises OSError when the port cannot be had."""
        self._name = f"{address}:{port}"
        self._connect = connect
        listener = listen(address, port, constants.SOCK_STREAM)
        self._server = StreamServer(listener, self._serve, spawn=Pool(MOST_CONNECTIONS))
        self._server.start()

    def close(self) -> None:
        """Free the port at once; connections have DRAIN_SECONDS to end by themselves."""
        self._server.close()
        gevent.spawn(self._server.stop, DRAIN_SECONDS)

    def _serve(self, client: Any, _address: Any) -> None:
        with metrics.STREAMS.labels("proxy").track_inprogress():
            try:
                server = self._connect()
            except OSError as error:
                # As with the engine's own proxy: the connection was accepted, and is closed without a byte.
                log.debug("a connection to %s cannot be passed on: %s", self._name, error)
                return
            relay(TcpStream(client), server)

"""Listening on a UDP port and passing datagrams on, each client with a socket of its own towards the Pod."""

from __future__ import annotations

import logging
import socket as constants
import struct
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Any, NamedTuple

import gevent
import gevent.socket

from d2k import metrics
from d2k.cluster.relay import listen

log = logging.getLogger(__name__)

LARGEST = 65535
# How long a client may be silent, and its Pod too, before what is known of it is forgotten: the engine's own time.
IDLE_SECONDS = 90.0
MOST_CLIENTS = 4096
# Linux' ip(7); Python names it only from 3.14 on.
_IP_PKTINFO = 8
_ANCILLARY_SIZE = constants.CMSG_SPACE(20)

Target = tuple[str, int]


class _Key(NamedTuple):
    """What makes a session: the client, where its datagrams go now, and the address that it sent them to."""

    client: Any
    target: Target
    source: bytes


class UdpPort:
    """A UDP port that is listened on; each datagram is passed on to where `target` says, and answers back."""

    def __init__(self, address: str, port: int, target: Callable[[], Target], idle: float = IDLE_SECONDS):
        """Begin to listen at once; `idle` is in seconds. Raises OSError when the port cannot be had.

        `target` is asked for each datagram, and raises OSError while there is nothing to send it to.
        """
        self._name = f"{address}:{port}/udp"
        self._target = target
        self._idle = idle
        self._sessions: dict[_Key, _Session] = {}
        self._socket = listen(address, port, constants.SOCK_DGRAM)
        if ":" in address:
            self._socket.setsockopt(constants.IPPROTO_IPV6, constants.IPV6_RECVPKTINFO, 1)
        else:
            self._socket.setsockopt(constants.IPPROTO_IP, _IP_PKTINFO, 1)
        self._reader = gevent.spawn(self._read)

    def close(self) -> None:
        """Free the port and forget every client."""
        self._reader.kill(block=False)
        self._socket.close()
        for session in list(self._sessions.values()):
            session.close()

    def _read(self) -> None:
        while True:
            try:
                data, ancillary, _, client = self._socket.recvmsg(LARGEST, _ANCILLARY_SIZE)
            except ConnectionError:
                # An answer met a client that is gone; the next datagram is another one's.
                continue
            except OSError as error:
                log.debug("the port %s is not read any more: %s", self._name, error)
                return
            source = answer_source(ancillary)
            try:
                target = self._target()
                session = self._session(_Key(client, target, source[0][2] if source else b""), source)
            except OSError as error:
                log.debug("a datagram to %s cannot be passed on: %s", self._name, error)
            else:
                session.send(data)
            # A flood must not keep the loop.
            gevent.sleep(0)

    def _session(self, key: _Key, source: list[tuple[int, int, bytes]]) -> _Session:
        session = self._sessions.get(key)
        if session is None:
            if len(self._sessions) >= MOST_CLIENTS:
                raise BlockingIOError("too many clients at once")

            def answer(data: bytes) -> None:
                self._socket.sendmsg([data], source, 0, key.client)

            def ended() -> None:
                self._sessions.pop(key, None)

            session = self._sessions[key] = _Session(connected(key.target), answer, self._idle, ended)
        return session


class _Session:
    """One client: a socket towards the Pod, and a greenlet that carries the answers back."""

    def __init__(self, server: Any, answer: Callable[[bytes], None], idle: float, ended: Callable[[], object]):
        self._server = server
        self._answer = answer
        self._idle = idle
        self._ended = ended
        self._active = time.monotonic()
        self._greenlet = gevent.spawn(self._run)

    def send(self, data: bytes) -> None:
        """Pass a datagram of the client on."""
        self._active = time.monotonic()
        # A refusal says that nobody listens yet; datagrams may get lost.
        with suppress(OSError):
            self._server.send(data)

    def close(self) -> None:
        """Forget the client."""
        self._greenlet.kill(block=False)
        self._server.close()
        self._ended()

    def _run(self) -> None:
        with metrics.STREAMS.labels("proxy").track_inprogress():
            while (left := self._active + self._idle - time.monotonic()) > 0:
                self._server.settimeout(left)
                try:
                    data = self._server.recv(LARGEST)
                    self._active = time.monotonic()
                    self._answer(data)
                except TimeoutError:
                    continue
                except ConnectionError as error:
                    # Nobody listens yet, or the client is gone: the next datagram may fare better.
                    log.debug("a datagram was refused: %s", error)
                except OSError as error:
                    log.debug("a client's datagrams have no way: %s", error)
                    break
        self._server.close()
        self._ended()


def connected(target: Target) -> Any:
    """Return a socket whose datagrams go to this address and port. Raises OSError when there is no way to it."""
    family = constants.AF_INET6 if ":" in target[0] else constants.AF_INET
    sock = gevent.socket.socket(family, constants.SOCK_DGRAM)
    try:
        sock.connect(target)
    except OSError:
        sock.close()
        raise
    return sock


def answer_source(ancillary: list[tuple[int, int, bytes]]) -> list[tuple[int, int, bytes]]:
    """Return what makes an answer leave from the address that the datagram came to, on a host with several.

    `ancillary` is the datagram's own, see ip(7) on IP_PKTINFO.
    """
    for level, kind, data in ancillary:
        if (level, kind) == (constants.IPPROTO_IP, _IP_PKTINFO) and len(data) >= 12:
            # Without the interface: the way back is the routing table's choice.
            return [(level, kind, struct.pack("i", 0) + data[4:8] + data[8:12])]
        if (level, kind) == (constants.IPPROTO_IPV6, constants.IPV6_PKTINFO):
            return [(level, kind, data)]
    return []

"""Notices that the client of a connection went away, without reading from it and without polling.

An epoll instance of its own watches the socket for the end of the connection only; the instance becomes readable when
that happens, and gevent's loop waits for it as for any file. So data that the client sent and nobody reads yet neither
hides the end nor is mistaken for it. Linux only.
"""

from __future__ import annotations

import socket
from collections.abc import Callable
from contextlib import suppress
from select import EPOLLRDHUP

import gevent
from gevent import monkey
from gevent.event import Event

_KEEPALIVE = ((socket.TCP_KEEPIDLE, 15), (socket.TCP_KEEPINTVL, 5), (socket.TCP_KEEPCNT, 4))
"""Seconds until the first probe, seconds between probes, and the number of probes that may stay unanswered."""


class Peer:
    """Watches the other end of `sock` until `close`.

    With `half_close_ends` a client that closed its sending side counts as gone, as it does for a plain HTTP answer in
    the Engine. Without it only a connection that is closed both ways or was reset counts: a hijacked stream goes on
    after the end of stdin. TCP cannot tell a full close from a half close until something is sent, so TCP keep-alive
    probes are sent: a client that vanished without a trace is noticed by them after about 35 seconds, one that closed
    everything while nothing is written to it after about 75 (Linux answers for a closed end for 60).
    """

    def __init__(self, sock: socket.socket, *, half_close_ends: bool) -> None:
        # gevent hides epoll because waiting on it blocks the whole process; here gevent itself does the waiting.
        self._epoll = monkey.get_original("select", "epoll")()
        self._epoll.register(sock.fileno(), EPOLLRDHUP if half_close_ends else 0)
        self._callback: Callable[[], None] | None = None
        self._ended = Event()
        self._watcher = gevent.get_hub().loop.io(self._epoll.fileno(), 1)
        self._watcher.start(self._notice)
        with suppress(OSError):  # not TCP
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
            for option, value in _KEEPALIVE:
                sock.setsockopt(socket.IPPROTO_TCP, option, value)

    @property
    def gone(self) -> bool:
        """Whether the client is gone, or this watch is closed."""
        return self._epoll.closed or bool(self._epoll.poll(0))

    def wait(self, timeout: float | None = None) -> bool:
        """Wait until the client is gone or `timeout` seconds have passed, and return whether it is gone.

        `close` ends the wait too.
        """
        return bool(self._ended.wait(timeout))

    def on_gone(self, callback: Callable[[], None]) -> None:
        """Call `callback` once when the client is gone; it runs in gevent's hub and must not block."""
        self._callback = callback

    def close(self) -> None:
        """Stop watching; the socket stays as it is."""
        self._callback = None
        if not self._epoll.closed:
            self._watcher.stop()
            self._watcher.close()
            self._epoll.close()
        self._ended.set()

    def _notice(self) -> None:
        # An epoll instance stays readable while the condition holds: without the stop this would be called for ever.
        self._watcher.stop()
        self._ended.set()
        if self._callback is not None:
            self._callback()

"""The gunicorn worker of d2k: gunicorn's own for gevent, which also knows which of its connections are idle.

Go's clients keep connections open for 90 seconds after their last request. gunicorn would wait for each of them when it
is told to stop, as if it were a request.
"""

from __future__ import annotations

import os
import socket
from contextlib import suppress
from typing import Any

import gevent
from gevent import monkey
from gunicorn.workers.ggevent import GeventWorker

from d2k.http.repeats import Repeats

_PlainSocket = monkey.get_original("socket", "socket")


class Worker(GeventWorker):  # type: ignore[misc]  # gunicorn has no types
    """Ends within a second or two of SIGTERM when no request is under way; requests have `graceful_timeout`."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._idle: set[Any] = set()
        self._quitting = False
        self._repeats = Repeats(self.cfg)

    def handle(self, listener: Any, client: Any, addr: Any) -> None:
        """Serve a connection; gunicorn calls this in a greenlet of its own."""
        self._idle.add(client)
        try:
            super().handle(listener, client, addr)
        finally:
            self._idle.discard(client)

    def handle_request(self, listener_name: Any, req: Any, sock: Any, addr: Any) -> Any:
        """Serve one request; between two of them the connection is idle."""
        self._idle.discard(sock)
        super().handle_request(listener_name, req, sock, addr)
        self._idle.add(sock)
        if not self.alive:
            self._end_idle()
        self._repeats.serve(self.wsgi, listener_name, req, sock, addr)

    def handle_exit(self, sig: Any, frame: Any) -> None:
        """Begin to stop: SIGTERM."""
        super().handle_exit(sig, frame)
        gevent.spawn(self._end_idle)

    def handle_quit(self, sig: Any, frame: Any) -> None:
        """End at once: SIGINT and SIGQUIT. Ctrl-C reaches the worker twice, the second time by way of the master."""
        if not self._quitting:
            self._quitting = True
            super().handle_quit(sig, frame)

    def notify(self) -> None:
        """Say that the worker lives; gunicorn calls this every second, also while it stops."""
        super().notify()
        if not self.alive:
            self._end_idle()

    def _end_idle(self) -> None:
        for client in list(self._idle):
            # A request that has arrived already is still read and answered: only what comes later is not. gevent's own
            # shutdown would break the read off instead.
            with suppress(OSError), _PlainSocket(fileno=os.dup(client.fileno())) as plain:
                plain.shutdown(socket.SHUT_RD)

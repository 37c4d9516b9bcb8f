"""Long answers over plain HTTP that end when the client leaves: logs, events, stats, wait.

gunicorn notices a client that left only when a write fails, so a quiet stream would live forever. Here the end of the
connection throws `ClientGone` into the generator at the point where it waits, and its `finally` runs at once.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import flask
import gevent

from d2k import metrics
from d2k.http.peer import Peer

if TYPE_CHECKING:
    import socket
    from collections.abc import Generator


class ClientGone(gevent.GreenletExit):  # type: ignore[misc]  # gevent has no types
    """The client left; raised inside the generator so that it cleans up. No `except Exception` catches it."""


def stream(generator: Generator[bytes, None, None], content_type: str, kind: str) -> flask.Response:
    """Return an answer that sends what `generator` yields, chunk by chunk, its head before the first of them.

    `kind` is the label under which the stream is counted. The generator is closed when the answer ends, whoever ends
    it; when the client leaves, ClientGone is raised where it waits.
    """
    connection = flask.request.environ.get("gunicorn.socket")
    return flask.Response(_GuardedStream(generator, connection, kind), content_type=content_type)


class _GuardedStream:
    """The WSGI body: an empty first chunk, which makes gunicorn send the head, then the generator's."""

    def __init__(self, generator: Generator[bytes, None, None], connection: socket.socket | None, kind: str) -> None:
        self._generator = generator
        self._connection = connection
        self._gauge = metrics.STREAMS.labels(kind)
        self._greenlet: gevent.Greenlet | None = None
        self._peer: Peer | None = None
        self._started = False

    def __iter__(self) -> Iterator[bytes]:
        return self

    def __next__(self) -> bytes:
        if not self._started:
            self._start()
            return b""
        try:
            chunk = next(self._generator)
        except ClientGone:
            self._unwatch()
            raise StopIteration from None
        return chunk

    def _start(self) -> None:
        self._started = True
        self._gauge.inc()
        if self._connection is not None:
            self._greenlet = gevent.getcurrent()
            self._peer = Peer(self._connection, half_close_ends=True)
            self._peer.on_gone(self._leave)

    def _leave(self) -> None:
        # In the hub, so the request's greenlet waits somewhere: in the generator or in the write of a chunk. Once
        # `_unwatch` ran this is never called, so the exception cannot hit what comes after this answer.
        if self._greenlet is not None:
            self._greenlet.throw(ClientGone())

    def _unwatch(self) -> None:
        self._greenlet = None
        if self._peer is not None:
            self._peer.close()
            self._peer = None

    def close(self) -> None:
        """End the stream: called by the WSGI server whichever way the answer ended."""
        self._unwatch()
        self._generator.close()
        if self._started:
            self._started = False
            self._gauge.dec()

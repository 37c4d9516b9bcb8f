"""The short way for requests that come again, used by d2k's gunicorn worker.

Clients ask the same few things over and over: is it there, what runs, what is with this container. gunicorn spends more
time on reading such a request and on writing the head of its answer than d2k needs for the answer. So it is remembered
what a request of exactly these bytes means; the bytes are the whole key, so nothing remembered can be out of date. The
application is called for each of them as ever, and its answer leaves in one piece.
"""

from __future__ import annotations

import io
import re
import socket
from typing import TYPE_CHECKING, Any

import gevent
from gunicorn import util
from gunicorn.http import wsgi

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIApplication, WSGIEnvironment

MOST_KNOWN = 1024
"""How many requests are remembered before all are forgotten: an inspect is one for each container."""

_WORTH_IT = re.compile(r"(?:/v[0-9.]+)?/(?:_ping|(?:containers|images)/(?:[^/]+/)?json)")
_HEAD_END = b"\r\n\r\n"
# A request with one of these is more than its head, or its answer is not to be the last word about it.
_LEFT_ALONE = ("CONTENT_LENGTH", "HTTP_TRANSFER_ENCODING", "HTTP_EXPECT", "HTTP_UPGRADE", "HTTP_CONNECTION")


class Repeats:
    """Remembers requests, and answers those on a connection that it knows."""

    def __init__(self, config: Any) -> None:
        """`config` is gunicorn's."""
        self._config = config
        self._known: dict[tuple[Any, bytes], WSGIEnvironment] = {}

    def serve(
        self, application: WSGIApplication, listener_name: Any, request: Any, sock: socket.socket, addr: Any
    ) -> None:
        """Go on with a connection after gunicorn has answered `request` on it.

        Returns at the first request that is not known, with its bytes handed back to gunicorn, or when the client has
        closed. Raises StopIteration when no request came for the time that gunicorn keeps a connection.
        """
        unreader = request.unreader
        # Whatever becomes of them: these bytes belong to this request and to no later one.
        head, unreader.handed_back = getattr(unreader, "handed_back", b""), b""
        if request.method not in ("GET", "HEAD") or request.should_close():
            return
        self._learn(listener_name, head, request, sock, addr)
        while True:
            data: bytes | None = None
            with gevent.Timeout(self._config.keepalive, False):
                data = unreader.read()
            if data is None:
                raise StopIteration
            environ = self._known.get((listener_name, data))
            if environ is None:
                unreader.unread(data)
                unreader.handed_back = data
                return
            own = {"wsgi.input": io.BytesIO(), "gunicorn.socket": sock}
            own |= {"REMOTE_ADDR": addr[0], "REMOTE_PORT": str(addr[1])}
            sock.sendall(_answer(application, {**environ, **own}))
            # A client whose next request is there already would keep every other greenlet waiting.
            gevent.sleep(0)

    def _learn(self, listener_name: Any, head: bytes, request: Any, sock: socket.socket, addr: Any) -> None:
        """Remember what these bytes mean, if they were exactly this request and it is one that comes again."""
        if head.find(_HEAD_END) != len(head) - len(_HEAD_END):
            return
        if request.method != "GET" or request.version != (1, 1) or not _WORTH_IT.fullmatch(request.path):
            return
        _, environ = wsgi.create(request, sock, addr, listener_name, self._config)
        if any(name in environ for name in _LEFT_ALONE):
            return
        if len(self._known) >= MOST_KNOWN:
            self._known.clear()
        self._known[listener_name, head] = environ


def _answer(application: WSGIApplication, environ: WSGIEnvironment) -> bytes:
    """Return head and body of the application's answer."""
    parts = [b""]

    def start_response(status: str, headers: list[tuple[str, str]], _exc_info: Any = None, /) -> Any:
        lines = [
            f"HTTP/1.1 {status}",
            f"Server: {wsgi.SERVER}",
            f"Date: {util.http_date()}",
            "Connection: keep-alive",
            *(f"{name}: {value}" for name, value in headers),
        ]
        parts[0] = ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1")
        return parts.append

    body = application(environ, start_response)
    try:
        parts.extend(body)
    finally:
        if hasattr(body, "close"):
            body.close()
    return b"".join(parts)

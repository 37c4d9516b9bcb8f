"""Connections that stop being HTTP after the request: attach and exec.

The Engine answers `101 UPGRADED` to a request with `Upgrade` and `200 OK` to one without, then uses the connection for
bytes both ways. gunicorn cannot send such a head, so it is written to the socket here. Raising StopIteration from the
WSGI call is what makes gunicorn's gevent worker close the connection without a word and without parsing it again.
"""

from __future__ import annotations

import logging
import socket
import struct
import time
from collections.abc import Callable
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import gevent
from flask import Response
from gevent.exceptions import ConcurrentObjectUseError
from gevent.lock import RLock
from gevent.socket import wait_read

from d2k import metrics
from d2k.http import answers
from d2k.http.peer import Peer
from d2k.http.version import SERVER, common_headers

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment

RAW = "application/vnd.docker.raw-stream"
MULTIPLEXED = "application/vnd.docker.multiplexed-stream"
HEAD_PAUSE = 0.02
"""Seconds between the head and the first payload, unless the client showed before that it has read the head."""

LINGER = 2.0
"""Seconds that the end of the client's own bytes is waited for after the last payload."""

log = logging.getLogger(__name__)


def content_type(api_version: tuple[int, ...], *, tty: bool) -> str:
    """Return the type of a stream of output: API 1.42 began to tell frames from raw bytes."""
    return RAW if tty or api_version < (1, 42) else MULTIPLEXED


class Connection:
    """A hijacked connection. Any greenlet may write; one at a time may read.

    A client that left shows as ConnectionError from `read` or `write`, and by `closed` when neither runs.
    """

    def __init__(self, sock: socket.socket, pipelined: bytes = b"") -> None:
        self._socket = sock
        self._pipelined = pipelined
        self._writing = RLock()
        self._head_sent: float | None = None
        self._early = False
        self._peer = Peer(sock, half_close_ends=False)

    @property
    def closed(self) -> bool:
        """Whether the client is gone: reset, or closed both ways. The end of its stdin alone does not count."""
        return self._peer.gone

    def wait_closed(self, timeout: float | None = None) -> bool:
        """Wait until the client is gone, at most `timeout` seconds, and return whether it is; see `d2k.http.peer`."""
        return self._peer.wait(timeout)

    def read(self, n: int = 65536) -> bytes:
        """Wait for the client's next bytes and return at most `n` of them; empty at the end of its stdin."""
        if self._pipelined:
            data, self._pipelined = self._pipelined[:n], self._pipelined[n:]
            return data
        return self._socket.recv(n)

    def write(self, data: bytes) -> None:
        """Send all of `data`, as fast as the client takes it; no other write comes between."""
        with self._writing:
            self._after_head()
            self._socket.sendall(data)

    def write_head(self, head: bytes) -> None:
        """Send the HTTP head; the first `write` after it is held until the client has surely read it.

        docker-py and Portainer read the head through a buffer that they then drop, with every byte of payload that
        came along. Nothing on the wire says that the client took the head, so the first payload waits for HEAD_PAUSE
        after it, which the work that leads to a payload normally takes anyhow; or until the client's next byte or
        the end of its stdin, which shows that it went on. What the client sent before the head says nothing.
        """
        self._early = bool(self._pipelined) or _readable(self._socket, 0)
        self._socket.sendall(head)
        self._head_sent = time.monotonic()

    def close_write(self) -> None:
        """Tell the client that no more output comes; reading goes on."""
        with self._writing, suppress(OSError):
            self._after_head()
            self._socket.shutdown(socket.SHUT_WR)

    def abort(self) -> None:
        """Cut the connection at once; readers and writers that wait on it are released."""
        with suppress(OSError):
            self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            self._socket.shutdown(socket.SHUT_RDWR)

    def finish(self) -> None:
        """End the output and stop watching; called once, after the session.

        Closing a socket with unread bytes resets the connection, and a reset may overtake output that the client has
        not read yet. So what the client still sends is taken and dropped, for LINGER seconds at most.
        """
        self.close_write()
        with suppress(OSError, ConcurrentObjectUseError), gevent.Timeout(LINGER, False):
            while self._socket.recv(65536):
                pass
        self._peer.close()

    def _after_head(self) -> None:
        sent, self._head_sent = self._head_sent, None
        if sent is None:
            return
        remaining = sent + HEAD_PAUSE - time.monotonic()
        if remaining <= 0:
            return
        if self._early:
            gevent.sleep(remaining)
        else:
            _readable(self._socket, remaining)


class Hijack(Response):
    """A response that hands the connection to `session` and returns when that does.

    `content_type` is that of a `101` answer; without `Upgrade` the Engine always names the raw stream. `kind` is the
    label under which the stream is counted.
    """

    def __init__(self, content_type: str, session: Callable[[Connection], object], kind: str = "hijack") -> None:
        super().__init__(content_type=content_type)
        self._session = session
        self._kind = kind

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Any:
        """Run the session; never returns when gunicorn serves.

        A session that fails because the client left ends in silence, any other failure is logged: the head is out,
        so no status can be sent any more.
        """
        sock = environ.get("gunicorn.socket")
        if sock is None:
            return answers.message("this server cannot hand over its connection", 500)(environ, start_response)
        with suppress(ConnectionError):
            self._serve(Connection(sock, _pipelined(environ)), environ)
        raise StopIteration

    def _serve(self, connection: Connection, environ: WSGIEnvironment) -> None:
        gauge = metrics.STREAMS.labels(self._kind)
        gauge.inc()
        try:
            connection.write_head(self._head(environ))
            self._session(connection)
        except ConnectionError:
            raise
        except Exception:
            log.exception("A %s stream failed", self._kind)
        finally:
            connection.finish()
            gauge.dec()

    def _head(self, environ: WSGIEnvironment) -> bytes:
        upgraded = "HTTP_UPGRADE" in environ
        lines = ["HTTP/1.1 101 UPGRADED" if upgraded else "HTTP/1.1 200 OK"]
        headers = [("Content-Type", self.content_type if upgraded else RAW)]
        if upgraded:
            headers += [("Connection", "Upgrade"), ("Upgrade", "tcp")]
        own = [item for item in self.headers if item[0].lower() not in ("content-type", "content-length")]
        headers += [*own, *(item for item in common_headers(environ) if item[0] != "Server"), ("Server", SERVER)]
        lines += [f"{name}: {value}" for name, value in headers]
        return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1")


def _pipelined(environ: WSGIEnvironment) -> bytes:
    """Return the bytes that the client sent right after the body and that gunicorn has already read."""
    body = environ["wsgi.input"]
    while body.read(65536):
        pass
    reader = body.reader
    unreader = getattr(reader, "unreader", None) or reader.req.unreader
    return bytes(unreader.take_buffered())


def _readable(sock: socket.socket, timeout: float) -> bool:
    """Return whether the client sends something, or its end, within `timeout` seconds."""
    try:
        wait_read(sock.fileno(), timeout, TimeoutError)
    except TimeoutError:
        return False
    return True

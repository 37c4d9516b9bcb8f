"""HTTP to registries: bounded in time and size, with failures as d2k's own types."""

from __future__ import annotations

import http.client
import socket
import time
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlencode, urlsplit

import urllib3
from urllib3.exceptions import (
    ConnectTimeoutError,
    HTTPError,
    LocationParseError,
    MaxRetryError,
    NameResolutionError,
    ReadTimeoutError,
    SSLError,
)

from d2k import __version__
from d2k.registry.errors import RegistryError, UnknownHostError, UnreachableError

CONNECT_TIMEOUT = 3.0
READ_TIMEOUT = 10.0
WHOLE_TIMEOUT = 60.0
"""Seconds: to connect, between two pieces of an answer, and for a whole answer."""

ERROR_LIMIT = 64 * 1024
"""How many bytes of a refusal are read."""

_CHUNK = 64 * 1024
# Blobs are often served from another host; urllib3 leaves Authorization out there.
_RETRIES = urllib3.Retry(total=5, connect=0, read=0, redirect=5, status=0, other=0, raise_on_redirect=True)


@dataclass(frozen=True)
class Answer:
    """A registry's answer, whole: `method` and `url` say to what."""

    method: str
    url: str
    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def status_line(self) -> str:
        """The status with its usual words: `404 Not Found`."""
        return f"{self.status} {http.client.responses.get(self.status, '')}".strip()


class Transport:
    """Sends requests and reads their answers; safe for any number of greenlets."""

    def __init__(self) -> None:
        self._pool = urllib3.PoolManager(
            num_pools=16,
            maxsize=8,
            timeout=urllib3.Timeout(connect=CONNECT_TIMEOUT, read=READ_TIMEOUT),
            retries=_RETRIES,
        )

    def send(
        self,
        method: str,
        url: str,
        headers: Mapping[str, str],
        *,
        limit: int,
        form: Mapping[str, str] | None = None,
    ) -> Answer:
        """Make one request and return its answer, whatever its status; `form` is sent as a posted form.

        `limit` is the largest body, in bytes, that is accepted. Raises UnknownHostError, UnreachableError or, for a
        body that is too large and for a server whose certificate is not trusted, RegistryError.
        """
        all_headers = {"User-Agent": f"d2k/{__version__}", **headers}
        body = None
        if form is not None:
            body = urlencode(form)
            all_headers["Content-Type"] = "application/x-www-form-urlencoded"
        try:
            response = self._pool.request(method, url, headers=all_headers, body=body, preload_content=False)
        except (HTTPError, OSError) as error:
            raise _failure(method, url, error) from error
        try:
            content = _read(response, limit if response.status < 400 else ERROR_LIMIT, f"{method.title()} {url!r}")
        except (HTTPError, OSError) as error:
            response.close()
            raise _failure(method, url, error) from error
        except BaseException:
            response.close()
            raise
        response.release_conn()
        return Answer(method, url, response.status, response.headers, content)


def _read(response: urllib3.BaseHTTPResponse, limit: int, what: str) -> bytes:
    deadline = time.monotonic() + WHOLE_TIMEOUT
    body = bytearray()
    while chunk := response.read1(_CHUNK):
        body += chunk
        if len(body) > limit:
            raise RegistryError(f"{what}: the answer is larger than {limit} bytes")
        if time.monotonic() > deadline:
            raise UnreachableError(f"{what}: the registry did not finish its answer in {WHOLE_TIMEOUT:.0f} seconds")
    return bytes(body)


def _failure(method: str, url: str, error: Exception) -> RegistryError:
    """Return a failure of the connection as its type, in the words that the Engine has for it where it has any."""
    reason: BaseException = error
    if isinstance(error, MaxRetryError) and error.reason is not None:
        reason = error.reason
    where = f'{method.title()} "{url}"'
    place = urlsplit(url)
    if isinstance(reason, NameResolutionError):
        cause = reason.__cause__
        if isinstance(cause, socket.gaierror) and cause.errno == socket.EAI_AGAIN:
            return UnreachableError(f"{where}: dial tcp: lookup {place.hostname}: server misbehaving")
        return UnknownHostError(f"{where}: dial tcp: lookup {place.hostname}: no such host")
    if isinstance(reason, SSLError):
        return RegistryError(f"{where}: tls: {reason}")
    if isinstance(reason, LocationParseError):
        return RegistryError(f"{where}: {reason}")
    # Before the time-outs: urllib3 counts a refused connection among them.
    if isinstance(reason.__cause__, ConnectionRefusedError):
        return UnreachableError(f"{where}: dial tcp {place.netloc}: connect: connection refused")
    if isinstance(reason, ConnectTimeoutError | ReadTimeoutError | TimeoutError):
        return UnreachableError(f"{where}: the registry did not answer in time")
    return UnreachableError(f"{where}: {reason.__cause__ or reason}")

"""The two calls that clients make most, answered by WSGI middleware in front of Flask: `_ping` and a plain inspect.

Flask's own work for a request is several times what these need. Only the usual case is answered here; whatever is
special about a call, failures included, is left to the application's route.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any

from d2k import metrics
from d2k.http import answers

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

PING = "/_ping"
INSPECT = "/containers/<name>/json"

_INSPECT_PATH = re.compile(r"/containers/([a-zA-Z0-9][a-zA-Z0-9_.-]*)/json")
_PING_BODY = b"OK"
_PING_HEADERS = (
    ("Content-Type", answers.TEXT),
    ("Content-Length", str(len(_PING_BODY))),
    ("Cache-Control", "no-cache, no-store, must-revalidate"),
    ("Pragma", "no-cache"),
    ("Builder-Version", "1"),
    ("Swarm", "inactive"),
)


class Shortcuts:
    """Answers GET and HEAD of `/_ping` (Docker API, System), and GET of a container's inspect without a query."""

    def __init__(self, application: WSGIApplication, inspect: Callable[[str], Any]) -> None:
        """`inspect` returns the document of the container that a reference names, or raises."""
        self._application = application
        self._inspect = inspect
        self._pings = {method: metrics.REQUESTS.labels(method, PING, "200") for method in ("GET", "HEAD")}
        self._inspects = metrics.REQUESTS.labels("GET", INSPECT, "200")
        self._inspect_seconds = metrics.REQUEST_SECONDS.labels("GET", INSPECT)

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Answer, or let the application do it."""
        path, method = environ["PATH_INFO"], environ["REQUEST_METHOD"]
        if path == PING and method in self._pings:
            self._pings[method].inc()
            start_response("200 OK", list(_PING_HEADERS))
            return () if method == "HEAD" else (_PING_BODY,)
        match = _INSPECT_PATH.fullmatch(path) if method == "GET" and not environ["QUERY_STRING"] else None
        body = self._details(match[1]) if match else None
        if body is None:
            return self._application(environ, start_response)
        start_response("200 OK", [("Content-Type", answers.JSON), ("Content-Length", str(len(body)))])
        return (body,)

    def _details(self, reference: str) -> bytes | None:
        started = time.monotonic()
        try:
            body = answers.encode(self._inspect(reference))
        except Exception:
            # The application's route meets the same, answers it and logs it.
            return None
        self._inspects.inc()
        self._inspect_seconds.observe(time.monotonic() - started)
        return body

"""`/_ping` (Docker API, System): WSGI middleware in front of Flask.

Every client asks it before anything else, some of them again before each call: it has to cost next to nothing.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from d2k import metrics

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

_PATH = "/_ping"
_BODY = b"OK"
_HEADERS = (
    ("Content-Type", "text/plain; charset=utf-8"),
    ("Content-Length", str(len(_BODY))),
    ("Cache-Control", "no-cache, no-store, must-revalidate"),
    ("Pragma", "no-cache"),
    # The CLI builds with BuildKit, itself, only where this says 2.
    ("Builder-Version", "1"),
    ("Swarm", "inactive"),
)


class Ping:
    """Answers GET and HEAD of `/_ping`; everything else goes to the application."""

    def __init__(self, application: WSGIApplication) -> None:
        self._application = application
        self._counters = {method: metrics.REQUESTS.labels(method, _PATH, "200") for method in ("GET", "HEAD")}

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Answer, or let the application do it."""
        counter = self._counters.get(environ["REQUEST_METHOD"]) if environ["PATH_INFO"] == _PATH else None
        if counter is None:
            return self._application(environ, start_response)
        counter.inc()
        start_response("200 OK", list(_HEADERS))
        return () if environ["REQUEST_METHOD"] == "HEAD" else (_BODY,)

"""The version prefix of a path, and what every answer carries.

Clients call `/v1.45/containers/json` and `/containers/json` alike. The prefix is taken off before Flask sees the path,
so that each route exists once; it goes to `SCRIPT_NAME`, where a redirect finds it again.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from d2k import __version__
from d2k.http import answers
from d2k.versions import MAXIMUM, MINIMUM, dotted

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

ENVIRON = "d2k.api_version"
"""The key of the WSGI environment that holds the request's API version, a tuple such as (1, 51)."""

SERVER = f"Docker/{__version__} (linux)"
HEADERS = (
    ("Api-Version", dotted(MAXIMUM)),
    ("Docker-Experimental", "false"),
    ("Ostype", "linux"),
)
"""What every answer carries besides `Server`; clients read the daemon's version and platform from it."""

# The Engine's routes take any digits and dots for a version and judge them afterwards.
_PREFIX = re.compile(r"/v([0-9.]{1,32})(?=/|$)")


class VersionPrefix:
    """WSGI middleware: takes the version off the path, refuses versions and callers that are not served."""

    def __init__(self, application: WSGIApplication) -> None:
        self._application = application

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Serve the request under its API version, or refuse it with 400 or 403."""
        start = _with_headers(start_response, environ)
        if "HTTP_ORIGIN" in environ:
            # No Docker client sends it: a web page would otherwise steer the cluster through its visitor's browser.
            text = "requests from web pages are not served: the Origin header is not allowed"
            return answers.message(text, 403)(environ, start)
        environ[ENVIRON] = MAXIMUM
        prefix = _PREFIX.match(environ["PATH_INFO"])
        if prefix:
            version = _parse(prefix[1])
            if problem := _refusal(prefix[1], version):
                return answers.message(problem, 400)(environ, start)
            environ[ENVIRON] = version
            environ["SCRIPT_NAME"] = environ.get("SCRIPT_NAME", "") + prefix[0]
            environ["PATH_INFO"] = environ["PATH_INFO"][prefix.end() :]
        return self._application(environ, start)


def common_headers(environ: WSGIEnvironment) -> list[tuple[str, str]]:
    """Return the headers of every answer; without `Server` under gunicorn, which writes its own (see `d2k.server`)."""
    return [*HEADERS] if "gunicorn.socket" in environ else [*HEADERS, ("Server", SERVER)]


def _with_headers(start_response: StartResponse, environ: WSGIEnvironment) -> StartResponse:
    def start(status: str, headers: list[tuple[str, str]], exc_info: Any = None) -> Any:
        return start_response(status, [*headers, *common_headers(environ)], exc_info)

    return start


def _parse(text: str) -> tuple[int, ...]:
    return tuple(int(part or 0) for part in text.split("."))


def _refusal(text: str, version: tuple[int, ...]) -> str:
    if version < MINIMUM:
        return (
            f"client version {text} is too old. Minimum supported API version is {dotted(MINIMUM)}, "
            "please upgrade your client to a newer version"
        )
    if version > MAXIMUM:
        return f"client version {text} is too new. Maximum supported API version is {dotted(MAXIMUM)}"
    return ""

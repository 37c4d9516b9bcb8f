"""Bare requests to a daemon, for what no client lets a test see."""

from __future__ import annotations

import json
import re
import urllib.parse
from typing import Any

import requests
from docker.transport import UnixHTTPAdapter

TIMEOUT = 90.0


class Api:
    """Requests to one daemon; paths are as the Docker API writes them."""

    def __init__(self, host: str):
        """`host` is its DOCKER_HOST: a tcp:// or a unix:// address."""
        self._session = requests.Session()
        # A kept connection that the daemon closes meanwhile would fail a request that has nothing to do with it.
        self._session.headers["Connection"] = "close"
        self._url = host.replace("tcp://", "http://", 1)
        if host.startswith("unix://"):
            self._url = "http+docker://localhost"
            self._session.mount("http+docker://", UnixHTTPAdapter(host.replace("unix://", "http+unix://", 1), TIMEOUT))

    def __call__(
        self, method: str, path: str, body: Any = None, *, version: str = "v1.51", **query: Any
    ) -> requests.Response:
        """Make one request; `version` is the path's prefix, empty for none. `body` is sent as JSON."""
        prefix = f"/{version}" if version else ""
        given = {key: value for key, value in query.items() if value is not None}
        return self._session.request(method, f"{self._url}{prefix}{path}", json=body, params=given, timeout=TIMEOUT)

    def raw(self, method: str, target: str, **options: Any) -> requests.Response:
        """Make one request to a path that is sent as it is."""
        return self._session.request(method, self._url + target, timeout=TIMEOUT, **options)

    def kubernetes_requests(self) -> dict[str, int]:
        """Return how many requests d2k has made to Kubernetes, by verb, resource and status; watches are left out."""
        text = self._session.get(f"{self._url}/metrics", timeout=TIMEOUT).text
        found = re.findall(r"^d2k_kubernetes_requests_total\{(.*)\} (\S+)$", text, re.MULTILINE)
        return {labels: int(float(value)) for labels, value in found if 'verb="WATCH"' not in labels}


def filters(**given: list[str]) -> str:
    """Return a filters parameter as the CLI encodes it."""
    return json.dumps({key: dict.fromkeys(values, True) for key, values in given.items()})


def quote(text: str) -> str:
    """Return a text as a part of a path."""
    return urllib.parse.quote(text, safe="")

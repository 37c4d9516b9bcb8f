"""List and watch of one kind, for as long as the process lives."""

from __future__ import annotations

import logging
import random
import time
from collections.abc import Callable, Iterator
from typing import Any

import gevent
import orjson
import urllib3

from d2k.cluster.client import KubeClient
from d2k.cluster.errors import KubeError, KubeGoneError, KubeUnavailableError, from_status
from d2k.cluster.resources import Resource
from d2k.cluster.store import Store
from d2k.metrics import RELISTS

Object = dict[str, Any]

log = logging.getLogger(__name__)

WATCH_SECONDS = 300
# A watch that the server should have ended by now is a dead connection.
READ_SLACK = 15
FIRST_BACKOFF, LAST_BACKOFF = 0.2, 15.0
# A watch that ends sooner was cut off by something: to begin again at once, and again, would be a storm.
SHORTEST_WATCH = 1.0


class Reflector:
    """Keeps a Store equal to what the API server holds, and tells of each change."""

    def __init__(
        self,
        client: KubeClient,
        resource: Resource,
        selector: str,
        store: Store,
        on_change: Callable[[Resource, str, Object], None],
    ):
        """`on_change` gets the resource, ADDED, MODIFIED or DELETED, and the object, after the store has it."""
        self.resource = resource
        self.synced = gevent.event.Event()
        self._client = client
        self._selector = selector
        self._store = store
        self._on_change = on_change

    def run(self) -> None:
        """Follow for ever; backs off after a failure, lists again when the history is gone."""
        version = ""
        backoff = FIRST_BACKOFF
        while True:
            try:
                if not version:
                    version = self._list()
                for seen in self._watch(version):
                    version, backoff = seen, FIRST_BACKOFF
            except KubeGoneError:
                log.info("history of %s is gone, listing again", self.resource.plural)
                version = ""
            except (KubeError, urllib3.exceptions.HTTPError, OSError) as error:
                log.warning("watch of %s: %s; trying again in %.1f s", self.resource.plural, error, backoff)
                gevent.sleep(backoff * random.uniform(0.5, 1))  # noqa: S311 - jitter
                backoff = min(backoff * 2, LAST_BACKOFF)
            except Exception:
                log.exception("watch of %s failed, listing again", self.resource.plural)
                gevent.sleep(LAST_BACKOFF)
                version = ""

    def _list(self) -> str:
        RELISTS.labels(self.resource.plural).inc()
        listing = self._client.list_all(self.resource, self._selector)
        known = {obj["metadata"]["uid"] for obj in self._store.all()}
        uids = {obj["metadata"]["uid"] for obj in listing["items"]}
        for obj in self._store.replace(listing["items"], int(listing["metadata"]["resourceVersion"])):
            uid = obj["metadata"]["uid"]
            self._on_change(
                self.resource, "DELETED" if uid not in uids else "MODIFIED" if uid in known else "ADDED", obj
            )
        self.synced.set()
        return str(listing["metadata"]["resourceVersion"])

    def _watch(self, version: str) -> Iterator[str]:
        seconds = int(WATCH_SECONDS * random.uniform(0.8, 1.2))  # noqa: S311 - jitter
        query = {
            "watch": True,
            "allowWatchBookmarks": True,
            "labelSelector": self._selector,
            "resourceVersion": version,
            "timeoutSeconds": seconds,
        }
        began = time.monotonic()
        response = self._client.open(self.resource, query=query, read_timeout=seconds + READ_SLACK)
        try:
            for line in _lines(response):
                event = orjson.loads(line)
                if event["type"] == "ERROR":
                    raise from_status(event["object"].get("code", 500), event["object"])
                yield self._take(event["type"], event["object"])
        finally:
            response.close()
        if time.monotonic() - began < SHORTEST_WATCH:
            raise KubeUnavailableError(503, "WatchEnded", "the API server ended the watch at once")

    def _take(self, kind: str, obj: Object) -> str:
        if kind == "DELETED":
            # Also what d2k buried itself: whoever waits for the end still has to hear of it.
            self._store.remove(obj)
            self._on_change(self.resource, kind, obj)
        elif kind != "BOOKMARK" and self._store.put(obj):
            self._on_change(self.resource, kind, obj)
        return str(obj["metadata"]["resourceVersion"])


def _lines(response: urllib3.BaseHTTPResponse) -> Iterator[bytes]:
    rest = b""
    for chunk in response.stream(65536):
        *lines, rest = (rest + chunk).split(b"\n")
        yield from filter(None, lines)

"""What is known of execs: a ConfigMap each, so that any d2k can start and inspect what another one created."""

from __future__ import annotations

import logging
import re
from collections.abc import Callable
from typing import Any

import gevent
import orjson

from d2k.cluster.cache import ClusterCache
from d2k.cluster.client import KubeClient
from d2k.cluster.errors import KubeError, KubeNotFoundError
from d2k.cluster.resources import CONFIG_MAPS
from d2k.errors import NotFound
from d2k.translate.labels import CONTAINER, KIND, owned
from d2k.translate.record import Container
from d2k.translate.times import SECOND, parse_rfc3339

Object = dict[str, Any]

_KEY = "exec.json"
_NEEDED = {"ID", "ContainerID", "Config", "Created", "Started", "Finished"}
_ID = re.compile(r"[0-9a-f]{64}")

# How long the record of an exec is kept after its end, without ever being started, and how often that is looked at
# (in the cache, so that it costs nothing when nothing is due).
FINISHED_NS = 10 * 60 * SECOND
UNUSED_NS = 60 * 60 * SECOND
SWEEP_SECONDS = 60.0

log = logging.getLogger(__name__)


class ExecRecords:
    """Stores execs in the cluster."""

    def __init__(self, client: KubeClient, cache: ClusterCache):
        self._client = client
        self._cache = cache

    def create(self, container: Container, stored: Object) -> None:
        """Store a new exec; it goes with its container."""
        body = {
            "apiVersion": CONFIG_MAPS.api_version,
            "kind": CONFIG_MAPS.kind,
            "metadata": {
                "name": _name(stored["ID"]),
                "labels": {**owned("exec"), CONTAINER: container.key},
                "ownerReferences": [container.owner_reference],
            },
            "data": {_KEY: orjson.dumps(stored).decode()},
        }
        self._cache.create(CONFIG_MAPS, body)

    def get(self, identifier: str) -> Object:
        """Return a stored exec, from the cache or, if another d2k has just made it, from the cluster.

        Raises NotFound ("No such exec instance: …").
        """
        missing = NotFound(f"No such exec instance: {identifier}")
        if _ID.fullmatch(identifier) is None:
            raise missing
        found = self._cache[CONFIG_MAPS].get(_name(identifier))
        if found is None:
            try:
                found = self._client.get(CONFIG_MAPS, _name(identifier))
            except KubeNotFoundError:
                raise missing from None
        stored = _read(found)
        if stored is None or stored["ID"] != identifier:
            raise missing
        return stored

    def update(self, stored: Object) -> None:
        """Replace what is stored of an exec. Raises KubeError."""
        self._cache.patch(CONFIG_MAPS, _name(stored["ID"]), {"data": {_KEY: orjson.dumps(stored).decode()}})

    def sweep_forever(self, is_alive: Callable[[Object], bool], now_ns: Callable[[], int]) -> None:
        """Delete records that nobody needs any more, in a greenlet of its own.

        `is_alive` says whether an exec that was started may still run.
        """

        def sweep() -> None:
            while True:
                gevent.sleep(SWEEP_SECONDS)
                for found in self._cache[CONFIG_MAPS].all():
                    if (found["metadata"].get("labels") or {}).get(KIND) == "exec":
                        self._sweep_one(found, is_alive, now_ns())

        gevent.spawn(sweep)

    def _sweep_one(self, found: Object, is_alive: Callable[[Object], bool], now: int) -> None:
        stored = _read(found)
        if stored is not None and not is_due(stored, now):
            running = stored["Started"] and not stored["Finished"]
            if not running or is_alive(stored):
                return
        try:
            self._cache.discard(CONFIG_MAPS, found)
        except KubeError as error:
            log.warning("an old exec cannot be deleted: %s", error)


def is_due(stored: Object, now: int) -> bool:
    """Say whether the record of an exec that ended, or was never started, is old enough to go."""
    if stored["Finished"]:
        return now - parse_rfc3339(stored["Finished"]) > FINISHED_NS
    return not stored["Started"] and now - parse_rfc3339(stored["Created"]) > UNUSED_NS


def _name(identifier: str) -> str:
    return f"d2k-exec-{identifier[:20]}"


def _read(found: Object) -> Object | None:
    try:
        stored = orjson.loads(found["data"][_KEY])
    except (KeyError, TypeError, orjson.JSONDecodeError):
        return None
    # Anybody may write a ConfigMap with these labels.
    return stored if isinstance(stored, dict) and stored.keys() >= _NEEDED else None

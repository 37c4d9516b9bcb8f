"""The logs of Pods that are gone: kept in a ConfigMap per container, the oldest lines dropped when it is full.

The reflectors leave these ConfigMaps out; one is read when somebody asks for the log.
"""

from __future__ import annotations

import base64
import gzip
import logging
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import gevent
import orjson

from d2k.cluster.client import KubeClient
from d2k.cluster.errors import KubeConflictError, KubeError, KubeNotFoundError
from d2k.cluster.logs import LogStream
from d2k.cluster.resources import CONFIG_MAPS
from d2k.translate.labels import CONTAINER, owned
from d2k.translate.loglines import Line, Tail, parse
from d2k.translate.record import Container, main_status

Object = dict[str, Any]

# A ConfigMap holds 1 MiB; base64 is undone before it is counted.
COMPRESSED_LIMIT = 700 * 1024
# What is read of one Pod's log at most: enough to fill the ConfigMap with text that compresses well.
RAW_LIMIT = 8 * 1024 * 1024
_ATTEMPTS = 5
_INDEX = "log.json"

log = logging.getLogger(__name__)


class _EnoughError(Exception):
    """Whoever waits for a followed log takes what is there."""


class SavedRun:
    """The saved log of one run; `identity` is the Pod's uid and how often its container had been restarted."""

    def __init__(self, identity: str, packed: bytes):
        self.identity = identity
        self.packed = packed

    def lines(self) -> Iterator[Line]:
        """Yield the run's lines."""
        if self.packed:
            for text in gzip.decompress(self.packed).splitlines(keepends=True):
                yield parse(text)


class SavedLogs:
    """Reads and writes the saved logs of containers."""

    def __init__(self, client: KubeClient):
        self._client = client
        # Logs that are being followed to their end, by container.
        self._following: dict[str, gevent.Greenlet] = {}
        self._reading: set[str] = set()

    def runs(self, container: Container) -> list[SavedRun]:
        """Return the saved runs of a container, the oldest first; one call to the API server."""
        try:
            return _unpack(self._client.get(CONFIG_MAPS, _name(container)))
        except KubeNotFoundError:
            return []

    def save(self, container: Container, pod: Object) -> None:
        """Append the log of this Pod's main container, before the Pod goes; again for the same run changes nothing.

        A log that cannot be read is not a reason to keep a Pod: it is noted in d2k's own log. Raises KubeError when
        the ConfigMap cannot be written.
        """
        self._save(container, SavedRun(identity(pod), b""), pod, previous=False)

    def save_previous(self, container: Container, pod: Object, restarts: int) -> None:
        """Append the log of the run before the Pod's last restart in place: of such runs Kubernetes keeps only one."""
        self._save(container, SavedRun(run_identity(pod["metadata"]["uid"], restarts - 1), b""), pod, previous=True)

    def _save(self, container: Container, run: SavedRun, pod: Object, *, previous: bool) -> None:
        lines = self._read(pod, previous=previous)
        # The node may no longer have the one before: a process that fails at once is faster than its housekeeping.
        if lines is None or (previous and not lines):
            return
        run.packed = gevent.get_hub().threadpool.apply(_pack, (lines,))
        self._append_patiently(container, run)

    def _append_patiently(self, container: Container, run: SavedRun) -> None:
        for attempt in range(_ATTEMPTS):
            try:
                self._append(container, run)
            except KubeConflictError:
                if attempt == _ATTEMPTS - 1:
                    raise
            else:
                return

    def save_until_end(self, container: Container, pod: Object) -> None:
        """Follow the log of a Pod that is about to be deleted to its end in the background, then append it.

        The connection stands when this returns: what the process says while it is being stopped is not lost.
        """
        if container.key in self._following:
            return
        try:
            stream = LogStream(self._client, pod["metadata"]["name"], follow=True)
        except KubeError as error:
            log.warning("the log of the Pod %s cannot be saved: %s", pod["metadata"]["name"], error)
            return
        self._following[container.key] = gevent.spawn(self._follow, container, pod, stream)

    def settle(self, container: Container, timeout: float) -> None:
        """See to it that a log that `save_until_end` follows is kept, however far it came in `timeout` seconds."""
        follower = self._following.get(container.key)
        if follower is not None:
            follower.join(timeout)
            if container.key in self._reading:
                # Not at its end: the Pod is gone from the API while the node still ends its process.
                follower.kill(_EnoughError, block=False)
            follower.join()

    def _follow(self, container: Container, pod: Object, stream: LogStream) -> None:
        tail = Tail(RAW_LIMIT)
        try:
            self._reading.add(container.key)
            with suppress(_EnoughError), stream:
                for line in stream:
                    tail.add(line)
            self._reading.discard(container.key)
            run = SavedRun(identity(pod), gevent.get_hub().threadpool.apply(_pack, (_texts(tail),)))
            self._append_patiently(container, run)
        except KubeError as error:
            log.warning("the log of the Pod %s was not saved: %s", pod["metadata"]["name"], error)
        finally:
            self._reading.discard(container.key)
            del self._following[container.key]

    def _read(self, pod: Object, *, previous: bool) -> list[bytes] | None:
        tail = Tail(RAW_LIMIT)
        try:
            with LogStream(self._client, pod["metadata"]["name"], previous=previous) as stream:
                for line in stream:
                    tail.add(line)
        except KubeError as error:
            log.warning("the log of the Pod %s cannot be saved: %s", pod["metadata"]["name"], error)
            return None
        return _texts(tail)

    def _append(self, container: Container, run: SavedRun) -> None:
        try:
            stored = self._client.get(CONFIG_MAPS, _name(container))
        except KubeNotFoundError:
            self._client.create(CONFIG_MAPS, _document(container, [run]))
            return
        runs = _unpack(stored)
        if any(known.identity == run.identity for known in runs):
            return
        document = _document(container, _bounded([*runs, run]))
        document["metadata"]["resourceVersion"] = stored["metadata"]["resourceVersion"]
        self._client.replace(CONFIG_MAPS, _name(container), document)


def identity(pod: Object) -> str:
    """Return what tells one run of a Pod's main container from all others."""
    return run_identity(pod["metadata"]["uid"], (main_status(pod) or {}).get("restartCount") or 0)


def run_identity(uid: str, restarts: int) -> str:
    """Return the identity of the run that the main container of the Pod `uid` does after so many restarts."""
    return f"{uid}/{restarts}"


def _texts(tail: Tail) -> list[bytes]:
    return [line.stamp + b" " + line.text if line.first and line.stamp else line.text for line in tail]


def _name(container: Container) -> str:
    return f"d2k-log-{container.id[:20]}"


def _pack(lines: list[bytes]) -> bytes:
    """Compress the lines; as many of the first ones are left out as it takes to fit."""
    while True:
        packed = gzip.compress(b"".join(lines), compresslevel=5, mtime=0)
        if len(packed) <= COMPRESSED_LIMIT:
            return packed
        drop = max(1, len(lines) - int(len(lines) * COMPRESSED_LIMIT / len(packed) * 0.9))
        lines = lines[drop:]


def _bounded(runs: list[SavedRun]) -> list[SavedRun]:
    """Return the newest runs that fit; the identities of the others stay, so that they are not saved again."""
    size, kept = 0, []
    for run in reversed(runs):
        size += len(run.packed) + len(run.identity)
        kept.append(run if size <= COMPRESSED_LIMIT else SavedRun(run.identity, b""))
    return kept[::-1]


def _document(container: Container, runs: list[SavedRun]) -> Object:
    packed = {f"{number:06d}.gz": run.packed for number, run in enumerate(runs) if run.packed}
    return {
        "apiVersion": CONFIG_MAPS.api_version,
        "kind": CONFIG_MAPS.kind,
        "metadata": {
            "name": _name(container),
            "labels": {**owned("log"), CONTAINER: container.key},
            "ownerReferences": [container.owner_reference],
        },
        "data": {_INDEX: orjson.dumps({"Runs": [run.identity for run in runs]}).decode()},
        "binaryData": {key: base64.b64encode(value).decode() for key, value in packed.items()},
    }


def _unpack(stored: Object) -> list[SavedRun]:
    identities = orjson.loads(stored["data"][_INDEX])["Runs"]
    packed = stored.get("binaryData") or {}
    return [
        SavedRun(name, base64.b64decode(packed.get(f"{number:06d}.gz", ""))) for number, name in enumerate(identities)
    ]

"""The namespace as d2k knows it: fed by watches, read without a call to the API server."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

import gevent
import gevent.event

from d2k.cluster.client import KubeClient
from d2k.cluster.errors import KubeConflictError, KubeNotFoundError
from d2k.cluster.reflector import Reflector
from d2k.cluster.resources import CLAIMS, CONFIG_MAPS, DEPLOYMENTS, ENDPOINT_SLICES, PODS, SERVICES, Resource
from d2k.cluster.store import Store, container_key
from d2k.translate.labels import KIND, SELECTOR, is_owned
from d2k.translate.soundness import unreadable

log = logging.getLogger(__name__)

Object = dict[str, Any]
Listener = Callable[[Resource, str, Object], None]

# Saved logs are big and only read when somebody asks for one.
SELECTORS = {
    DEPLOYMENTS: SELECTOR,
    PODS: SELECTOR,
    SERVICES: SELECTOR,
    CLAIMS: SELECTOR,
    CONFIG_MAPS: f"{SELECTOR},{KIND}!=log",
    ENDPOINT_SLICES: SELECTOR,
}


class Changes:
    """Wakes its holder whenever an object of one container (or any object) changes."""

    def __init__(self) -> None:
        self._event = gevent.event.Event()

    def wake(self) -> None:
        """Note that something changed."""
        self._event.set()

    def wait(self, timeout: float | None = None) -> bool:
        """Wait for a change since the last call; False when `timeout` seconds passed without one.

        Look at the state between two calls: several changes may come as one.
        """
        changed = self._event.wait(timeout)
        self._event.clear()
        return bool(changed)


class ClusterCache:
    """A Store per kind with its Reflector, and the means to wait for changes."""

    def __init__(self, client: KubeClient):
        self._client = client
        self._stores = {resource: Store(partial(unreadable, resource.kind)) for resource in SELECTORS}
        self._listeners: list[Listener] = []
        self._waiters: dict[str, set[Changes]] = {}
        self.reflectors = [
            Reflector(client, resource, selector, self._stores[resource], self._changed)
            for resource, selector in SELECTORS.items()
        ]

    @property
    def namespace(self) -> str:
        """The namespace that everything lives in."""
        return self._client.namespace

    def start(self) -> None:
        """Begin to follow every kind, each in a greenlet of its own."""
        for reflector in self.reflectors:
            gevent.spawn(reflector.run)

    def wait_synced(self, timeout: float) -> bool:
        """Wait until every kind was listed once; False after `timeout` seconds."""
        deadline = time.monotonic() + timeout
        return all(reflector.synced.wait(max(0.0, deadline - time.monotonic())) for reflector in self.reflectors)

    @property
    def synced(self) -> bool:
        """Whether every kind was listed at least once."""
        return all(reflector.synced.is_set() for reflector in self.reflectors)

    def __getitem__(self, resource: Resource) -> Store:
        """Return the Store of a kind."""
        return self._stores[resource]

    def listen(self, listener: Listener) -> None:
        """Call `listener(resource, ADDED | MODIFIED | DELETED, object)` on every change; it must not block."""
        self._listeners.append(listener)

    @contextmanager
    def changes(self, key: str = "") -> Iterator[Changes]:
        """Give a Changes that wakes for the container with this label value, or for every object if empty."""
        changes = Changes()
        self._waiters.setdefault(key, set()).add(changes)
        try:
            yield changes
        finally:
            waiting = self._waiters[key]
            waiting.discard(changes)
            if not waiting:
                del self._waiters[key]

    def read(self, resource: Resource, name: str) -> Object | None:
        """Return an object as the API server has it now, when the watch may be behind; None when it has none.

        One that is none of d2k's is returned, but not kept.
        """
        try:
            found = self._client.get(resource, name)
        except KubeNotFoundError:
            return None
        return self._keep(resource, "MODIFIED", found) if is_owned(found) else found

    def refresh(self, resource: Resource) -> None:
        """Read every object of a kind as the API server has it now, when the watch may be behind."""
        for found in self._client.list_all(resource, SELECTORS[resource])["items"]:
            self._keep(resource, "MODIFIED", found)

    # -- writes: the answer goes into the cache, so that the next read sees it -----------------------------------

    def create(self, resource: Resource, body: Object) -> Object:
        """Create an object; the cache has it when this returns."""
        return self._keep(resource, "ADDED", self._client.create(resource, body))

    def patch(self, resource: Resource, name: str, patch: Any, subresource: str = "") -> Object:
        """Patch an object; the cache has the result when this returns."""
        return self._keep(resource, "MODIFIED", self._client.patch(resource, name, patch, subresource))

    def replace(self, resource: Resource, name: str, body: Object) -> Object:
        """Replace an object; the cache has the result when this returns."""
        return self._keep(resource, "MODIFIED", self._client.replace(resource, name, body))

    def delete(
        self, resource: Resource, obj: Object, *, grace_seconds: int | None = None, propagation: str = "Background"
    ) -> None:
        """Delete exactly this object (by name and uid); the cache forgets it once the API server has removed it."""
        meta = obj["metadata"]
        answer = self._client.delete(
            resource, meta["name"], grace_seconds=grace_seconds, propagation=propagation, uid=meta["uid"]
        )
        if answer.get("kind") == resource.kind and answer["metadata"].get("deletionTimestamp"):
            self._keep(resource, "MODIFIED", answer)
        elif self._stores[resource].bury(obj):
            self._changed(resource, "DELETED", obj)

    def discard(self, resource: Resource, obj: Object) -> None:
        """Delete exactly this object; that it is gone already, or another one has its name, is no error."""
        try:
            self.delete(resource, obj)
        except (KubeNotFoundError, KubeConflictError):
            log.debug("%s %s went before it was deleted", resource.kind, obj["metadata"]["name"])

    def _keep(self, resource: Resource, change: str, obj: Object) -> Object:
        if self._stores[resource].put(obj):
            self._changed(resource, change, obj)
        return obj

    def _changed(self, resource: Resource, change: str, obj: Object) -> None:
        for listener in self._listeners:
            listener(resource, change, obj)
        for key in {container_key(obj), ""}:
            for changes in self._waiters.get(key, ()):
                changes.wake()

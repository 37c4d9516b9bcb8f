"""One kind's objects as the watch last told, by name and by the container that they belong to."""

from __future__ import annotations

import logging
import math
from collections.abc import Callable, Iterable
from typing import Any

from d2k.translate.labels import CONTAINER

Object = dict[str, Any]

log = logging.getLogger(__name__)


def container_key(obj: Object) -> str:
    """Return the value of the label that ties an object to its container, or the empty string."""
    labels = obj["metadata"].get("labels") or {}
    return str(labels.get(CONTAINER, ""))


# How many deleted objects are remembered: more than can be deleted while an answer is on its way.
MOST_DEAD = 4096


class Store:
    """Objects of one kind, never older than what was put in before."""

    def __init__(self, unreadable: Callable[[Object], str] = lambda _: "") -> None:
        """`unreadable` says why an object is left out; it returns the empty string for one that is taken in."""
        self._unreadable = unreadable
        self._told: set[str] = set()
        self._by_name: dict[str, Object] = {}
        self._by_container: dict[str, dict[str, Object]] = {}
        # uid → version at which the object went, the oldest first: neither a watch event nor an answer to a write from
        # before may bring it back. What only lost its label may come back with a newer version.
        self._dead: dict[str, float] = {}
        # The version of the last full list: what is not newer and not in it is gone.
        self._listed = -1

    def __len__(self) -> int:
        return len(self._by_name)

    def get(self, name: str) -> Object | None:
        """Return the object of that name."""
        return self._by_name.get(name)

    def all(self) -> list[Object]:
        """Return every object."""
        return list(self._by_name.values())

    def of_container(self, key: str) -> list[Object]:
        """Return the objects that carry this container's label."""
        return list(self._by_container.get(key, {}).values())

    def put(self, obj: Object) -> bool:
        """Take an object in unless a newer version is here; say whether anything changed."""
        meta = obj["metadata"]
        meta.pop("managedFields", None)
        if _version(obj) <= max(self._dead.get(meta["uid"], -1), self._listed):
            return False
        problem = self._unreadable(obj)
        if problem:
            self._tell(meta["uid"], problem)
            return self._drop(obj, _version(obj))
        known = self._by_name.get(meta["name"])
        if known is not None:
            # Versions of one kind count up across objects: what has the name now may be newer than this one.
            if _version(known) >= _version(obj):
                return False
            if known["metadata"]["uid"] != meta["uid"]:
                self._remember_dead(known, math.inf)
            self._forget(known)
        self._by_name[meta["name"]] = obj
        key = container_key(obj)
        if key:
            self._by_container.setdefault(key, {})[meta["name"]] = obj
        return True

    def remove(self, obj: Object) -> bool:
        """Drop an object that the watch reports as deleted; say whether it was here."""
        return self._drop(obj, _version(obj))

    def bury(self, obj: Object) -> bool:
        """Drop an object that the API server has removed on d2k's own call, before the watch says so."""
        return self._drop(obj, math.inf)

    def replace(self, objects: Iterable[Object], version: int | None = None) -> list[Object]:
        """Take a full list in; return every object that is new, changed or gone.

        `version` is the list's own resource version: what was put in since is not in the list, and stays.
        """
        listed = list(objects)
        uids = {obj["metadata"]["uid"] for obj in listed}
        gone = [
            obj
            for obj in self.all()
            if obj["metadata"]["uid"] not in uids and (version is None or _version(obj) <= version)
        ]
        for obj in gone:
            if version is not None:
                self._remember_dead(obj, version)
            self._forget(obj)
        news = gone + [obj for obj in listed if self.put(obj)]
        self._listed = max(self._listed, -1 if version is None else version)
        return news

    def _tell(self, uid: str, problem: str) -> None:
        if uid not in self._told:
            self._told.add(uid)
            log.warning("%s: it is left alone and shown nowhere", problem)

    def _drop(self, obj: Object, version: float) -> bool:
        meta = obj["metadata"]
        self._remember_dead(obj, version)
        known = self._by_name.get(meta["name"])
        if known is None or known["metadata"]["uid"] != meta["uid"]:
            return False
        self._forget(known)
        return True

    def _remember_dead(self, obj: Object, version: float) -> None:
        uid = obj["metadata"]["uid"]
        self._dead[uid] = max(version, self._dead.get(uid, 0))
        if len(self._dead) > MOST_DEAD:
            del self._dead[next(iter(self._dead))]

    def _forget(self, obj: Object) -> None:
        name = obj["metadata"]["name"]
        self._by_name.pop(name, None)
        key = container_key(obj)
        siblings = self._by_container.get(key)
        if siblings is not None:
            siblings.pop(name, None)
            if not siblings:
                del self._by_container[key]


def _version(obj: Object) -> int:
    # Comparable as numbers since Kubernetes 1.35 says so (KEP-5504), and in practice long before.
    return int(obj["metadata"].get("resourceVersion") or 0)

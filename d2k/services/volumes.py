"""Volumes: what Docker's verbs mean for claims."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from d2k.cluster.cache import ClusterCache
from d2k.cluster.errors import KubeAlreadyExistsError, KubeError
from d2k.cluster.resources import CLAIMS
from d2k.config import Config
from d2k.errors import Conflict, NotFound, NotSupported, SystemFailure, Unavailable
from d2k.services.clock import now_ns
from d2k.services.lookup import ContainerLookup
from d2k.translate import filters as docker_filters
from d2k.translate import volumes
from d2k.translate.ids import new_id
from d2k.translate.labels import KIND, is_owned
from d2k.translate.times import SECOND, rfc3339
from d2k.translate.volumes import Volume

Object = dict[str, Any]

log = logging.getLogger(__name__)

# How long a create waits, in seconds, for a claim of the same name to be gone: a Pod that ends may still hold it.
END_TIMEOUT = 60.0
# After so many seconds without any change the API server is asked: the watch may have told of the end too early.
WATCH_DELAY = 5.0


@dataclass(frozen=True)
class VolumeRecord:
    """What a container needs of a volume: Docker's name and the claim's."""

    name: str
    claim: str


class Volumes:
    """Docker's volumes in the namespace, each a PersistentVolumeClaim."""

    def __init__(
        self,
        cache: ClusterCache,
        lookup: ContainerLookup,
        config: Config,
        now: Callable[[], int] = now_ns,
    ):
        """`now` gives nanoseconds since 1970."""
        self._cache = cache
        self._lookup = lookup
        self._default_size = config.volume_size
        self._now = now

    # -- for containers -----------------------------------------------------------------------------------------

    def ensure(
        self,
        name: str | None,
        labels: Mapping[str, str] | None = None,
        options: Mapping[str, str] | None = None,
        driver: str = "",
    ) -> VolumeRecord:
        """Return the volume of this name, made if it is missing; without a name a new anonymous one.

        An existing volume is returned as it is, whatever labels and options say, as in the engine. Never waits for
        the claim to be bound: many storage classes bind only when a Pod comes. Raises InvalidParameter and NotFound
        with the engine's texts, and KubeError when the cluster refuses the claim.
        """
        found = self._ensure(name or "", labels, options, driver)
        return VolumeRecord(found.name, found.claim)

    def get(self, name: str) -> Volume:
        """Return the volume of this name. Raises NotFound with the engine's text."""
        for candidate in self.all():
            if candidate.name == name:
                return candidate
        raise NotFound(f"get {name}: no such volume")

    def all(self) -> list[Volume]:
        """Return every volume, ordered by name; one that is being removed is gone already."""
        return sorted(map(volumes.volume, self._claims()), key=lambda found: found.name)

    def remove_anonymous(self, names: Iterable[str]) -> None:
        """Remove those of these volumes that have no name of the user's and that no container mounts any more.

        For `rm -v` and `--rm`, after the container is gone; what cannot be removed is logged, as the engine does.
        """
        wanted = set(names)
        used = self.users()
        for candidate in self.all():
            if candidate.name in wanted and candidate.anonymous and candidate.name not in used:
                self._try_delete(candidate)

    def users(self) -> dict[str, list[str]]:
        """Return, for each volume that a container mounts, the ids of those containers, running or not."""
        used: dict[str, list[str]] = {}
        for container in self._lookup.all():
            names = {mount["Name"] for mount in container.mounts if mount.get("Type") == "volume"}
            for name in names:
                used.setdefault(name, []).append(container.id)
        return used

    # -- Docker's verbs -----------------------------------------------------------------------------------------

    def list_all(self, filters: docker_filters.Filters) -> list[Object]:
        """Return Docker's Volumes that the filters let through. Raises InvalidParameter for a bad filter."""
        docker_filters.check(filters, volumes.LIST_FILTERS)
        if "dangling" in filters:
            docker_filters.boolean_value(filters, "dangling")
        used = self.users() if "dangling" in filters else {}
        return [volumes.document(found) for found in self.all() if volumes.listed(found, filters, used)]

    def inspect(self, name: str) -> Object:
        """Return Docker's Volume. Raises NotFound."""
        return volumes.document(self.get(name))

    def create(self, request: Mapping[str, Any]) -> Object:
        """Do `POST /volumes/create` and return Docker's Volume, the existing one if there is one of that name."""
        if request.get("ClusterVolumeSpec"):
            raise NotSupported("cluster volumes need swarm's CSI plugins: leave out ClusterVolumeSpec and use a volume")
        made = self._ensure(request["Name"], request.get("Labels"), request.get("DriverOpts"), request["Driver"])
        return volumes.document(made)

    def remove(self, name: str, *, force: bool = False) -> None:
        """Remove a volume and its data; with `force` a missing one is no error.

        Raises NotFound, and Conflict when a container mounts it, running or not and with `force` too.
        """
        try:
            found = self.get(name)
        except NotFound:
            if force:
                return
            raise
        users = self.users().get(name)
        if users:
            raise Conflict(f"remove {name}: volume is in use - [{', '.join(users)}]")
        self._delete(found)

    def prune(self, filters: docker_filters.Filters, api_version: tuple[int, ...]) -> Object:
        """Remove the unused volumes and report them.

        SpaceReclaimed is the capacity of the removed claims, in bytes: what the storage and the namespace's quota get
        back. How much of it was written, nobody in the cluster's API knows. Raises InvalidParameter for a bad filter.
        """
        docker_filters.check(filters, volumes.PRUNE_FILTERS)
        named = volumes.prune_named(filters, api_version)
        used = self.users()
        deleted = [
            found
            for found in self.all()
            if found.name not in used and volumes.prunable(found, filters, named=named) and self._try_delete(found)
        ]
        return {
            "VolumesDeleted": [found.name for found in deleted],
            "SpaceReclaimed": sum(found.capacity for found in deleted),
        }

    # -- claims -------------------------------------------------------------------------------------------------

    def _claims(self) -> list[Object]:
        return [
            stored
            for stored in self._cache[CLAIMS].all()
            if _is_ours(stored) and not stored["metadata"].get("deletionTimestamp")
        ]

    def _ensure(
        self, name: str, labels: Mapping[str, str] | None, options: Mapping[str, str] | None, driver: str
    ) -> Volume:
        if not name:
            name, labels = new_id(), {**(labels or {}), volumes.ANONYMOUS: ""}
        volumes.check_name(name)
        volumes.check_driver(name, driver)
        try:
            return self.get(name)
        except NotFound:
            size = volumes.storage(name, options or {}, self._default_size)
        created = rfc3339(self._now() // SECOND * SECOND)
        deadline = time.monotonic() + END_TIMEOUT
        for claim_name in volumes.claim_names(name):
            body = volumes.claim(claim_name, name, labels, options, size, created)
            made = self._create(body, name, deadline)
            if made is not None:
                return made
        raise SystemFailure(f"create {name}: other claims hold every name that the volume's claim could have")

    def _create(self, body: Object, name: str, deadline: float) -> Volume | None:
        """Create the claim, or return the volume that another create made; None when the claim is somebody else's."""
        while True:
            try:
                return volumes.volume(self._cache.create(CLAIMS, body))
            except KubeAlreadyExistsError:
                log.debug("the claim %s exists", body["metadata"]["name"])
            stored = self._cache.read(CLAIMS, body["metadata"]["name"])
            if stored is None:
                continue
            if not _is_ours(stored) or volumes.docker_name(stored) != name:
                return None
            if not stored["metadata"].get("deletionTimestamp"):
                return volumes.volume(stored)
            self._wait_for_end(stored, name, deadline)

    def _wait_for_end(self, stored: Object, name: str, deadline: float) -> None:
        """Wait until the cache has seen the claim go; raises Unavailable at the deadline."""
        claim, uid = stored["metadata"]["name"], stored["metadata"]["uid"]
        with self._cache.changes() as changes:
            while True:
                known = self._cache[CLAIMS].get(claim)
                if known is None or known["metadata"]["uid"] != uid:
                    return
                left = deadline - time.monotonic()
                if left <= 0:
                    raise Unavailable(
                        f"create {name}: the volume of that name is still being removed: a Pod holds its claim "
                        f"{claim}; try again when that Pod has ended"
                    )
                if not changes.wait(min(left, WATCH_DELAY)) and self._cache.read(CLAIMS, claim) is None:
                    return

    def _delete(self, found: Volume) -> None:
        stored = self._cache[CLAIMS].get(found.claim)
        if stored is not None:
            self._cache.discard(CLAIMS, stored)

    def _try_delete(self, found: Volume) -> bool:
        try:
            self._delete(found)
        except KubeError as error:
            log.warning("the volume %s cannot be removed: %s", found.name, error)
            return False
        return True


def _is_ours(stored: Object) -> bool:
    return is_owned(stored) and stored["metadata"]["labels"].get(KIND) == "volume" and volumes.docker_name(stored) != ""

"""Keeps the names of each network: a headless Service and its EndpointSlices follow the running members."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from typing import Any

import gevent
import gevent.event
import gevent.lock

from d2k.cluster.cache import ClusterCache
from d2k.cluster.errors import KubeAlreadyExistsError, KubeConflictError, KubeError, KubeNotFoundError
from d2k.cluster.resources import CONFIG_MAPS, DEPLOYMENTS, ENDPOINT_SLICES, PODS, SERVICES, Resource
from d2k.cluster.store import container_key
from d2k.services.lookup import ContainerLookup
from d2k.translate import endpoints, networks
from d2k.translate.networks import Network
from d2k.translate.record import Container

Object = dict[str, Any]

log = logging.getLogger(__name__)

# How long a second try waits, in seconds, when the API server refuses a write or another d2k was faster.
FIRST_BACKOFF, LAST_BACKOFF = 0.2, 15.0
SYNC_TIMEOUT = 30.0


class EndpointKeeper:
    """Writes a network's names into the cluster's DNS whenever a member starts, stops, comes or goes.

    What it remembers only spares work: after a restart, one pass over everything makes it right again. Two of them in
    one namespace want the same, so that it does not matter which one writes.
    """

    def __init__(self, cache: ClusterCache, lookup: ContainerLookup):
        self._cache = cache
        self._lookup = lookup
        self._writing = gevent.lock.RLock()
        self._dirty: set[str] = set()
        self._wake = gevent.event.Event()
        # The networks that each container was seen in, so that one that left is taken out of them.
        self._seen: dict[str, set[str]] = {}
        # Per network, the names of its running members that the log has told of as impossible.
        self._told: dict[str, set[str]] = {}

    def start(self) -> None:
        """Begin to follow the cache, after one pass over every network."""
        self._cache.listen(self._changed)
        gevent.spawn(self._run)

    def sync(self, name: str) -> None:
        """Bring the Service and the slices of the network of this name in line with its running members.

        Raises KubeError when the cluster refuses, KubeConflictError when another d2k wrote meanwhile.
        """
        with self._writing:
            stored = self._cache[CONFIG_MAPS].get(networks.config_map_name(name))
            if stored is None or not networks.is_network(stored):
                self._told.pop(name, None)
                return
            network = networks.network(stored)
            if self._cache[SERVICES].get(network.service) is None:
                self._create(SERVICES, networks.service(network, stored))
            containers = self._lookup.all()
            self._tell_impossible_names(network, containers)
            self._write_slices(network, endpoints.slices(network, containers, stored))

    # -- following ----------------------------------------------------------------------------------------------

    def _changed(self, resource: Resource, change: str, obj: Object) -> None:
        if resource in (PODS, DEPLOYMENTS):
            self._mark(self._networks_of(container_key(obj)))
        elif resource == CONFIG_MAPS and change != "DELETED" and networks.is_network(obj):
            self._mark([networks.network(obj).name])
        elif resource in (SERVICES, ENDPOINT_SLICES):
            owners = {owner["name"] for owner in obj["metadata"].get("ownerReferences") or ()}
            self._mark(name for name in self._stored() if networks.config_map_name(name) in owners)

    def _networks_of(self, key: str) -> set[str]:
        """Return the networks that the container is in and those that it was in when last seen."""
        before = self._seen.pop(key, set())
        container = self._lookup.by_key(key) if key else None
        now = {name for name in container.networks if name not in networks.DRIVERS} if container else set()
        if now:
            self._seen[key] = now
        return before | now

    def _mark(self, names: Iterable[str]) -> None:
        before = len(self._dirty)
        self._dirty.update(names)
        if len(self._dirty) > before:
            self._wake.set()

    def _stored(self) -> list[str]:
        stored = self._cache[CONFIG_MAPS].all()
        return [networks.network(one).name for one in stored if networks.is_network(one)]

    def _run(self) -> None:
        while not self._cache.wait_synced(SYNC_TIMEOUT):
            log.info("the names of the networks wait for the cache")
        for container in self._lookup.all():
            self._networks_of(container.key)
        self._mark(self._stored())
        backoff = FIRST_BACKOFF
        while True:
            self._wake.wait()
            self._wake.clear()
            failed = self._sync_dirty()
            if failed:
                # Not here: the other networks' names must not wait.
                gevent.spawn_later(backoff, self._mark, failed)
                backoff = min(backoff * 2, LAST_BACKOFF)
            else:
                backoff = FIRST_BACKOFF

    def _sync_dirty(self) -> set[str]:
        """Bring every network that was marked in line; return those to try again."""
        failed = set()
        while self._dirty:
            name = self._dirty.pop()
            try:
                self.sync(name)
            except (KubeConflictError, KubeNotFoundError) as error:
                log.debug("the names of network %s: %s; trying again", name, error)
                failed.add(name)
            except KubeError as error:
                log.warning("the names of network %s cannot be written: %s; trying again", name, error)
                failed.add(name)
            except Exception:
                log.exception("the names of network %s cannot be written", name)
        return failed

    # -- writing ------------------------------------------------------------------------------------------------

    def _write_slices(self, network: Network, wanted: list[Object]) -> None:
        known = {
            stored["metadata"]["name"]: stored
            for stored in self._cache[ENDPOINT_SLICES].all()
            if (stored["metadata"].get("labels") or {}).get(endpoints.SERVICE) == network.service
        }
        for document in wanted:
            stored = known.pop(document["metadata"]["name"], None)
            if stored is None:
                self._create(ENDPOINT_SLICES, document)
            elif not endpoints.same_slice(stored, document):
                version = stored["metadata"]["resourceVersion"]
                meta = {**document["metadata"], "resourceVersion": version}
                self._cache.replace(ENDPOINT_SLICES, meta["name"], {**document, "metadata": meta})
        for stored in known.values():
            self._cache.delete(ENDPOINT_SLICES, stored)

    def _create(self, resource: Resource, document: Object) -> None:
        try:
            self._cache.create(resource, document)
        except KubeAlreadyExistsError:
            # Another d2k was faster and this watch is behind: its object is looked at on the next try.
            self._cache.read(resource, document["metadata"]["name"])
            raise

    def _tell_impossible_names(self, network: Network, containers: list[Container]) -> None:
        told, now = self._told.get(network.name, set()), set()
        for container in endpoints.running_members(network.name, containers):
            for name in endpoints.host_names(endpoints.names_in(container, network.name))[1]:
                now.add(name)
                if name not in told:
                    # Most containers without a name of the user's have such a one, and nobody looks it up.
                    log.log(
                        logging.DEBUG if name == container.name else logging.WARNING,
                        "network %s: the name %s of container %s is no DNS label and does not resolve",
                        network.name,
                        name,
                        container.name,
                    )
        self._told[network.name] = now

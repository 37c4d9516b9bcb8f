"""`docker rm`, `--rm` and `container prune`: the container and all that is its own."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Protocol

import gevent.pool

from d2k.cluster.cache import ClusterCache
from d2k.cluster.errors import KubeConflictError, KubeNotFoundError
from d2k.cluster.resources import DEPLOYMENTS, PODS
from d2k.errors import Conflict, InvalidParameter, NotFound, SystemFailure
from d2k.services.clock import now_ns
from d2k.services.lookup import ContainerLookup
from d2k.services.publish import Publisher
from d2k.services.volumes import Volumes
from d2k.services.workloads import Workloads
from d2k.translate import annotations as marks
from d2k.translate import filters as filtering
from d2k.translate.duties import has_claims
from d2k.translate.record import REMOVING, Container, is_gated
from d2k.translate.state import is_over, state_of, terminated, unrecorded_exit
from d2k.translate.times import parse_rfc3339

Object = dict[str, Any]

log = logging.getLogger(__name__)

# SIGKILL follows the stop signal as soon as the kubelet allows. Where nothing shared is at stake, nobody has to wait
# for that: the Pod is off the API, its names and ports are free, and the node clears it away.
KILL_GRACE = 1
FORGET = 0
GONE_TIMEOUT = 60.0
# A client that reads slowly gets all of it; one that never reads again does not keep the container for ever.
DRAIN_TIMEOUT = 300.0

PRUNED_AT_ONCE = 16
PRUNE_FILTERS = ("label", "label!", "until")


class Drains(Protocol):
    """Knows of clients that still read a container's output."""

    def wait_idle(self, key: str, timeout: float) -> bool:
        """Wait until nobody is attached any more, `timeout` seconds at most; say whether that came."""


@dataclass(frozen=True)
class Pruned:
    """The answer of `container prune`."""

    ids: list[str]


class Removal:
    """Takes containers away; every step may be repeated by another d2k."""

    def __init__(
        self,
        cache: ClusterCache,
        lookup: ContainerLookup,
        workloads: Workloads,
        publisher: Publisher,
        volumes: Volumes,
        drains: Drains,
    ):
        self._cache = cache
        self._lookup = lookup
        self._workloads = workloads
        self._publisher = publisher
        self._volumes = volumes
        self._drains = drains

    def delete(self, reference: str, *, force: bool, volumes: bool, link: bool = False) -> None:
        """Remove a container; a running one only with `force`. `volumes` takes its anonymous volumes too.

        Raises Conflict while it runs or is being removed, NotFound.
        """
        container = self._lookup.get(reference)
        if link:
            raise InvalidParameter("links have no equivalent in Kubernetes: there is none to remove")
        state = state_of(container, now_ns())
        if state.status == "removing":
            raise Conflict(f"removal of container {reference} is already in progress")
        if state.running and not force:
            adverb = "restarting" if state.status == "restarting" else "running"
            raise Conflict(
                f'cannot remove container "{container.name}": container is {adverb}: '
                "stop the container before removing or force remove"
            )
        notes: dict[str, str | None] = {marks.DESIRED: REMOVING}
        if volumes:
            notes[marks.REMOVE_VOLUMES] = "true"
        end = unrecorded_exit(container)
        if end is not None:
            # Whoever waits for the removal is told this exit code.
            notes[marks.EXIT] = marks.encode(end.document())
        self._workloads.annotate(container, notes, replicas=0)
        self.remove(self._lookup.fresh(container) or container)

    def remove(self, container: Container) -> None:
        """Remove a container and return when nothing of it is left."""
        if container.desired != REMOVING:
            # It ended by itself: let those who are attached read to the end.
            self._drains.wait_idle(container.key, DRAIN_TIMEOUT)
            container = self._lookup.fresh(container) or container
        self._publisher.withdraw(container)
        with suppress(KubeNotFoundError, KubeConflictError):
            if container.replicas:
                # Also so that no replacement comes while its Pods are ended.
                self._workloads.annotate(container, {marks.DESIRED: REMOVING}, replicas=0)
            self._watch(container.key, lambda: self._has_stopped(container.key))
            # Foreground: a replacement that Kubernetes is just making goes too, before the Deployment does.
            self._cache.delete(DEPLOYMENTS, container.deployment, propagation="Foreground")
        self._watch(container.key, lambda: self._is_gone(container.key))
        if container.auto_remove or marks.REMOVE_VOLUMES in container.notes:
            self._volumes.remove_anonymous(
                [document["Name"] for document in container.mounts if document.get("Anonymous")]
            )

    def prune(self, filters: Mapping[str, list[str]]) -> Pruned:
        """Remove every container that does not run and that the filters (label, label!, until) match."""
        filtering.check(filters, PRUNE_FILTERS)
        before = filtering.until(filters, now_ns())
        doomed = []
        for container in self._lookup.all():
            state = state_of(container, now_ns())
            if not state.running and state.status != "removing" and _wanted(container, filters, before):
                doomed.append(container.id)
        # Most of a removal is waiting for Kubernetes' own controllers.
        removed = gevent.pool.Pool(PRUNED_AT_ONCE).imap(self._prune_one, doomed)
        return Pruned([identifier for identifier in removed if identifier])

    def _prune_one(self, identifier: str) -> str:
        """Remove a container and return its id; empty when it was started, or removed, by somebody else meanwhile."""
        try:
            self.delete(identifier, force=False, volumes=False)
        except (Conflict, NotFound) as error:
            log.info("container %s is not pruned: %s", identifier[:12], error)
            return ""
        return identifier

    def _end(self, pod: Object) -> None:
        if terminated(pod) or not has_claims(pod):
            # Its process is dead or shares nothing: what the kubelet has left to do nobody needs to wait for.
            self._workloads.delete_pod(pod, FORGET)
        elif pod["metadata"].get("deletionGracePeriodSeconds") not in (FORGET, KILL_GRACE):
            # Two processes must not write to one volume.
            self._workloads.delete_pod(pod, KILL_GRACE)

    def _has_stopped(self, key: str) -> bool:
        """Say whether no process is left, ending those that are; a Pod behind its gate has none."""
        pods = [pod for pod in self._cache[PODS].of_container(key) if not is_over(pod) and not is_gated(pod)]
        for pod in pods:
            self._end(pod)
        return all(terminated(pod) for pod in pods)

    def _is_gone(self, key: str) -> bool:
        return not self._cache[DEPLOYMENTS].of_container(key) and not self._cache[PODS].of_container(key)

    def _watch(self, key: str, done: Callable[[], bool]) -> None:
        deadline = time.monotonic() + GONE_TIMEOUT
        with self._cache.changes(key) as changes:
            while not done():
                left = deadline - time.monotonic()
                if left <= 0:
                    raise SystemFailure("the container's Pod does not go: see whether its node is ready")
                changes.wait(left)


def _wanted(container: Container, filters: Mapping[str, list[str]], before: int | None) -> bool:
    if not filtering.labels_match(filters.get("label", ()), container.labels):
        return False
    if filters.get("label!") and filtering.labels_exclude(filters["label!"], container.labels):
        return False
    return before is None or parse_rfc3339(container.created) <= before

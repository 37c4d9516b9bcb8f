"""Does what d2k owes its containers, whenever something about them changes."""

from __future__ import annotations

import logging
import time
from typing import Any, Protocol

import gevent
import gevent.lock
import gevent.pool
import gevent.queue

from d2k.cluster.cache import ClusterCache
from d2k.cluster.errors import KubeError, KubeNotFoundError
from d2k.cluster.resources import DEPLOYMENTS, PODS, Resource
from d2k.cluster.store import container_key
from d2k.errors import DockerError
from d2k.services.clock import now_ns
from d2k.services.lookup import ContainerLookup
from d2k.services.workloads import Workloads
from d2k.translate.duties import DeletePod, Duty, EndPod, Kill, OpenGate, RecordExit, Remove, duty, has_claims
from d2k.translate.record import Container, main_status
from d2k.translate.state import current_pod

Object = dict[str, Any]

log = logging.getLogger(__name__)

# The API server may be away for a moment; until it is back the duty stays.
RETRY_SECONDS = 2.0
# A Pod's log ends with its process; a node that is gone never ends it.
SAVE_SECONDS = 2.0
# The controllers of Deployments and ReplicaSets take some milliseconds; when they are away, days.
SCALE_SECONDS = 5.0
MOST_STEPS = 8
# How many containers are looked after at once; each may hold a connection to the API server.
MOST_AT_ONCE = 64


class LogKeeper(Protocol):
    """Keeps the log of a Pod that is about to go."""

    def save(self, container: Container, pod: Object) -> None:
        """Append the Pod's log so far to what is kept of the container."""

    def save_until_end(self, container: Container, pod: Object) -> None:
        """Follow the Pod's log to its end in the background, and keep it."""

    def save_previous(self, container: Container, pod: Object, restarts: int) -> None:
        """Append the log of the run before the Pod's last restart in place."""

    def settle(self, container: Container, timeout: float) -> None:
        """Wait until what `save_until_end` follows is kept."""


class Removal(Protocol):
    """Takes containers away."""

    def remove(self, container: Container) -> None:
        """Remove a container and all that belongs to it."""


class Reconciler:
    """One step after the other for each container, never two at once for the same one."""

    def __init__(
        self, cache: ClusterCache, lookup: ContainerLookup, workloads: Workloads, logs: LogKeeper, removal: Removal
    ):
        self._cache = cache
        self._lookup = lookup
        self._workloads = workloads
        self._logs = logs
        self._removal = removal
        self._dirty: set[str] = set()
        self._busy: dict[str, gevent.lock.RLock] = {}
        self._wake = gevent.queue.Queue()
        self._pool = gevent.pool.Pool(MOST_AT_ONCE)
        # The Pod and the number of restarts up to which each container's log is kept.
        self._kept: dict[str, tuple[str, int]] = {}
        self._removing: set[str] = set()

    def start(self) -> None:
        """Begin: look at every container once, then at each that changes."""
        self._cache.listen(self._on_change)
        for container in self._lookup.all():
            self._mark(container.key)
        gevent.spawn(self._run)

    def settle(self, key: str) -> None:
        """Do what is owed to this container now; the caller learns what went wrong."""
        try:
            with self._lock(key):
                for _ in range(MOST_STEPS):
                    container = self._lookup.by_key(key)
                    owed = duty(container, now_ns()) if container else None
                    if container is None or owed is None:
                        break
                    if not self._do(container, owed):
                        break
        finally:
            if self._lookup.by_key(key) is None:
                self._busy.pop(key, None)
                self._kept.pop(key, None)

    def _lock(self, key: str) -> gevent.lock.RLock:
        return self._busy.setdefault(key, gevent.lock.RLock())

    def _on_change(self, resource: Resource, _change: str, obj: Object) -> None:
        if resource in (DEPLOYMENTS, PODS):
            key = container_key(obj)
            if key:
                self._mark(key)

    def _mark(self, key: str) -> None:
        if key not in self._dirty:
            self._dirty.add(key)
            self._wake.put(key)

    def _run(self) -> None:
        while True:
            self._pool.spawn(self._settle_quietly, self._wake.get())

    def _settle_quietly(self, key: str) -> None:
        try:
            with self._lock(key):
                # Only now: whatever changes while another greenlet is at it needs no more than this one.
                self._dirty.discard(key)
                self._keep_restarted(key)
                self.settle(key)
        except (KubeError, DockerError) as error:
            log.warning("container %s: %s; trying again", key[:12], error)
            gevent.spawn_later(RETRY_SECONDS, self._mark, key)
        except Exception:
            log.exception("container %s: reconciling failed", key[:12])

    def _keep_restarted(self, key: str) -> None:
        """Keep the log of a run that Kubernetes restarted in place: it holds on to the last one only."""
        container = self._lookup.by_key(key)
        pod = current_pod(container) if container else None
        restarts = ((main_status(pod) or {}).get("restartCount") or 0) if pod else 0
        if container is None or pod is None or not restarts:
            return
        now = (pod["metadata"]["uid"], restarts)
        if self._kept.get(key) != now:
            self._kept[key] = now
            self._logs.save_previous(container, pod, restarts)

    def _do(self, container: Container, owed: Duty) -> bool:
        """Do it; say whether there may be more to do at once."""
        log.debug("container %s: %s", container.id[:12], type(owed).__name__)
        if isinstance(owed, OpenGate):
            self._workloads.open_gate(container, owed.pod)
            return False
        if isinstance(owed, RecordExit):
            if owed.pod is not None:
                self._logs.save(container, owed.pod)
            self._logs.settle(container, SAVE_SECONDS)
            return self._record(container, owed)
        if isinstance(owed, EndPod):
            self._workloads.end_pod(owed.pod)
            return False
        if isinstance(owed, DeletePod):
            self._delete_pod(container, owed)
            return False
        if isinstance(owed, Kill):
            self._logs.save(container, owed.pod)
            self._workloads.record_exit(container, owed.end)
            self._await_deletion(container, owed.pod)
            self._workloads.delete_pod(owed.pod, 0)
            return True
        assert isinstance(owed, Remove)  # noqa: S101 - for the type checker: no other duty is left
        if container.key not in self._removing:
            # In a greenlet of its own: it may wait for attached clients, and must not keep others from their turn.
            self._removing.add(container.key)
            gevent.spawn(self._remove, container)
        return False

    def _remove(self, container: Container) -> None:
        try:
            self._removal.remove(container)
        except (KubeError, DockerError) as error:
            log.warning("container %s cannot be removed: %s; trying again", container.id[:12], error)
            gevent.spawn_later(RETRY_SECONDS, self._mark, container.key)
        except Exception:
            log.exception("container %s: removing failed", container.id[:12])
        finally:
            self._removing.discard(container.key)

    def _delete_pod(self, container: Container, owed: DeletePod) -> None:
        self._logs.save_until_end(container, owed.pod)
        own = owed.pod["spec"].get("terminationGracePeriodSeconds") or 0
        if container.gated or owed.grace_seconds > own:
            # A replacement waits behind its gate; without one it is gone again before it runs.
            self._workloads.delete_pod(owed.pod, owed.grace_seconds)
            if not container.gated:
                self._workloads.annotate(container, {}, replicas=0)
            return
        self._workloads.annotate(container, {}, replicas=0)
        if owed.grace_seconds < own and not has_claims(owed.pod):
            # The scaling deletes the Pod with its own grace period, which the kubelet does not shorten any more.
            gevent.spawn_later(owed.grace_seconds, self._forget, owed.pod)

    def _forget(self, pod: Object) -> None:
        try:
            self._workloads.delete_pod(pod, 0)
        except KubeError as error:
            log.warning("the Pod %s ends only after its own grace period: %s", pod["metadata"]["name"], error)

    def _await_deletion(self, container: Container, pod: Object) -> None:
        """Wait until the scaling deletes a Pod that has no gate: deleted sooner, it would be replaced and run again."""
        if container.gated:
            return
        deadline = time.monotonic() + SCALE_SECONDS
        with self._cache.changes(container.key) as changes:
            while (left := deadline - time.monotonic()) > 0:
                now = self._cache[PODS].get(pod["metadata"]["name"])
                if now is None or now["metadata"].get("deletionTimestamp"):
                    return
                changes.wait(left)

    def _record(self, container: Container, owed: RecordExit) -> bool:
        try:
            self._workloads.record_exit(container, owed.end, scale=owed.scale)
        except KubeNotFoundError:
            return False
        return True

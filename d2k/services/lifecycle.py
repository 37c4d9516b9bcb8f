"""start, stop, kill, restart, rename: Docker's verbs on a container that exists."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import suppress
from typing import Any, Protocol

from d2k.cluster.cache import ClusterCache
from d2k.cluster.errors import KubeConflictError, KubeError
from d2k.cluster.resources import DEPLOYMENTS
from d2k.config import Config
from d2k.errors import Conflict, DockerError, InvalidParameter, NotFound, NotModified, SystemFailure
from d2k.services.clock import now_ns
from d2k.services.lookup import ContainerLookup
from d2k.services.publish import Publisher
from d2k.services.reconcile import Reconciler
from d2k.services.workloads import Workloads
from d2k.translate import annotations as marks
from d2k.translate import names, obstacles, signals, workload
from d2k.translate.record import REMOVING, RUNNING, STOPPED, Container, Exit
from d2k.translate.state import current_pod, has_ended, pod_problem, state_of, unrecorded_exit

Object = dict[str, Any]

# How long past its grace period a process may need to be gone: the kubelet's own slowness.
STOP_SLACK = 60.0


class SignalSender(Protocol):
    """Sends a signal to a container's process."""

    def send(self, container: Container, number: int, name: str) -> None:
        """Send it, from inside the container. Raises SystemFailure when the image has nothing to send it with."""


class NetworkChecks(Protocol):
    """Knows which networks exist."""

    def check(self, container: Container) -> None:
        """Raise NotFound when the container is connected to a network that is gone."""


class Lifecycle:
    """The verbs; each returns when Docker's would."""

    def __init__(
        self,
        cache: ClusterCache,
        lookup: ContainerLookup,
        workloads: Workloads,
        reconciler: Reconciler,
        publisher: Publisher,
        sender: SignalSender,
        networks: NetworkChecks,
        config: Config,
    ):
        self._cache = cache
        self._lookup = lookup
        self._workloads = workloads
        self._reconciler = reconciler
        self._publisher = publisher
        self._sender = sender
        self._networks = networks
        self._config = config

    def start(self, reference: str) -> None:
        """Start a container and return when its process runs, or has already ended.

        Raises NotModified when it runs, NotFound for a missing image or network, InvalidParameter for a command that
        cannot be started, SystemFailure with a sentence when Kubernetes cannot run it.
        """
        container = self._lookup.get(reference)
        state = state_of(container, now_ns())
        if state.running:
            raise NotModified(f"container {container.id} is already running")
        if state.status == "removing":
            raise Conflict("container is marked for removal and cannot be started")
        try:
            self._begin(container)
        except (DockerError, KubeError):
            self._discard(container)
            raise
        self._publisher.wait_for_addresses(container)

    def stop(self, reference: str, timeout: int | None, signal: str = "") -> None:
        """Stop a container: its stop signal, then after `timeout` seconds (None: its own; negative: never) SIGKILL.

        Returns when the process is gone. Raises NotModified when it does not run.
        """
        container = self._lookup.get(reference)
        if not self._is_up(container):
            raise NotModified(f"container {container.id} is already stopped")
        self._send_stop_signal(container, signal)
        self._stop(container, timeout, restart=False)

    def restart(self, reference: str, timeout: int | None, signal: str = "") -> None:
        """Stop a container if it runs, then start it."""
        container = self._lookup.get(reference)
        if self._is_up(container):
            self._send_stop_signal(container, signal)
            self._stop(container, timeout, restart=True)
        self.start(container.id)

    def kill(self, reference: str, signal: str) -> None:
        """Send a signal; with SIGKILL, return when the process is dead.

        Raises InvalidParameter for an unknown signal, Conflict when the container does not run.
        """
        try:
            container = self._lookup.get(reference)
            number, name = signals.parse(signal or "SIGKILL")
        except (InvalidParameter, NotFound) as error:
            raise type(error)(f"cannot kill container: {reference}: {error}") from error
        if state_of(container, now_ns()).status != "running":
            raise Conflict(f"cannot kill container: {reference}: container {container.id} is not running")
        if number == 9:
            self._workloads.want_stopped(container, grace=1, kill=True)
            self._await_exit(container, 1)
            return
        if number == signals.parse(workload_signal(container))[0] and not container.gated:
            # As with the engine, its stop signal ends a container for good, whatever its restart policy.
            self._workloads.want_stopped(container, grace=None)
            self._reconciler.settle(container.key)
            return
        self._sender.send(container, number, name)

    def rename(self, reference: str, new_name: str) -> None:
        """Give a container another name; the Kubernetes objects keep theirs.

        Raises InvalidParameter for a bad name, Conflict when another container has it.
        """
        container = self._lookup.get(reference)
        if not new_name:
            raise InvalidParameter("Neither old nor new names may be empty")
        plain = names.check_container_name(new_name)
        if plain == container.name:
            raise InvalidParameter("Renaming a container with the same name as its current name")
        owner = self._lookup.by_name(plain)
        if owner is not None:
            raise Conflict(name_conflict(plain, owner.id))
        self._workloads.annotate(container, {marks.NAME: plain})
        # Nothing in Kubernetes keeps two from taking one name at once: whoever then finds the other gives it back.
        self._cache.refresh(DEPLOYMENTS)
        rival = next((one for one in self._lookup.all() if one.name == plain and one.key != container.key), None)
        if rival is not None:
            self._workloads.annotate(container, {marks.NAME: container.name})
            raise Conflict(name_conflict(plain, rival.id))

    # -- starting -----------------------------------------------------------------------------------------------

    def _begin(self, container: Container) -> None:
        self._networks.check(container)
        while container.desired != RUNNING or unrecorded_exit(container) is not None:
            self._publisher.ensure(container)
            try:
                self._workloads.begin_run(container)
            except KubeConflictError:
                # Someone else changed it since: go on from how it is now.
                self._cache.read(DEPLOYMENTS, container.object_name)
                container = self._lookup.get(container.id)
            else:
                break
        self._wait_started(container.key)

    def _discard(self, container: Container) -> None:
        """A container with `--rm` goes, too, when it could not be started; the reconciler takes it away."""
        now = self._lookup.fresh(container)
        if container.auto_remove and now is not None:
            with suppress(KubeError):
                self._workloads.annotate(now, {marks.DESIRED: REMOVING}, replicas=0)

    def _wait_started(self, key: str) -> None:
        deadline = time.monotonic() + self._config.start_timeout

        def look(container: Container) -> bool:
            if container.desired == REMOVING or (container.exit and container.exit.run == container.run):
                return self._ended_at_once(container)
            if state_of(container, now_ns()).running or _has_run(container):
                return True
            obstacle = obstacles.obstacle(container, final=time.monotonic() >= deadline)
            if obstacle is not None:
                self._give_up(container, obstacle)
            return False

        self._watch(key, look, deadline)

    def _ended_at_once(self, container: Container) -> bool:
        end = container.exit
        if end is not None and end.error and not end.started_at:
            raise obstacles.start_error(end.error)
        return True

    def _give_up(self, container: Container, obstacle: obstacles.Obstacle) -> None:
        """Take back what start did, so that the container is as before, with the reason in its state."""
        end = Exit(container.run, obstacle.exit_code, error=str(obstacle.error))
        if container.exit is not None and container.exit.started_at:
            last = container.exit
            end = Exit(
                container.run, last.exit_code, last.oom_killed, last.started_at, last.finished_at, str(obstacle.error)
            )
        self._workloads.record_exit(container, end)
        self._publisher.withdraw(container)
        raise obstacle.error

    def _watch(self, key: str, look: Callable[[Container], bool], deadline: float) -> None:
        """Call `look` now and after each change until it says that all is done, or the container is gone."""
        with self._cache.changes(key) as changes:
            while True:
                container = self._lookup.by_key(key)
                if container is None or look(container):
                    return
                self._reconciler.settle(key)
                changes.wait(max(0.0, deadline - time.monotonic()) + 0.01)

    # -- stopping -----------------------------------------------------------------------------------------------

    def _is_up(self, container: Container) -> bool:
        if state_of(container, now_ns()).running:
            return True
        # A start that is under way counts; a run that has just ended does not.
        return container.desired == RUNNING and unrecorded_exit(container) is None

    def _send_stop_signal(self, container: Container, signal: str) -> None:
        if not signal:
            return
        number, name = signals.parse(signal)
        if number != signals.parse(workload_signal(container))[0] and state_of(container, now_ns()).status == "running":
            self._sender.send(container, number, name)

    def _stop(self, container: Container, timeout: int | None, *, restart: bool) -> None:
        own = workload.grace_seconds(container.spec)
        grace = None if timeout is None else workload.grace_of(timeout)
        self._workloads.want_stopped(container, grace=grace, restart=restart)
        self._await_exit(container, own if grace is None else grace)

    def _await_exit(self, container: Container, grace: int) -> None:
        run = container.run
        deadline = time.monotonic() + grace + STOP_SLACK

        def look(now: Container) -> bool:
            if now.exit is not None and now.exit.run >= run and now.replicas == 0:
                return not self._pod_lives(now)
            if time.monotonic() >= deadline:
                raise SystemFailure(
                    f"container {now.name} did not stop within {grace} s and the node does not say why: "
                    "see whether its node is ready"
                )
            return False

        self._watch(container.key, look, deadline)

    @staticmethod
    def _pod_lives(container: Container) -> bool:
        pod = current_pod(container)
        return pod is not None and container.desired == STOPPED and _still_running(pod)


def _has_run(container: Container) -> bool:
    """Say whether the process of the current run has already ended, other than by failing to start."""
    pod = current_pod(container)
    return pod is not None and has_ended(container, pod) and not pod_problem(pod).reason


def _still_running(pod: Object) -> bool:
    statuses = (pod.get("status") or {}).get("containerStatuses") or ()
    return any("running" in (status.get("state") or {}) for status in statuses)


def workload_signal(container: Container) -> str:
    """Return the name of the signal that stops this container."""
    given = (container.image.get("Config") or {}).get("StopSignal")
    return str(container.spec.get("StopSignal") or given or "SIGTERM")


def name_conflict(name: str, container_id: str) -> str:
    """Return the engine's sentence for a name that is taken."""
    return (
        f'Conflict. The container name "/{name}" is already in use by container "{container_id}". '
        "You have to remove (or rename) that container to be able to reuse that name."
    )

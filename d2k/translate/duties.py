"""What d2k owes a container now: decided from the objects alone, so that any d2k, at any time, decides the same."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from d2k.translate.record import REMOVING, RUNNING, STOPPED, Container, Exit, main_status
from d2k.translate.state import UNSEEN_EXIT, current_pod, exit_of, has_ended, is_over, terminated, was_taken_away
from d2k.translate.times import rfc3339

Object = dict[str, Any]

KILLED = 137


@dataclass(frozen=True)
class OpenGate:
    """Let the waiting Pod be scheduled: it is the container's current run, or goes on with it."""

    pod: Object


@dataclass(frozen=True)
class RecordExit:
    """Remember the end of the run and scale to 0; first save the log of a Pod that will not stay (`pod`).

    Without `scale` the Pod is left alone: scaling would delete one that Kubernetes does not call over yet.
    """

    end: Exit
    pod: Object | None = None
    scale: bool = True


@dataclass(frozen=True)
class EndPod:
    """Have the kubelet end the Pod with its own grace period; the Pod stays, with log and exit code."""

    pod: Object


@dataclass(frozen=True)
class DeletePod:
    """Scale to 0 and delete the Pod with this grace period in seconds; its log must be saved."""

    pod: Object
    grace_seconds: int


@dataclass(frozen=True)
class Kill:
    """Save the log so far, remember the exit, and take the Pod off the API: the node kills the process meanwhile."""

    pod: Object
    end: Exit


@dataclass(frozen=True)
class Remove:
    """Take the container away: somebody asked for it, or its process ended and it was to go then."""


Duty = OpenGate | RecordExit | EndPod | DeletePod | Kill | Remove


def duty(container: Container, now: int) -> Duty | None:
    """Return the next thing to do for a container at `now` (nanoseconds since 1970); None when there is nothing."""
    if container.deployment["metadata"].get("deletionTimestamp"):
        return None
    if container.desired == REMOVING:
        return Remove()
    if container.run == 0:
        return None
    if container.exit is not None and container.exit.run == container.run:
        wanted = container.auto_remove and container.desired == STOPPED and not container.stop.get("Restart")
        return Remove() if wanted else None
    pod = current_pod(container)
    if container.desired == RUNNING:
        return _while_running(container, pod)
    if container.desired == STOPPED:
        return _while_stopping(container, pod, now)
    return None


def _while_running(container: Container, pod: Object | None) -> Duty | None:
    if not container.gated:
        return None
    if pod is not None and not was_taken_away(pod):
        if _is_done(pod):
            return RecordExit(exit_of(pod, container.run))
        if container.auto_remove and has_ended(container, pod) and not exit_of(pod, container.run).error:
            # Nobody will ask for it later: there is no need to wait until Kubernetes calls the Pod over.
            return RecordExit(exit_of(pod, container.run), scale=False)
    waiting = container.waiting_pod
    if waiting is not None and (pod is None or _is_gone(pod)):
        return OpenGate(waiting)
    return _restarts(container, pod) if pod is not None else None


def _restarts(container: Container, pod: Object) -> Duty | None:
    """Kubernetes restarts for ever on failure, and an older one whatever the container's own policy says."""
    main = main_status(pod) or {}
    end = terminated(pod) or (main.get("lastState") or {}).get("terminated")
    if end is None or pod["metadata"].get("deletionTimestamp"):
        return None
    policy = container.host_config.get("RestartPolicy") or {}
    failed = end["exitCode"] != 0
    if container.restart_policy == "on-failure" and failed:
        most = policy.get("MaximumRetryCount") or 0
        down = "running" not in (main.get("state") or {})
        spent = most and (main.get("restartCount") or 0) >= most and down
        if not spent:
            return None
    elif not container.fallback:
        return None
    if container.fallback:
        return RecordExit(exit_of(pod, container.run), pod)
    return None if pod["spec"].get("activeDeadlineSeconds") else EndPod(pod)


def _while_stopping(container: Container, pod: Object | None, now: int) -> Duty | None:
    if pod is None:
        moment = rfc3339(now)
        return RecordExit(Exit(container.run, UNSEEN_EXIT, started_at=moment, finished_at=moment))
    if is_over(pod) or (pod["metadata"].get("deletionTimestamp") and terminated(pod)):
        return RecordExit(_with_kill(container, exit_of(pod, container.run)))
    if pod["metadata"].get("deletionTimestamp"):
        return None
    if container.stop.get("Kill") and not has_claims(pod):
        running = ((main_status(pod) or {}).get("state") or {}).get("running") or {}
        moment = rfc3339(now)
        return Kill(pod, Exit(container.run, KILLED, started_at=running.get("startedAt") or moment, finished_at=moment))
    grace = container.stop.get("Grace")
    own = pod["spec"].get("terminationGracePeriodSeconds")
    if container.gated and not container.fallback and not container.stop.get("Kill") and grace in (None, own):
        return None if pod["spec"].get("activeDeadlineSeconds") else EndPod(pod)
    return DeletePod(pod, own if grace is None else grace)


def has_claims(pod: Object) -> bool:
    """Say whether the Pod has volumes that outlive it: then its process must be dead before another may write there."""
    return any("persistentVolumeClaim" in volume for volume in pod["spec"].get("volumes") or ())


def _with_kill(container: Container, end: Exit) -> Exit:
    return replace(end, exit_code=KILLED) if container.stop.get("Kill") else end


def _is_done(pod: Object) -> bool:
    # A Pod that somebody deletes after its end may go without its phase ever saying so.
    return is_over(pod) or bool(pod["metadata"].get("deletionTimestamp") and terminated(pod))


def _is_gone(pod: Object) -> bool:
    return was_taken_away(pod) and (is_over(pod) or terminated(pod) is not None)

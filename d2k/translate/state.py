"""What Docker says of a container's state, from what its Pods say."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from d2k.translate import annotations as marks
from d2k.translate import health, process
from d2k.translate.record import RUNNING, STOPPED, Container, Exit, main_status, once
from d2k.translate.times import SECOND, ZERO, human_duration, parse_rfc3339, rfc3339

Object = dict[str, Any]

# Why a waiting container will not run by itself (kubelet, container status reasons).
PULL_PROBLEMS = ("ErrImagePull", "ImagePullBackOff", "InvalidImageName", "ErrImageNeverPull", "ImageInspectError")
START_PROBLEMS = ("StartError", "ContainerCannotRun", "RunContainerError")
CONFIG_PROBLEMS = ("CreateContainerConfigError", "CreateContainerError", "PreCreateHookError", "PostStartHookError")

# The exit code of a process whose end nobody saw: what SIGKILL gives.
UNSEEN_EXIT = 137


@dataclass(frozen=True)
class State:
    """Docker's State: `status` is created, running, restarting, removing or exited."""

    status: str
    exit_code: int = 0
    oom_killed: bool = False
    error: str = ""
    started_at: str = ZERO
    finished_at: str = ZERO
    health: str = ""
    restart_count: int = 0
    reason: str = ""

    @property
    def running(self) -> bool:
        """Docker counts a restarting container as running."""
        return self.status in ("running", "restarting")


def pod_run(pod: Object) -> int | None:
    """Return the number of the run that d2k let this Pod do; None for Pods that Kubernetes starts by itself."""
    text = (pod["metadata"].get("annotations") or {}).get(marks.RUN)
    return int(text) if text else None


@once
def current_pod(container: Container) -> Object | None:
    """Return the Pod of the container's current run, whether it waits, runs or has ended."""
    pod = container.pod
    if pod is None or (container.gated and not container.fallback and pod_run(pod) != container.run):
        return None
    return pod


def terminated(pod: Object) -> Object | None:
    """Return the end of the Pod's main process if it has ended for good, as Kubernetes' ContainerStateTerminated."""
    status = main_status(pod)
    found: Object | None = ((status or {}).get("state") or {}).get("terminated")
    return found


def is_over(pod: Object) -> bool:
    """Say whether nothing in this Pod will run again."""
    return (pod.get("status") or {}).get("phase") in ("Succeeded", "Failed")


def has_ended(container: Container, pod: Object) -> bool:
    """Say whether the main process of the container's current Pod has ended and will not be restarted in place.

    The kubelet tells of the process a second before it calls the whole Pod over. A run whose Pod was taken away goes on
    in the replacement.
    """
    if container.desired == RUNNING and was_taken_away(pod):
        return False
    if is_over(pod):
        return True
    end = terminated(pod)
    if end is None:
        return False
    if pod["metadata"].get("deletionTimestamp"):
        return True
    own_policy = container.gated and not container.fallback
    return own_policy and (container.restart_policy == "no" or end["exitCode"] == 0)


def was_taken_away(pod: Object) -> bool:
    """Say whether the process ended because its Pod was taken away: drain, preemption, node pressure, deletion.

    A process that had ended by itself when somebody deleted its Pod was not. Kubernetes' times are whole seconds: in
    the same second the deletion is taken for the cause.
    """
    conditions = (pod.get("status") or {}).get("conditions") or ()
    if any(c["type"] == "DisruptionTarget" and c["status"] == "True" for c in conditions):
        return True
    meta, end = pod["metadata"], terminated(pod)
    if not meta.get("deletionTimestamp") or end is None:
        return False
    # The timestamp says when the grace period is over. With the last step of a deletion the kubelet makes the period 0;
    # then it was asked for at most the Pod's own period before.
    grace = meta.get("deletionGracePeriodSeconds") or pod["spec"].get("terminationGracePeriodSeconds") or 0
    asked = parse_rfc3339(meta["deletionTimestamp"]) - grace * SECOND
    return not end.get("finishedAt") or parse_rfc3339(end["finishedAt"]) >= asked


def exit_of(pod: Object, run: int) -> Exit:
    """Return how the main process of an ended (or ending) Pod ended."""
    status = main_status(pod) or {}
    end = (status.get("state") or {}).get("terminated") or (status.get("lastState") or {}).get("terminated")
    if end is None:
        reason = (pod.get("status") or {}).get("message") or ""
        return Exit(run, UNSEEN_EXIT, error=reason)
    if end.get("reason") in START_PROBLEMS:
        message = runtime_message(end.get("message") or "")
        return Exit(run, start_exit_code(message), error=message)
    return Exit(
        run=run,
        exit_code=end["exitCode"],
        oom_killed=end.get("reason") == "OOMKilled",
        started_at=end.get("startedAt") or "",
        finished_at=end.get("finishedAt") or "",
        restart_count=status.get("restartCount") or 0,
    )


def unrecorded_exit(container: Container) -> Exit | None:
    """Return how the current run ended, if it has and that is not written down yet."""
    pod = current_pod(container)
    if pod is None or not has_ended(container, pod) or (container.exit and container.exit.run == container.run):
        return None
    return exit_of(pod, container.run)


def runtime_message(message: str) -> str:
    """Return the runtime's message as the Docker Engine words it."""
    return message.replace("failed to create containerd task", "failed to create task for container").strip()


def start_exit_code(message: str) -> int:
    """Return the exit code that the engine gives a command that cannot be started (moby, daemon/start.go)."""
    if "executable file not found" in message or "no such file or directory" in message:
        return 127
    if "permission denied" in message or "is a directory" in message or "not a directory" in message:
        return 126
    return 128


def state_of(container: Container, now: int) -> State:
    """Return Docker's state of a container at `now` (nanoseconds since 1970; only health depends on it)."""
    return _settled(container) if _health_check(container) is None else _state_at(container, now)


@once
def _settled(container: Container) -> State:
    return _state_at(container, 0)


@once
def _health_check(container: Container) -> Object | None:
    return health.effective(process.health_check(container.spec, container.image.get("Config") or {}))


def _state_at(container: Container, now: int) -> State:
    if container.deployment["metadata"].get("deletionTimestamp") or container.desired == "removing":
        return replace(_ended(container), status="removing")
    pod = current_pod(container)
    if pod is None or (container.exit and container.exit.run == container.run and container.desired == STOPPED):
        return _ended(container)
    return _of_pod(container, pod, now)


def _ended(container: Container) -> State:
    last = container.exit
    if last is None or last.run < container.run:
        if container.run == 0 or container.desired == RUNNING:
            previous = _exited(last) if last and last.started_at else State("created")
            return replace(previous, reason=replica_problem(container.deployment))
        return State("exited", exit_code=UNSEEN_EXIT)
    return _exited(last)


def _exited(last: Exit) -> State:
    if not last.started_at:
        return State("created", exit_code=last.exit_code, error=last.error)
    return State(
        status="exited",
        exit_code=last.exit_code,
        oom_killed=last.oom_killed,
        error=last.error,
        started_at=_nanos(last.started_at),
        finished_at=_nanos(last.finished_at),
        restart_count=last.restart_count,
    )


def _of_pod(container: Container, pod: Object, now: int) -> State:
    main = main_status(pod) or {}
    state = main.get("state") or {}
    restarts = main.get("restartCount") or 0
    if "running" in state:
        check = _health_check(container)
        last = (main.get("lastState") or {}).get("terminated") or {}
        before = last.get("finishedAt") or (container.exit.finished_at if container.exit else "")
        return State(
            status="running",
            started_at=_nanos(state["running"]["startedAt"]),
            finished_at=_nanos(before),
            health=health.status(check, pod, now) if check else "",
            restart_count=restarts,
        )
    end = state.get("terminated") or (main.get("lastState") or {}).get("terminated")
    if container.desired == RUNNING and "terminated" in state and was_taken_away(pod):
        # Its replacement goes on with the run.
        return replace(_exited(exit_of(pod, container.run)), status="restarting", restart_count=restarts)
    if has_ended(container, pod):
        return replace(_exited(exit_of(pod, container.run)), restart_count=restarts)
    waiting = state.get("waiting") or {}
    if end is not None and end.get("reason") not in START_PROBLEMS:
        last = _exited(exit_of(pod, container.run))
        return replace(last, status="restarting", restart_count=restarts, error=waiting.get("message", ""))
    problem = pod_problem(pod)
    previous = _exited(container.exit) if container.exit else State("created")
    return replace(previous, error=problem.message, reason=problem.reason)


@dataclass(frozen=True)
class Problem:
    """Why a Pod does not run: Kubernetes' reason and message, both empty when there is none (yet)."""

    reason: str = ""
    message: str = ""


def pod_problem(pod: Object) -> Problem:
    """Return what keeps the Pod's main process from running."""
    main = main_status(pod) or {}
    state = main.get("state") or {}
    for end in (state.get("terminated"), (main.get("lastState") or {}).get("terminated")):
        if end and end.get("reason") in START_PROBLEMS:
            return Problem("StartError", runtime_message(end.get("message") or ""))
    waiting = state.get("waiting") or {}
    if waiting.get("reason") in (*PULL_PROBLEMS, *CONFIG_PROBLEMS, *START_PROBLEMS):
        return Problem(waiting["reason"], waiting.get("message") or "")
    for condition in (pod.get("status") or {}).get("conditions") or ():
        if condition["type"] == "PodScheduled" and condition.get("reason") == "Unschedulable":
            return Problem("Unschedulable", condition.get("message") or "")
    return Problem()


def replica_problem(deployment: Object) -> str:
    """Return why Kubernetes makes no Pod for a Deployment (quota, admission, …); empty when it can."""
    status = deployment.get("status") or {}
    if (status.get("observedGeneration") or 0) < (deployment["metadata"].get("generation") or 0):
        # What the status says is about the Deployment as it was before the last change.
        return ""
    for condition in status.get("conditions") or ():
        if condition["type"] == "ReplicaFailure" and condition["status"] == "True":
            return str(condition.get("message") or condition.get("reason") or "")
    return ""


def status_text(state: State, now: int) -> str:
    """Return the Status column of `docker ps` (moby, container/state.go) at `now` (nanoseconds since 1970)."""
    if state.status == "running":
        suffix = {"": "", health.STARTING: " (health: starting)"}.get(state.health, f" ({state.health})")
        return f"Up {_since(state.started_at, now)}{suffix}"
    if state.status == "restarting":
        return f"Restarting ({state.exit_code}) {_since(state.finished_at, now)} ago"
    if state.status == "removing":
        return "Removal In Progress"
    if state.status == "exited":
        return f"Exited ({state.exit_code}) {_since(state.finished_at, now)} ago"
    return f"Created ({state.reason})" if state.reason and " " not in state.reason else "Created"


def _since(moment: str, now: int) -> str:
    return human_duration(max(0, now - parse_rfc3339(moment)) / SECOND)


def _nanos(moment: str) -> str:
    return rfc3339(parse_rfc3339(moment)) if moment else ZERO

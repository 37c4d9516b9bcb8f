"""Why a container cannot start, as Docker's errors with sentences that say what to do."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from d2k.cluster.errors import KubeError
from d2k.errors import DockerError, InvalidParameter, NotFound, SystemFailure
from d2k.translate.record import Container
from d2k.translate.refusals import explain
from d2k.translate.state import (
    CONFIG_PROBLEMS,
    PULL_PROBLEMS,
    Problem,
    current_pod,
    pod_problem,
    replica_problem,
    start_exit_code,
)

Object = dict[str, Any]


@dataclass(frozen=True)
class Obstacle:
    """What start answers when the process cannot run; `exit_code` is what inspect shows then."""

    error: DockerError
    exit_code: int = 128


def obstacle(container: Container, *, final: bool) -> Obstacle | None:
    """Return what keeps the container's current run from starting; None while it may still start.

    `final` says that the time to wait is over: then also what might pass (no room on any node) is an obstacle.
    """
    refused = replica_problem(container.deployment)
    if refused:
        return Obstacle(explain(KubeError(403, "Forbidden", refused)))
    pod = current_pod(container)
    problem = pod_problem(pod) if pod is not None else Problem()
    if problem.reason == "StartError":
        return Obstacle(start_error(problem.message), start_exit_code(problem.message))
    if problem.reason in PULL_PROBLEMS:
        return Obstacle(_pull_error(container, problem), 125)
    if problem.reason in CONFIG_PROBLEMS:
        return Obstacle(_config_error(container, problem))
    if not final:
        return None
    if problem.reason == "Unschedulable":
        return Obstacle(
            SystemFailure(
                f"container {container.name} cannot be scheduled: {problem.message.rstrip('.')}. "
                "Ask for less (--memory, --cpus, --gpus) or make room in the cluster"
            )
        )
    return Obstacle(SystemFailure(_late(container, pod)))


def start_error(message: str) -> DockerError:
    """Return the engine's error for a command that the runtime cannot start: the CLI makes 126 or 127 of the text."""
    return InvalidParameter(message) if start_exit_code(message) in (126, 127) else SystemFailure(message)


def _pull_error(container: Container, problem: Problem) -> DockerError:
    image = container.spec["Image"]
    text = problem.message
    if problem.reason == "InvalidImageName":
        return InvalidParameter("invalid reference format")
    if re.search(r"unauthorized|authentication required|denied|401|403", text, re.IGNORECASE):
        return NotFound(
            f"pull access denied for {image}, repository does not exist or may require 'docker login': "
            f"the node could not pull it: {_brief(text)}"
        )
    if re.search(r"not found|manifest unknown|404", text, re.IGNORECASE):
        return NotFound(f"No such image: {image}: the node could not pull it: {_brief(text)}")
    return SystemFailure(f"the node could not pull the image {image}: {_brief(text) or problem.reason}")


def _config_error(container: Container, problem: Problem) -> DockerError:
    if "non-root" in problem.message or "runAsNonRoot" in problem.message:
        return SystemFailure(
            f"container {container.name} may not run as root here: {problem.message}. Give it a user (--user 1000)"
        )
    return start_error(f"failed to create task for container: {problem.message or problem.reason}")


def _late(container: Container, pod: Object | None) -> str:
    if pod is None:
        return (
            f"Kubernetes made no Pod for container {container.name} in time: "
            f"kubectl describe deployment {container.object_name} says more"
        )
    phase = (pod.get("status") or {}).get("phase") or "Pending"
    waiting = [c["message"] for c in pod.get("status", {}).get("conditions") or () if c.get("message")]
    hint = f": {waiting[0]}" if waiting else ""
    return (
        f"container {container.name} did not start in time, its Pod is {phase}{hint}. "
        f"kubectl describe pod {pod['metadata']['name']} says more"
    )


def _brief(text: str) -> str:
    """Return the innermost cause of a node's pull error, which repeats itself."""
    parts = [part.strip() for part in text.split(": ")]
    return ": ".join(parts[-2:]) if len(parts) > 2 else text

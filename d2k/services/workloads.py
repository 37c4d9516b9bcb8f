"""Writing to a container's Deployment and Pods: each change of what the user wants is one request."""

from __future__ import annotations

import logging
from typing import Any

from d2k.cluster.cache import ClusterCache
from d2k.cluster.errors import KubeConflictError, KubeError, KubeNotFoundError
from d2k.cluster.resources import DEPLOYMENTS, PODS
from d2k.translate import annotations as marks
from d2k.translate.record import GATE, RUNNING, STOPPED, Container, Exit
from d2k.translate.state import unrecorded_exit

Object = dict[str, Any]

log = logging.getLogger(__name__)


class Workloads:
    """The few writes that the life of a container is made of."""

    def __init__(self, cache: ClusterCache):
        self._cache = cache

    def annotate(self, container: Container, notes: dict[str, str | None], *, replicas: int | None = None) -> None:
        """Change annotations of the Deployment, and its number of replicas in the same request."""
        patch: Object = {"metadata": {"annotations": notes}}
        if replicas is not None:
            patch["spec"] = {"replicas": replicas}
        self._cache.patch(DEPLOYMENTS, container.object_name, patch)

    def begin_run(self, container: Container) -> None:
        """Scale to 1 as the container's next run; an end of the last one that nobody wrote down is written down.

        Raises KubeConflictError when the Deployment has changed since `container` was read: somebody else starts it.
        """
        notes = {marks.RUN: str(container.run + 1), marks.DESIRED: RUNNING, marks.STOP: None}
        end = unrecorded_exit(container)
        if end is not None:
            notes[marks.EXIT] = marks.encode(end.document())
        version = container.deployment["metadata"]["resourceVersion"]
        patch = {"metadata": {"resourceVersion": version, "annotations": notes}, "spec": {"replicas": 1}}
        self._cache.patch(DEPLOYMENTS, container.object_name, patch)

    def want_stopped(
        self, container: Container, *, grace: int | None, kill: bool = False, restart: bool = False
    ) -> None:
        """Note that the user wants the run to end, and how; the reconciler ends it, here or in another d2k.

        `grace` is in seconds, None for the container's own; `kill` makes the exit code that of SIGKILL; `restart`
        keeps a container with `--rm` for its next start.
        """
        stop = {"Grace": grace, "Kill": kill, "Restart": restart}
        self.annotate(container, {marks.DESIRED: STOPPED, marks.STOP: marks.encode(stop)})

    def record_exit(self, container: Container, end: Exit, *, scale: bool = True) -> None:
        """Remember how the run ended and scale to 0: the Pod that waits behind the gate goes, the ended one stays.

        Without `scale` the number of replicas is left to whoever removes the container. Does nothing when the next run
        has begun meanwhile.
        """
        patch: list[Object] = [
            {"op": "test", "path": _annotation(marks.RUN), "value": str(container.run)},
            {"op": "add", "path": _annotation(marks.EXIT), "value": marks.encode(end.document())},
            {"op": "add", "path": _annotation(marks.DESIRED), "value": STOPPED},
        ]
        if scale:
            patch.append({"op": "replace", "path": "/spec/replicas", "value": 0})
        try:
            self._cache.patch(DEPLOYMENTS, container.object_name, patch)
        except KubeError as error:
            # 422: the test failed.
            if error.status != 422:
                raise
            self._cache.read(DEPLOYMENTS, container.object_name)

    def open_gate(self, container: Container, pod: Object) -> None:
        """Let the Pod be scheduled, marked with the container's run; does nothing if another d2k was first."""
        gates = pod["spec"]["schedulingGates"]
        patch: list[Object] = [
            {"op": "test", "path": "/spec/schedulingGates", "value": gates},
            {"op": "add", "path": _annotation(marks.RUN), "value": str(container.run)},
            {"op": "replace", "path": "/spec/schedulingGates", "value": [g for g in gates if g["name"] != GATE]},
        ]
        try:
            self._cache.patch(PODS, pod["metadata"]["name"], patch)
        except KubeNotFoundError:
            log.debug("the Pod %s went before its gate was opened", pod["metadata"]["name"])
        except KubeError as error:
            # 422: the test failed, since the gate is open already.
            if error.status not in (409, 422):
                raise

    def end_pod(self, pod: Object) -> None:
        """Have the kubelet stop the Pod's processes with its own grace period; the Pod, its log and exit code stay."""
        try:
            self._cache.patch(PODS, pod["metadata"]["name"], {"spec": {"activeDeadlineSeconds": 1}})
        except KubeNotFoundError:
            log.debug("the Pod %s went before it was stopped", pod["metadata"]["name"])

    def delete_pod(self, pod: Object, grace_seconds: int) -> None:
        """Delete a Pod with this grace period in seconds; its log and its exit code go with it."""
        try:
            self._cache.delete(PODS, pod, grace_seconds=grace_seconds)
        except (KubeNotFoundError, KubeConflictError):
            log.debug("the Pod %s went before it was deleted", pod["metadata"]["name"])


def _annotation(key: str) -> str:
    """Return the JSON pointer of an annotation (RFC 6901)."""
    return "/metadata/annotations/" + key.replace("~", "~0").replace("/", "~1")

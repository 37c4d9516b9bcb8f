"""`docker wait`: the exit code of a run, whoever ends it and however fast it goes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from d2k.cluster.cache import ClusterCache
from d2k.errors import InvalidParameter
from d2k.services.clock import now_ns
from d2k.services.lookup import ContainerLookup, is_up
from d2k.translate.record import CREATED, Container
from d2k.translate.state import current_pod, has_ended, pod_run, state_of

Object = dict[str, Any]

NOT_RUNNING, NEXT_EXIT, REMOVED = "not-running", "next-exit", "removed"


@dataclass(frozen=True)
class Outcome:
    """The answer of wait."""

    exit_code: int

    def document(self) -> Object:
        """Return Docker's ContainerWaitResponse."""
        return {"StatusCode": self.exit_code}


class Waiting:
    """Waits on the watch, never by asking."""

    def __init__(self, cache: ClusterCache, lookup: ContainerLookup):
        self._cache = cache
        self._lookup = lookup

    def check(self, reference: str, condition: str) -> Container:
        """Return the container to wait for. Raises InvalidParameter for an unknown condition, NotFound."""
        if condition not in ("", NOT_RUNNING, NEXT_EXIT, REMOVED):
            raise InvalidParameter(f'invalid condition: "{condition}"')
        return self._lookup.get(reference)

    def wait(self, container: Container, condition: str) -> Outcome:
        """Wait for the condition and return the exit code.

        not-running (the default) returns at once for a container that does not run; next-exit waits for the end of the
        run that is under way or comes next; removed until the container is gone, with the exit code of its last run.
        """
        first = _finished_run(container) if condition == NEXT_EXIT else -1
        last = container
        with self._cache.changes(container.key) as changes:
            while True:
                now = self._lookup.fresh(last)
                if now is None:
                    return _outcome(last)
                last = now
                if condition != REMOVED and self._is_done(now, condition, first):
                    return _outcome(now)
                changes.wait()

    @staticmethod
    def _is_done(container: Container, condition: str, first: int) -> bool:
        if condition == NEXT_EXIT:
            return _finished_run(container) > first
        return not is_up(container)


def _finished_run(container: Container) -> int:
    """Return the number of the last run that has ended; a run that Kubernetes restarts goes on."""
    pod = current_pod(container)
    # A start that failed is no run: the engine wakes nobody for it.
    recorded = container.exit.run if container.exit and container.exit.started_at else 0
    if pod is not None and container.desired != CREATED and has_ended(container, pod) and container.gated:
        return max(recorded, pod_run(pod) or container.run)
    return recorded


def _outcome(container: Container) -> Outcome:
    state = state_of(container, now_ns())
    return Outcome(state.exit_code)

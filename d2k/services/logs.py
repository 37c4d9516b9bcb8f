"""The output of a container through all its runs, as `docker logs` shows it."""

from __future__ import annotations

import logging
from collections.abc import Generator, Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Any

from d2k.cluster.cache import ClusterCache
from d2k.cluster.client import KubeClient
from d2k.cluster.errors import KubeError, KubeNotFoundError, KubeUnavailableError
from d2k.cluster.logs import LogStream
from d2k.cluster.resources import PODS
from d2k.errors import InvalidParameter
from d2k.services.lookup import ContainerLookup
from d2k.services.saved_logs import SavedLogs, SavedRun, run_identity
from d2k.translate import loglines
from d2k.translate.loglines import Line, Resume
from d2k.translate.record import Container, main_status
from d2k.translate.state import current_pod, terminated

Object = dict[str, Any]

log = logging.getLogger(__name__)

# Kubernetes may end a log before the watch tells that its process ended.
END_SECONDS = 2.0


@dataclass(frozen=True)
class LogOptions:
    """What of the log is wanted: `since` and `until` in nanoseconds since 1970, `tail` in lines, None for all."""

    stdout: bool = True
    stderr: bool = True
    follow: bool = False
    since: int | None = None
    until: int | None = None
    timestamps: bool = False
    tail: int | None = None
    details: bool = False


@dataclass(frozen=True)
class PodRun:
    """A run whose log Kubernetes still has; `previous` is the one before the last restart in place."""

    pod: str
    uid: str
    restarts: int
    previous: bool = False


Run = SavedRun | PodRun


class Logs:
    """Reads the logs of containers."""

    def __init__(self, client: KubeClient, cache: ClusterCache, lookup: ContainerLookup, saved: SavedLogs):
        self._client = client
        self._cache = cache
        self._lookup = lookup
        self._saved = saved

    def read(self, reference: str, options: LogOptions) -> tuple[bool, Generator[bytes, None, None]]:
        """Return whether the container has a terminal, and the lines of its log as the client wants to see them.

        Raises NotFound for an unknown container, InvalidParameter when neither stream is wanted, KubeError when what
        was saved of earlier runs cannot be read.
        """
        container = self._lookup.get(reference)
        if not options.stdout and not options.stderr:
            raise InvalidParameter("must specify at least one of 'stdout' or 'stderr'")
        return container.tty, _texts(self.lines(container, tail=options.tail, follow=options.follow), options)

    def lines(
        self, container: Container, *, tail: int | None = None, follow: bool = False, without: Object | None = None
    ) -> Iterator[Line]:
        """Return the lines of all runs but those of the Pod `without`; with `follow`, the current run's as they come.

        They end with that run. As in the engine, nothing is followed for a container that is not running or being
        started. Raises KubeError at once, rather than in the middle of an answer, when the cluster does not answer.
        """
        runs = self._runs(container)
        return self._lines(container, runs, tail, follow=follow, without=without)

    def _lines(
        self, container: Container, runs: list[Run], tail: int | None, *, follow: bool, without: Object | None
    ) -> Iterator[Line]:
        if without is not None:
            runs = [run for run in runs if not _same(run, _live_run(without))]
        live = self._live(container) if follow else None
        if live is not None:
            runs = [run for run in runs if not _same(run, live)] + [live]
        for run, count in self._shares(runs, tail):
            lines = self._follow(container.key, live, count) if run is live else self._read(run, count)
            yield from map(loglines.for_terminal, lines) if container.tty else lines

    def follow(self, key: str, pod: Object) -> Iterator[Line]:
        """Yield the lines of one Pod's run as they are in the log, from its first one on, until it has ended."""
        yield from self._follow(key, _live_run(pod), None)

    def _runs(self, container: Container) -> list[Run]:
        runs: list[Run] = list(self._saved.runs(container)) if container.run else []
        known = {run.identity for run in runs if isinstance(run, SavedRun)}
        for pod in container.ordered_pods:
            runs += [run for run in _pod_runs(pod) if run_identity(run.uid, run.restarts) not in known]
        return runs

    def _live(self, container: Container) -> PodRun | None:
        """Return the run to follow, waiting for its process while it is being started."""
        with self._cache.changes(container.key) as changes:
            while True:
                now = self._lookup.fresh(container)
                pod = current_pod(now) if now else None
                state = ((main_status(pod) if pod else None) or {}).get("state") or {}
                if pod is not None and "running" in state:
                    return _live_run(pod)
                if now is None or now.desired != "running" or (pod is not None and terminated(pod)):
                    return None
                changes.wait()

    def _shares(self, runs: list[Run], tail: int | None) -> Iterator[tuple[Run, int | None]]:
        """Yield the runs that the last `tail` lines are in, the oldest first, each with how many of its last lines.

        Lines are counted by reading them, which only happens when there is more than one run.
        """
        if tail is None:
            yield from ((run, None) for run in runs)
            return
        shares: list[tuple[Run, int | None]] = []
        for number, run in reversed(list(enumerate(runs))):
            if number == 0:
                shares.append((run, tail))
                break
            count = sum(1 for line in self._read(run, tail) if line.first)
            shares.append((run, None if 0 < count < tail else tail))
            tail -= count
            if tail <= 0:
                break
        yield from reversed(shares)

    def _read(self, run: Run, tail: int | None) -> Iterator[Line]:
        if isinstance(run, SavedRun):
            lines = list(run.lines())
            yield from lines if tail is None else islice(lines, max(0, len(lines) - tail), None)
            return
        try:
            with LogStream(self._client, run.pod, previous=run.previous, tail=tail) as stream:
                yield from stream
        except KubeError as error:
            if error.status not in (400, 404):
                raise

    def _follow(self, key: str, run: PodRun, tail: int | None) -> Iterator[Line]:
        """Yield a running log until the run has ended, reading on where a connection broke off."""
        resume = Resume()
        with self._cache.changes(key) as changes:
            while True:
                pod = self._pod(key, run)
                over = _over(pod, run)
                previous = pod is not None and _restarts(pod) > run.restarts
                try:
                    with LogStream(
                        self._client, run.pod, follow=not over, previous=previous, tail=tail, since=resume.stamp
                    ) as stream:
                        yield from filter(resume.passes, stream)
                except KubeNotFoundError:
                    return
                except KubeUnavailableError as error:
                    log.info("the log of the Pod %s: %s; trying again", run.pod, error)
                    changes.wait(END_SECONDS)
                    continue
                except KubeError as error:
                    # 400: the process does not run yet, or there never was one.
                    if error.status != 400:
                        log.warning("the log of the Pod %s cannot be followed: %s", run.pod, error)
                    if over or error.status != 400:
                        return
                if over:
                    return
                tail = None
                resume.reopen()
                if not _over(self._pod(key, run), run):
                    changes.wait(END_SECONDS)

    def _pod(self, key: str, run: PodRun) -> Object | None:
        return next((pod for pod in self._cache[PODS].of_container(key) if pod["metadata"]["uid"] == run.uid), None)


def _texts(lines: Iterable[Line], options: LogOptions) -> Generator[bytes, None, None]:
    for line in loglines.window(lines, options.since, options.until):
        # Kubernetes does not tell the streams apart, so all is stdout and stderr alone is nothing.
        if options.stdout:
            yield _text(line, options)


def _live_run(pod: Object) -> PodRun:
    return PodRun(pod["metadata"]["name"], pod["metadata"]["uid"], _restarts(pod))


def _same(run: Run, live: PodRun) -> bool:
    return isinstance(run, PodRun) and run.uid == live.uid and not run.previous


def _restarts(pod: Object) -> int:
    return int((main_status(pod) or {}).get("restartCount") or 0)


def _over(pod: Object | None, run: PodRun) -> bool:
    return pod is None or terminated(pod) is not None or _restarts(pod) > run.restarts


def _pod_runs(pod: Object) -> list[PodRun]:
    """Return the runs of one Pod: after a restart in place, Kubernetes keeps the log of the one before."""
    status = main_status(pod)
    if status is None:
        return []
    name, uid, restarts = pod["metadata"]["name"], pod["metadata"]["uid"], _restarts(pod)
    last = PodRun(name, uid, restarts)
    state = status.get("state") or {}
    if "waiting" in state and not (status.get("lastState") or {}).get("terminated"):
        return []
    if restarts and "waiting" not in state and (status.get("lastState") or {}).get("terminated"):
        return [PodRun(name, uid, restarts - 1, previous=True), last]
    return [last]


def _text(line: Line, options: LogOptions) -> bytes:
    if not line.first:
        return line.text
    # The engine's details are those of --log-opt labels and env; without any, only their separator is left.
    text = b" " + line.text if options.details else line.text
    return line.stamp + b" " + text if options.timestamps else text

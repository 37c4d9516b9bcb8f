"""Connecting a client to a container's process, before, during and after its start."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

import gevent.event

from d2k.cluster.cache import ClusterCache
from d2k.cluster.channels import Channels
from d2k.cluster.client import KubeClient
from d2k.cluster.errors import KubeError
from d2k.cluster.resources import DEPLOYMENTS, Resource
from d2k.cluster.store import container_key
from d2k.errors import Conflict, InvalidParameter
from d2k.services.duplex import STDOUT, Duplex, watched
from d2k.services.joined import JoinedSession
from d2k.services.logs import Logs
from d2k.services.lookup import ContainerLookup, is_up
from d2k.services.output import Output
from d2k.services.stdin import StdinPump
from d2k.translate import detach
from d2k.translate.loglines import for_terminal
from d2k.translate.record import MAIN, RUNNING, Container, main_status
from d2k.translate.state import current_pod, is_over, terminated

Object = dict[str, Any]

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class AttachOptions:
    """What a client wants of attach; `logs` replays what was written before, `stream` stays connected."""

    stdin: bool = False
    stdout: bool = False
    stderr: bool = False
    stream: bool = False
    logs: bool = False
    detach_keys: str = ""


class AttachedClients:
    """Counts the attached clients of each container, so that nothing is removed under them."""

    def __init__(self) -> None:
        self._open: dict[str, int] = {}
        self._idle: dict[str, gevent.event.Event] = {}

    def wait_idle(self, key: str, timeout: float) -> bool:
        """Wait until every attached client got all output, at most `timeout` seconds; say whether they did."""
        event = self._idle.get(key)
        return True if event is None else bool(event.wait(timeout))

    @contextmanager
    def counted(self, key: str) -> Iterator[None]:
        """Count a client of this container while the body runs."""
        self._open[key] = self._open.get(key, 0) + 1
        self._idle.setdefault(key, gevent.event.Event())
        try:
            yield
        finally:
            self._open[key] -= 1
            if not self._open[key]:
                del self._open[key]
                self._idle.pop(key).set()


class Attachments(AttachedClients):
    """Attached clients, and the sizes of containers' terminals."""

    def __init__(
        self,
        client: KubeClient,
        cache: ClusterCache,
        lookup: ContainerLookup,
        logs: Logs,
    ):
        super().__init__()
        self._client = client
        self._cache = cache
        self._lookup = lookup
        self._logs = logs
        # Attached terminals of a container, and the size that the last resize asked for (rows, columns).
        self._terminals: dict[str, set[Channels]] = {}
        self._sizes: dict[str, tuple[int, int]] = {}
        cache.listen(self._forget_removed)

    # -- resize -------------------------------------------------------------------------------------------------

    def resize(self, reference: str, height: int, width: int) -> None:
        """Set the size of a container's terminal in rows and columns; kept for attaches to come.

        Raises NotFound, and Conflict when the container is neither running nor about to be.
        """
        container = self._lookup.get(reference)
        if not is_up(container):
            raise Conflict(f"container {container.id} is not running")
        self._sizes[container.key] = (height, width)
        for channels in list(self._terminals.get(container.key, ())):
            channels.resize(height, width)

    def _forget_removed(self, resource: Resource, change: str, obj: Object) -> None:
        if change == "DELETED" and resource == DEPLOYMENTS:
            self._sizes.pop(container_key(obj), None)

    # -- attach -------------------------------------------------------------------------------------------------

    def prepare(self, reference: str, options: AttachOptions) -> Container:
        """Return the container to attach to. Raises NotFound, and InvalidParameter for bad detach keys."""
        container = self._lookup.get(reference)
        try:
            detach.parse(options.detach_keys)
        except ValueError:
            raise InvalidParameter(f"Invalid detach keys ({options.detach_keys}) provided") from None
        return container

    def run(self, container: Container, options: AttachOptions, client: Duplex) -> None:
        """Serve an attached client until the process has ended, the client detached, or it left (ConnectionError)."""
        output = Output(client, stdout=options.stdout, stderr=options.stderr)
        keys = detach.parse(options.detach_keys) if container.tty else b""
        wants_stdin = options.stdin and options.stream and bool(container.spec.get("OpenStdin"))
        pump = StdinPump(client, keys, closes=bool(container.spec.get("StdinOnce")) and not container.tty)
        helpers = [pump.run] if wants_stdin else []
        with self.counted(container.key), watched(client, *helpers, until=pump.detached.wait):
            fresh = not _is_starting(container)
            run = container.run + 1 if fresh else container.run
            if options.logs:
                self._replay(container, output, without_run=options.stream and not fresh)
            if options.stream:
                self._stream(container, run, pump, output, replace(options, stdin=wants_stdin), fresh)

    def _replay(self, container: Container, output: Output, *, without_run: bool) -> None:
        """Show what was written before; the current run is left out where the stream begins with its log."""
        pod = current_pod(container) if without_run else None
        for line in self._logs.lines(container, without=pod):
            output.write(STDOUT, line.text)

    def _stream(
        self, container: Container, run: int, pump: StdinPump, output: Output, options: AttachOptions, fresh: bool
    ) -> None:
        pod = self._await_process(container.key, run)
        if pod is None:
            return
        channels = None if terminated(pod) else self._connect(container, pod, options)
        if channels is None:
            if fresh or options.logs:
                self._show_log_alone(container, pod, output)
            return
        with channels, self._terminal(container, channels):
            if fresh or options.logs:
                session = JoinedSession(self._client, pod["metadata"]["name"], channels, output, tty=container.tty)
                session.run(lambda: pump.connect(channels), lambda: self._logs.follow(container.key, pod))
            else:
                pump.connect(channels)
                for stream, payload in channels:
                    output.write(stream, payload)

    def _await_process(self, key: str, run: int) -> Object | None:
        """Return the Pod of this run once its process runs or has ended; None when it never will."""
        with self._cache.changes(key) as changes:
            while True:
                container = self._lookup.by_key(key)
                if container is None or container.run > run:
                    return None
                if container.run == run:
                    pod = current_pod(container)
                    if pod is not None and _has_process(pod):
                        return pod
                    if container.desired != RUNNING or (pod is not None and is_over(pod)):
                        return None
                changes.wait()

    def _connect(self, container: Container, pod: Object, options: AttachOptions) -> Channels | None:
        """Attach to the running process; None when it has ended meanwhile, so that the log has everything."""
        name = pod["metadata"]["name"]
        try:
            return Channels.attach(self._client, name, MAIN, stdin=options.stdin, tty=container.tty)
        except KubeError as error:
            log.info("no attach to the Pod %s, its log is shown instead: %s", name, error)
            return None

    def _show_log_alone(self, container: Container, pod: Object, output: Output) -> None:
        for line in self._logs.follow(container.key, pod):
            output.write(STDOUT, for_terminal(line).text if container.tty else line.text)

    @contextmanager
    def _terminal(self, container: Container, channels: Channels) -> Iterator[None]:
        """Keep a terminal's size up to date, and have what is on it drawn again for the new client."""
        if not container.tty:
            yield
            return
        terminals = self._terminals.setdefault(container.key, set())
        terminals.add(channels)
        if container.key in self._sizes:
            height, width = self._sizes[container.key]
            # A prompt from before is in no log yet; programs draw it again when the size changes.
            channels.resize(height + 1, width + 1)
            channels.resize(height, width)
        try:
            yield
        finally:
            terminals.discard(channels)
            if not terminals:
                self._terminals.pop(container.key, None)


def _is_starting(container: Container) -> bool:
    """Say whether the container's current run runs, or is about to: then this run is attached to, else the next."""
    if container.desired != RUNNING or container.run == 0:
        return False
    pod = current_pod(container)
    return pod is None or (terminated(pod) is None and not is_over(pod))


def _has_process(pod: Object) -> bool:
    """Say whether the main process of this Pod runs or has run."""
    main = main_status(pod) or {}
    state = main.get("state") or {}
    return "running" in state or "terminated" in state or bool((main.get("lastState") or {}).get("terminated"))

"""Commands in running containers: `docker exec`."""

from __future__ import annotations

import logging
from typing import Any

import gevent
import gevent.event

from d2k.cluster.cache import ClusterCache
from d2k.cluster.channels import Channels, ChannelsError
from d2k.cluster.client import KubeClient
from d2k.cluster.errors import KubeError, KubeUnavailableError
from d2k.errors import Conflict, DockerError, InvalidParameter, NotSupported, SystemFailure
from d2k.services.clock import now_ns
from d2k.services.duplex import STDOUT, Duplex, watched
from d2k.services.exec_records import ExecRecords
from d2k.services.lookup import ContainerLookup, running_pod
from d2k.services.stdin import StdinPump
from d2k.translate import detach, execs
from d2k.translate.ids import new_id
from d2k.translate.labels import container_label
from d2k.translate.record import MAIN
from d2k.translate.state import UNSEEN_EXIT, current_pod, state_of
from d2k.translate.times import rfc3339

Object = dict[str, Any]

# How long resize waits for the command to start (moby, daemon/resize.go).
READY_SECONDS = 10.0
# A command that runs longer is marked as running in the cluster; shorter ones save that request.
MARK_SECONDS = 0.5
# How long to wait before the end of a command is written again to a cluster that did not answer.
RETRY_SECONDS = 2.0

log = logging.getLogger(__name__)


class _Live:
    """An exec that this process runs, or whose terminal's size somebody asked for."""

    def __init__(self) -> None:
        self.ready = gevent.event.Event()
        self.channels: Channels | None = None
        self.started = False
        # The exec as it ended, until the cluster has it.
        self.ended: Object | None = None


class Execs:
    """Creates, runs and inspects commands in containers."""

    def __init__(self, client: KubeClient, cache: ClusterCache, lookup: ContainerLookup):
        self._client = client
        self._lookup = lookup
        self._records = ExecRecords(client, cache)
        self._live: dict[str, _Live] = {}
        self._records.sweep_forever(self._is_alive, now_ns)

    def create(self, reference: str, config: Object) -> str:
        """Remember a command for a running container and return the id under which it is started.

        Raises NotFound, Conflict when the container does not run, InvalidParameter without a command, NotSupported
        for what Kubernetes cannot do.
        """
        container = self._lookup.get(reference)
        if not config.get("Cmd"):
            raise InvalidParameter("No exec command specified")
        running_pod(container)
        if config.get("Privileged") and not container.host_config.get("Privileged"):
            raise NotSupported(
                "Kubernetes cannot give a command more privileges than its container has:"
                " create the container with --privileged instead"
            )
        try:
            detach.parse(config.get("DetachKeys", ""))
        except ValueError:
            raise SystemFailure(f"Invalid escape keys ({config['DetachKeys']}) provided") from None
        stored = execs.document(new_id(), container.id, config, rfc3339(now_ns()))
        self._records.create(container, stored)
        return str(stored["ID"])

    def find(self, identifier: str) -> Object:
        """Return a stored exec whose container runs. Raises NotFound, and Conflict when the container does not run."""
        stored = self._records.get(identifier)
        running_pod(self._lookup.get(stored["ContainerID"]))
        return stored

    def inspect(self, identifier: str) -> Object:
        """Return the state of an exec. Raises NotFound."""
        stored = self._records.get(identifier)
        running = bool(stored["Started"]) and not stored["Finished"]
        if running and not self._is_alive(stored):
            stored, running = {**stored, "ExitCode": UNSEEN_EXIT}, False
        live = self._live.get(identifier)
        if live is not None and live.ended is not None:
            return execs.inspect(live.ended, running=False)
        return execs.inspect(stored, running=running or (live is not None and live.started))

    def resize(self, identifier: str, height: int, width: int) -> None:
        """Set the size of an exec's terminal, waiting some seconds for its start.

        Raises NotFound, and SystemFailure when it does not run.
        """
        stored = self._records.get(identifier)
        if stored["Finished"]:
            raise SystemFailure(f"exec process {identifier} is not running")
        live = self._live.setdefault(identifier, _Live())
        ready = live.ready.wait(READY_SECONDS)
        if not live.started and self._live.get(identifier) is live:
            del self._live[identifier]
        if not ready or live.channels is None:
            raise SystemFailure("timeout waiting for exec session ready")
        live.channels.resize(height, width)

    def start_detached(self, identifier: str) -> None:
        """Start a command whose output nobody wants; returns once it runs.

        Raises NotFound, Conflict when it has run before, InvalidParameter with the engine's text when it cannot start.
        """
        stored = self.find(identifier)
        live = self._claim(stored)
        if live is None:
            raise Conflict(f"exec command {identifier} has already run")
        run = _Run(self, stored, live, detached=True)
        started = gevent.event.AsyncResult()
        gevent.spawn(run.alone, started)
        failure = started.get()
        if failure:
            raise InvalidParameter(failure)

    def run(self, stored: Object, client: Duplex, *, tty: bool, size: list[int] | None) -> None:
        """Run a command for a client, until it has ended or the client detached or left; the command then goes on."""
        live = self._claim(stored)
        if live is None:
            client.write(STDOUT, f"exec command {stored['ID']} has already run\r\n".encode())
            return
        _Run(self, stored, live, tty=tty, size=size or stored["Config"].get("ConsoleSize")).with_client(client)

    def _claim(self, stored: Object) -> _Live | None:
        if stored["Started"]:
            return None
        live = self._live.setdefault(stored["ID"], _Live())
        if live.started:
            return None
        live.started = True
        return live

    def _is_alive(self, stored: Object) -> bool:
        """Say whether the command can still run: this process runs it, or its Pod is the container's current one."""
        live = self._live.get(stored["ID"])
        if live is not None and live.started:
            return True
        container = self._lookup.by_key(container_label(stored["ContainerID"]))
        if container is None or not state_of(container, now_ns()).running:
            return False
        pod = current_pod(container)
        return pod is not None and pod["metadata"]["uid"] == stored["Pod"]

    # -- used by _Run ---------------------------------------------------------------------------------------------

    def open(self, stored: Object, command: list[str], *, stdin: bool, tty: bool) -> Channels:
        """Run the command in its container's Pod. Raises KubeError, Conflict if the container has stopped, NotFound."""
        pod = running_pod(self._lookup.get(stored["ContainerID"]))
        stored["Pod"] = pod["metadata"]["uid"]
        return Channels.exec(self._client, pod["metadata"]["name"], MAIN, command, stdin=stdin, tty=tty)

    def own_user(self, stored: Object) -> str:
        """Return the user that the container runs as."""
        container = self._lookup.get(stored["ContainerID"])
        return str(container.spec.get("User") or container.image.get("User") or "")

    def update(self, stored: Object) -> bool:
        """Write the exec's state to the cluster; a container that is gone needs none.

        Returns False when the cluster does not answer, so that it has to be written later.
        """
        try:
            self._records.update(stored)
        except KubeError as error:
            log.info("the state of the exec %s cannot be stored: %s", stored["ID"], error)
            return not isinstance(error, KubeUnavailableError)
        return True

    def forget(self, identifier: str) -> None:
        """Note that the command has ended: from here on the stored state counts."""
        self._live.pop(identifier, None)


class _Run:
    """One running command."""

    def __init__(
        self,
        service: Execs,
        stored: Object,
        live: _Live,
        *,
        tty: bool = False,
        size: list[int] | None = None,
        detached: bool = False,
    ):
        self._service = service
        self._stored = {**stored, "Started": rfc3339(now_ns())}
        self._live = live
        self._tty = tty
        self._size = size
        self._detached = detached
        self._command = execs.Command(list(stored["Config"]["Cmd"]), needs_shell=False)
        self._marking = gevent.event.Event()
        self._marking.set()
        self._over = False

    def with_client(self, client: Duplex) -> None:
        """Run the command with a client's streams; the exit code is stored before this returns."""
        config = self._stored["Config"]
        pump = StdinPump(client, detach.parse(config.get("DetachKeys", "")) if self._tty else b"", closes=not self._tty)
        helpers = [pump.run] if config.get("AttachStdin") else []
        opened = self._open()
        if isinstance(opened, str):
            client.write(STDOUT, opened.encode() + b"\r\n")
            return
        pump.connect(opened)
        try:
            with watched(client, *helpers, until=pump.detached.wait):
                for stream, payload in opened:
                    client.write(stream, payload)
        except ConnectionError:
            # As in the engine the command goes on, and its exit code is still wanted.
            if not self._tty:
                opened.close_stdin()
            gevent.spawn(self._drain, opened)
            raise
        failure = self._finish(opened)
        if failure:
            client.write(STDOUT, failure.encode() + b"\r\n")

    def alone(self, started: gevent.event.AsyncResult) -> None:
        """Run the command without a client; `started` gets "" once it runs, or why it cannot."""
        try:
            opened = self._open()
            if isinstance(opened, str):
                started.set(opened)
                return
            said = b""
            for _, payload in opened:
                said += payload[: 4096 - len(said)]
                if said == execs.STARTED and not started.ready():
                    started.set("")
            failure = self._finish(opened)
        except Exception as error:
            # For the greenlet that waits; the traceback goes to the log.
            started.set(str(error) or "the command could not be started")
            raise
        if not started.ready():
            started.set("" if said.startswith(execs.STARTED) else failure or said.decode(errors="replace").strip())

    def _open(self) -> Channels | str:
        config = self._stored["Config"]
        stdin = bool(config.get("AttachStdin")) and not self._detached
        try:
            self._command = execs.command(config, self._service.own_user(self._stored), detached=self._detached)
            opened = self._service.open(self._stored, self._command.words, stdin=stdin, tty=self._tty)
        except (KubeError, DockerError) as error:
            # The container may have ended, or gone, since the client asked.
            return self._end(*execs.start_failure(str(error), self._command))
        if self._tty and self._size and len(self._size) == 2 and all(self._size):
            opened.resize(*self._size)
        self._live.channels = opened
        self._live.ready.set()
        gevent.spawn_later(MARK_SECONDS, self._mark_running)
        return opened

    def _mark_running(self) -> None:
        if self._over:
            return
        self._marking.clear()
        try:
            self._service.update(self._stored)
        finally:
            self._marking.set()

    def _drain(self, channels: Channels) -> None:
        for _ in channels:
            pass
        self._finish(channels)

    def _finish(self, channels: Channels) -> str:
        """Store how the command ended; return the engine's text if it could not be started."""
        channels.close()
        try:
            outcome = channels.outcome
        except ChannelsError as error:
            log.warning("exec %s: %s", self._stored["ID"], error)
            return self._end("", UNSEEN_EXIT)
        if outcome.exit_code is None:
            return self._end(*execs.start_failure(outcome.error, self._command))
        return self._end("", outcome.exit_code)

    def _end(self, failure: str, exit_code: int) -> str:
        self._over = True
        self._marking.wait()
        self._stored |= {"Finished": rfc3339(now_ns()), "ExitCode": exit_code}
        self._live.ended = self._stored
        if self._service.update(self._stored):
            self._service.forget(self._stored["ID"])
        else:
            gevent.spawn(self._store_later)
        return failure

    def _store_later(self) -> None:
        gevent.sleep(RETRY_SECONDS)
        while not self._service.update(self._stored):
            gevent.sleep(RETRY_SECONDS)
        self._service.forget(self._stored["ID"])

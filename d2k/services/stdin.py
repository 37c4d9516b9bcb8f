"""Carrying a client's stdin to a process that may not run yet."""

from __future__ import annotations

import gevent.event

from d2k.cluster.channels import Channels
from d2k.services.duplex import Duplex
from d2k.translate.detach import DetachMatcher


class StdinPump:
    """Reads stdin as fast as the process takes it.

    Before there is a process one piece is read, in which the detach keys count; the rest waits on the client's side
    of the connection.
    """

    def __init__(self, client: Duplex, keys: bytes, *, closes: bool):
        """`keys` are the detach keys; empty when there is no terminal.

        `closes` says whether the end of the client's stdin is that of the process too. Otherwise it detaches the
        client, as in the engine (moby, container/stream/attach.go); the Docker CLI relies on it over TCP.
        """
        self._client = client
        self._closes = closes
        self._matcher = DetachMatcher(keys) if keys else None
        self._connected = gevent.event.Event()
        self._channels: Channels | None = None
        # Set when the user has detached.
        self.detached = gevent.event.Event()

    def connect(self, channels: Channels) -> None:
        """Let stdin flow to the process."""
        self._channels = channels
        self._connected.set()

    def run(self) -> None:
        """Pump until the end of stdin, the detach keys, or the client's end."""
        try:
            while data := self._client.read():
                if self._pass_on(data):
                    self.detached.set()
                    return
        except ConnectionError:
            # The end of the client is for its session to notice, not for its stdin.
            return
        if not self._closes:
            self.detached.set()
            return
        self._connected.wait()
        if self._channels is not None:
            self._channels.close_stdin()

    def _pass_on(self, data: bytes) -> bool:
        """Send what is meant for the process; say whether the user detached."""
        passed, detached = (data, False) if self._matcher is None else self._matcher.feed(data)
        if detached and not self._connected.is_set():
            return True
        if passed:
            self._connected.wait()
            if self._channels is not None:
                self._channels.stdin(passed)
        return detached

"""Carrying a client's stdin to a process that may not run yet."""

from __future__ import annotations

import gevent.event

from d2k.cluster.channels import Channels
from d2k.services.duplex import Duplex
from d2k.services.output import Output
from d2k.translate.detach import DetachMatcher


class StdinPump:
    """Reads stdin as fast as the process takes it.

    Before there is a process one piece is read, in which the detach keys count; the rest waits on the client's side
    of the connection.
    """

    def __init__(self, client: Duplex, keys: bytes):
        """`keys` are the detach keys; empty when there is no terminal."""
        self._client = client
        self._matcher = DetachMatcher(keys) if keys else None
        self._connected = gevent.event.Event()
        # Set when the detach keys were typed.
        self.detached = gevent.event.Event()
        self._channels: Channels | None = None
        self._output: Output | None = None

    def connect(self, channels: Channels, output: Output) -> None:
        """Let stdin flow to the process; on the detach keys the session is closed and `output` shows no more."""
        self._channels, self._output = channels, output
        if self.detached.is_set():
            self._leave()
        self._connected.set()

    def run(self) -> None:
        """Pump until the end of stdin, the detach keys, or the client's end."""
        try:
            while data := self._client.read():
                if self._matcher is None:
                    passed, detached = data, False
                else:
                    passed, detached = self._matcher.feed(data)
                if detached:
                    self.detached.set()
                    if not self._connected.is_set():
                        return
                self._connected.wait()
                if self._channels is not None and passed:
                    self._channels.stdin(passed)
                if detached:
                    self._leave()
                    return
        except ConnectionError:
            # The end of the client is for its session to notice, not for its stdin.
            return
        self._connected.wait()
        if self._channels is not None:
            self._channels.close_stdin()

    def _leave(self) -> None:
        if self._output is not None and self._channels is not None:
            self._output.over = True
            self._channels.close()

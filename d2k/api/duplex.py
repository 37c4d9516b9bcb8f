"""Docker's side of attach and exec: raw bytes with a terminal, frames without one."""

from __future__ import annotations

from d2k.http import stdcopy
from d2k.http.hijack import Connection


class HijackedClient:
    """A hijacked connection as the services see it; `tty` decides whether output is framed."""

    def __init__(self, connection: Connection, *, tty: bool):
        self._connection = connection
        self._tty = tty

    def read(self) -> bytes:
        """Wait for the next bytes of stdin; empty at its end."""
        return self._connection.read()

    def write(self, stream: int, data: bytes) -> None:
        """Send output of a stream (1 stdout, 2 stderr)."""
        if self._tty:
            self._connection.write(data)
        else:
            self._connection.write(b"".join(stdcopy.frames(stream, data)))

    def wait_closed(self) -> None:
        """Wait until the client is gone."""
        self._connection.wait_closed()

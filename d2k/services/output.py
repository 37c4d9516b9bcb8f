"""Where the output of an attached process goes."""

from __future__ import annotations

from d2k.services.duplex import STDERR, STDOUT, Duplex


class Output:
    """A client's wish for stdout, stderr or both."""

    def __init__(self, client: Duplex, *, stdout: bool, stderr: bool):
        self._client = client
        self._wanted = {STDOUT: stdout, STDERR: stderr}

    def write(self, stream: int, data: bytes) -> None:
        """Send output of STDOUT or STDERR if the client wants that stream."""
        if data and self._wanted[stream]:
            self._client.write(stream, data)

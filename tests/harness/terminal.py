"""A real terminal: a pseudo-terminal whose other end the test reads and types at."""

from __future__ import annotations

import fcntl
import os
import pty
import select
import signal
import struct
import subprocess
import termios
import time
from types import TracebackType

READ = 65536


class Terminal:
    """A command in a terminal of its own. `seen` is everything that appeared on it."""

    def __init__(self, command: list[str], environment: dict[str, str], rows: int = 24, columns: int = 80):
        self._master, slave = pty.openpty()
        self.resize(rows, columns, notify=False)
        self.seen = b""
        self.process = subprocess.Popen(
            # A session of its own with the terminal as its controlling one, as a shell in a terminal has it.
            ["setsid", "--ctty", *command],
            stdin=slave,
            stdout=slave,
            stderr=slave,
            env={**environment, "TERM": "xterm"},
        )
        os.close(slave)

    def __enter__(self) -> Terminal:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        os.close(self._master)

    def type(self, text: str | bytes) -> None:
        """Type at the terminal."""
        data = text.encode() if isinstance(text, str) else text
        while data:
            data = data[os.write(self._master, data) :]

    def resize(self, rows: int, columns: int, *, notify: bool = True) -> None:
        """Change the size of the window, and tell the command as a terminal does."""
        fcntl.ioctl(self._master, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
        if notify:
            os.kill(self.process.pid, signal.SIGWINCH)

    def expect(self, text: str | bytes, timeout: float = 30.0) -> bytes:
        """Wait until `text` appears in what has not been consumed yet; return everything up to its end.

        Raises AssertionError with all that was seen when it does not appear.
        """
        wanted = text.encode() if isinstance(text, str) else text
        deadline = time.monotonic() + timeout
        while wanted not in self.seen:
            if not self._read(deadline):
                raise AssertionError(f"{wanted!r} did not appear on the terminal, but {self.seen!r}")
        end = self.seen.index(wanted) + len(wanted)
        before, self.seen = self.seen[:end], self.seen[end:]
        return before

    def wait(self, timeout: float = 30.0) -> int:
        """Read until the command ends and return its exit status. Raises AssertionError when it does not end."""
        deadline = time.monotonic() + timeout
        while self._read(deadline):
            pass
        try:
            return self.process.wait(max(0.1, deadline - time.monotonic()))
        except subprocess.TimeoutExpired:
            raise AssertionError(f"the command did not end; the terminal shows {self.seen!r}") from None

    def _read(self, deadline: float) -> bool:
        ready, _, _ = select.select([self._master], [], [], max(0.0, deadline - time.monotonic()))
        if not ready:
            return False
        try:
            data = os.read(self._master, READ)
        except OSError:
            # The last process that had the terminal is gone.
            return False
        self.seen += data
        return bool(data)

"""One attached session on a running Pod: the log first, then what attach delivers, each line once."""

from __future__ import annotations

import copy
from collections import deque
from collections.abc import Callable, Generator, Iterable
from contextlib import closing

import gevent

from d2k.cluster.channels import Channels
from d2k.cluster.client import KubeClient
from d2k.cluster.errors import KubeError
from d2k.cluster.logs import LogStream
from d2k.services.duplex import STDOUT
from d2k.services.held import HeldFrames
from d2k.services.output import Output
from d2k.translate.join import Delivered, LineCollector, Tagged, find_seam, key, without
from d2k.translate.loglines import PIECE_LIMIT, Line, Resume, for_terminal

# How many shown lines are kept to find where attach begins.
_WINDOW_LINES = 1000
_WINDOW_BYTES = 1 << 20
# Up to here all of a session is compared with the log at its end, above only the last lines.
_COMPARED_LINES = 5000
_COMPARED_BYTES = 1 << 20
_COMPARED_TAIL = 200
# How long the beginning of a line is held for its end (seconds): only a complete line can be found in the log.
_HOLD = 0.25
_HOLD_TTY = 0.05


class JoinedSession:
    """Delivers the output of a Pod's main container from its first byte on."""

    def __init__(self, client: KubeClient, pod: str, channels: Channels, output: Output, *, tty: bool):
        """`channels` is the attached connection, made before this: what is missing there is in the log."""
        self._client = client
        self._pod = pod
        self._channels = channels
        self._output = output
        self._tty = tty
        self._hold = _HOLD_TTY if tty else _HOLD
        self._frames = HeldFrames()
        self._window: deque[bytes] = deque(maxlen=_WINDOW_LINES)
        self._window_bytes = 0
        self._resume = Resume()
        self._shown = Delivered(_COMPARED_LINES, _COMPARED_BYTES)
        self._collector = LineCollector()
        self._attached = False

    def run(self, after_log_shown: Callable[[], object], follow: Callable[[], Iterable[Line]]) -> None:
        """Deliver everything until the process has ended, or a terminal's connection broke.

        `after_log_shown` is called once what was written before is shown: stdin must not flow earlier, or its effects
        would be in both the log and the stream. `follow` reads the log from its first line on until the process has
        ended, whatever happens to connections: output goes on with it when attach's connection breaks.
        """
        reader = gevent.spawn(self._read)
        try:
            self._show_log()
            after_log_shown()
            after_log = copy.copy(self._resume)
            self._begin()
            while (frame := self._frames.get()) is not None:
                self._pass_on(frame)
            if self._channels.broken and not self._tty:
                self._show_unseen(after_log, follow())
            else:
                self._show_rest(after_log)
        finally:
            reader.kill(block=False)

    def _read(self) -> None:
        try:
            for frame in self._channels:
                self._frames.put(frame)
        finally:
            self._frames.end()

    def _log(self, resume: Resume, tail: int | None = None, *, ended: bool = False) -> Generator[Line, None, None]:
        """Yield the log's lines that `resume` has not seen; nothing when Kubernetes has no log (any more).

        A last line without an end is only taken when the process has `ended`: it may still grow.
        """
        resume.reopen()
        try:
            with LogStream(self._client, self._pod, tail=tail, since=resume.stamp) as stream:
                for line in stream:
                    if (ended or line.whole or len(line.text) > PIECE_LIMIT) and resume.passes(line):
                        yield for_terminal(line) if self._tty else line
        except KubeError:
            return

    def _show_log(self) -> None:
        """Show what was written before, up to where attach has begun to deliver: from there on they are matched."""
        with closing(self._log(self._resume)) as lines:
            for line in lines:
                self._output.write(STDOUT, line.text)
                self._remember(line.text)
                if self._frames.at_hand:
                    return

    def _remember(self, text: bytes) -> None:
        self._window.append(text)
        self._window_bytes += len(text)
        while self._window_bytes > _WINDOW_BYTES or len(self._window) == _WINDOW_LINES:
            self._window_bytes -= len(self._window.popleft())

    def _begin(self) -> None:
        """Wait for attach's first line, find it in the log, and show what lies before it and was not shown yet."""
        lines = self._first_lines()
        self._shown.torn = not lines
        if lines:
            new = [line.text for line in self._log(self._resume)]
            # The log's order of stdout and stderr may differ from attach's: what came meanwhile belongs to it too.
            lines += self._lines_at_hand()
            logged = [*self._window, *new]
            shown = len(self._window)
            seam = find_seam(logged, lines, shown)
            for text in logged[shown : seam.before]:
                self._show(STDOUT, text)
            if seam.torn and seam.before >= shown:
                self._show(STDOUT, seam.torn)
            elif seam.torn:
                lines = without(lines, [key(logged[seam.before]).removeprefix(seam.torn)])
            for stream, text in without(lines, logged[seam.before : shown]):
                self._show(stream, text)
        for stream, text in self._collector.partial():
            self._output.write(stream, text)
        self._window.clear()

    def _first_lines(self) -> list[Tagged]:
        """Return the lines of the first frame, waiting for a line's end a little; none if there is no end."""
        frame = self._frames.get()
        self._attached = frame is not None
        lines: list[Tagged] = []
        with gevent.Timeout(self._hold, False):
            while frame is not None:
                lines += self._collector.feed(*frame)
                if lines:
                    break
                frame = self._frames.get()
        return lines

    def _lines_at_hand(self) -> list[Tagged]:
        lines: list[Tagged] = []
        while self._frames.at_hand and (frame := self._frames.get()) is not None:
            lines += self._collector.feed(*frame)
        return lines

    def _show(self, stream: int, text: bytes) -> None:
        self._output.write(stream, text)
        self._shown.add(text)

    def _pass_on(self, frame: tuple[int, bytes]) -> None:
        self._output.write(*frame)
        for _, text in self._collector.feed(*frame):
            self._shown.add(text)

    def _show_unseen(self, after_log: Resume, log: Iterable[Line]) -> None:
        """Show what the log holds, and will, and attach did not deliver before its connection broke."""
        if self._shown.complete:
            after_log.reopen()
            log = filter(after_log.passes, log)
        partial = [text for _, text in self._collector.partial()]
        for text in self._shown.unseen((line.text for line in log), partial):
            self._output.write(STDOUT, text)

    def _show_rest(self, after_log: Resume) -> None:
        """Show what the log holds and attach did not deliver: the last lines of a process that ended quickly."""
        if self._tty and self._attached:
            # A terminal's lines are torn by its prompts; what attach delivers of them is all that is needed.
            return
        partial = [text for _, text in self._collector.partial()]
        if self._shown.complete:
            final = [line.text for line in self._log(after_log, ended=True)]
        else:
            final = [line.text for line in self._log(Resume(), _COMPARED_TAIL, ended=True)]
        for text in self._shown.missing(final, partial):
            self._output.write(STDOUT, text)

"""Output of a process that waits for its turn."""

from __future__ import annotations

from collections import deque

import gevent.event

# What is held before the process has to wait. A process that waits while it ends loses output: containerd does not
# wait for a slow attached client then, and neither the client nor the log gets the rest.
HELD_BYTES = 8 << 20

Frame = tuple[int, bytes]


class HeldFrames:
    """A queue of (stream, bytes), bounded in bytes; one greenlet puts, one gets."""

    def __init__(self) -> None:
        self._frames: deque[Frame] = deque()
        self._bytes = 0
        self._ended = False
        self._filled = gevent.event.Event()
        self._drained = gevent.event.Event()

    @property
    def at_hand(self) -> bool:
        """Whether `get` would return a frame without waiting."""
        return bool(self._frames)

    def put(self, frame: Frame) -> None:
        """Add a frame, waiting while too much is held."""
        while self._bytes > HELD_BYTES:
            self._drained.clear()
            self._drained.wait()
        self._frames.append(frame)
        self._bytes += len(frame[1])
        self._filled.set()

    def end(self) -> None:
        """Note that no more frames come."""
        self._ended = True
        self._filled.set()

    def get(self) -> Frame | None:
        """Return the next frame, waiting for it; None once all were returned, as often as it is asked."""
        while not self._frames:
            if self._ended:
                return None
            self._filled.clear()
            self._filled.wait()
        frame = self._frames.popleft()
        self._bytes -= len(frame[1])
        self._drained.set()
        return frame

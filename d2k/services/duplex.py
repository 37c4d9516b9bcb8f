"""The client of a session that goes both ways, as attach and exec see it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Protocol

import gevent

STDOUT, STDERR = 1, 2


class Duplex(Protocol):
    """A client that sends stdin and takes output."""

    def read(self) -> bytes:
        """Wait for the next bytes of stdin; empty at its end. Raises ConnectionError when the client is gone."""

    def write(self, stream: int, data: bytes) -> None:
        """Send output of STDOUT or STDERR. Raises ConnectionError when the client is gone."""

    def wait_closed(self) -> None:
        """Wait until the client is gone; the end of its stdin alone is not that."""


class _Left(BaseException):
    """Thrown into the session where it waits; nothing on the way up may take it for an error of the cluster's."""


@contextmanager
def watched(
    client: Duplex, *helpers: Callable[[], object], until: Callable[[], object] | None = None
) -> Iterator[None]:
    """Run helpers (such as the pump of stdin) beside the body, and end the body when the client
    leaves.

    A return of `until` counts as that too; ConnectionResetError is raised then. Everything ends with the body.
    """
    session = gevent.getcurrent()
    over = False

    def leave() -> None:
        if not over:
            session.throw(_Left())

    def watch(wait: Callable[[], object]) -> None:
        wait()
        # From the hub, as only there it is certain that the session's greenlet waits.
        gevent.get_hub().loop.run_callback(leave)

    ends = [client.wait_closed, *([until] if until else [])]
    spawned = [*(gevent.spawn(watch, end) for end in ends), *(gevent.spawn(helper) for helper in helpers)]
    try:
        yield
    except _Left:
        raise ConnectionResetError("the client left") from None
    finally:
        over = True
        gevent.killall(spawned, block=False)

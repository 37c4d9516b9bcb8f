"""The log of one run of a container, as Kubernetes keeps it on the node."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import urllib3

from d2k.cluster.client import KubeClient
from d2k.cluster.resources import PODS
from d2k.translate.loglines import Line, LineSplitter
from d2k.translate.record import MAIN

READ_SIZE = 64 * 1024
# A log that is not followed comes without pauses; one that is may be silent for days, and TCP's own probes
# notice a dead API server.
READ_TIMEOUT = 60.0

_COMPLAINTS = (b"unable to retrieve container logs for ", b"failed to try resolving symlinks in path ")


class LogStream:
    """An open log; iterate it for its lines, and close it (any greenlet may) to free the connection."""

    def __init__(
        self,
        client: KubeClient,
        pod: str,
        *,
        follow: bool = False,
        previous: bool = False,
        tail: int | None = None,
        since: bytes = b"",
    ):
        """Open the log of a Pod's main container.

        `tail` is how many of its last lines are wanted, `since` an RFC 3339 time of which Kubernetes only regards the
        whole seconds; `previous` means the run before the last restart in place. Raises KubeError.
        """
        query: dict[str, Any] = {"container": MAIN, "timestamps": True, "follow": follow, "previous": previous}
        if tail is not None:
            query["tailLines"] = tail
        if since:
            query["sinceTime"] = since.decode()
        self._response = client.open(PODS, pod, "log", query=query, read_timeout=None if follow else READ_TIMEOUT)
        # Whether the log came to its end, rather than the connection.
        self.complete = False

    def __enter__(self) -> LogStream:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __iter__(self) -> Iterator[Line]:
        """Yield the lines as they come; ends with the log, with the connection, or on `close`."""
        splitter = LineSplitter()
        try:
            while data := self._response.read1(READ_SIZE):
                yield from filter(_is_output, splitter.feed(data))
        except (urllib3.exceptions.HTTPError, OSError, ValueError, AttributeError):
            # A connection that another greenlet closed shows as any of these. What is cut off is read again.
            return
        self.complete = True
        yield from filter(_is_output, splitter.finish())

    def close(self) -> None:
        """Drop the connection: its rest is not wanted, so it cannot be used again."""
        self._response.close()


def _is_output(line: Line) -> bool:
    """Say whether the process wrote this: the kubelet puts its own complaints about a lost log where the log was."""
    return bool(line.stamp) or not line.text.startswith(_COMPLAINTS)

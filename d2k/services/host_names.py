"""Addresses of load balancers that have a host name: Docker's clients read nothing but IP addresses."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass

import gevent
import gevent.socket

log = logging.getLogger(__name__)

# How long an answer holds, and how long the lack of one: the name of a new load balancer takes its time to be known.
FRESH_SECONDS = 60.0
RETRY_SECONDS = 5.0
# How long the first question about a name may delay its asker.
WAIT_SECONDS = 2.0
MOST_NAMES = 1024


def resolve(name: str) -> str:
    """Return an IP address of a host name, IPv4 if there is one; empty when there is none."""
    try:
        found = gevent.socket.getaddrinfo(name, None, type=gevent.socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        log.debug("%s has no address: %s", name, error)
        return ""
    addresses = [str(info[4][0]) for info in found]
    return min(addresses, key=lambda address: ":" in address, default="")


@dataclass(frozen=True)
class _Known:
    address: str
    until: float


class HostNames:
    """Remembers addresses; only the first question about a name waits, later ones are answered from what is known."""

    def __init__(self, ask: Callable[[str], str] = resolve, clock: Callable[[], float] = time.monotonic):
        """`ask` resolves one name, `clock` counts seconds."""
        self._ask = ask
        self._clock = clock
        self._known: dict[str, _Known] = {}

    def address(self, name: str) -> str:
        """Return the IP address of a host name, empty while it has none."""
        known = self._known.get(name)
        if known is not None and known.until > self._clock():
            return known.address
        before = known.address if known else ""
        # Others who ask meanwhile get what was known before.
        self._keep(name, before, RETRY_SECONDS)
        asking = gevent.spawn(self._refresh, name, before)
        if known is None:
            asking.join(WAIT_SECONDS)
            return str(asking.value or "")
        return before

    def _refresh(self, name: str, before: str) -> str:
        found = self._ask(name)
        self._keep(name, found or before, FRESH_SECONDS if found else RETRY_SECONDS)
        return found

    def _keep(self, name: str, address: str, seconds: float) -> None:
        if len(self._known) >= MOST_NAMES:
            self._known.clear()
        self._known[name] = _Known(address, self._clock() + seconds)

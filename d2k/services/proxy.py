"""Published ports that d2k itself listens on: D2K_PUBLISH=proxy, for clients that dial the Docker host."""

from __future__ import annotations

import errno
import logging
import os
import time
from collections.abc import Mapping
from typing import Any, Protocol

import gevent
import gevent.event

from d2k.cluster.cache import ClusterCache
from d2k.cluster.datagrams import UdpPort
from d2k.cluster.pod_dial import PodDialer, address
from d2k.cluster.relay import Stream, TcpPort
from d2k.cluster.resources import DEPLOYMENTS, PODS, SERVICES, Resource
from d2k.cluster.store import container_key
from d2k.services.lookup import ContainerLookup, is_up
from d2k.translate import published
from d2k.translate.state import current_pod

Object = dict[str, Any]
# (protocol, host port)
HostPort = tuple[str, int]

log = logging.getLogger(__name__)

# A port that is in use may be held by a d2k that is just being replaced.
RETRY_SECONDS = 2.0
# How long a port opened for a start waits for that start to be seen: longer than a request to the API server may take.
HOLD_SECONDS = 60.0


class HostPortError(Exception):
    """A host port cannot be listened on; `taken` says that somebody else does, `str` is the system's reason."""

    def __init__(self, host_port: HostPort, where: str, error: OSError):
        protocol, number = host_port
        reason = os.strerror(error.errno).lower() if error.errno else str(error)
        super().__init__(f"listen {protocol} {where}:{number}: bind: {reason}")
        self.host_port = host_port
        self.taken = error.errno == errno.EADDRINUSE


class _Open(Protocol):
    """A port that is listened on."""

    def close(self) -> None:
        """Free it."""


class PortProxy:
    """Listens on the host ports of running containers, and passes what comes there on to their Pods.

    Which ports those are is in the cluster: the Services with the annotation for it. So another d2k opens the same.
    """

    def __init__(self, cache: ClusterCache, lookup: ContainerLookup, dialer: PodDialer, host: str):
        """`host` is the address to listen on."""
        self._cache = cache
        self._lookup = lookup
        self._dialer = dialer
        self._host = host
        # Container → its open ports, with the port of the Pod that each leads to.
        self._open: dict[str, dict[HostPort, tuple[int, _Open]]] = {}
        # Containers that are just being started, and until when their ports stay open for that.
        self._held: dict[str, float] = {}
        # Containers with a port that could not be opened: each is tried again by one timer.
        self._failed: set[str] = set()
        self._dirty: set[str] = set()
        self._wake = gevent.event.Event()

    def start(self) -> None:
        """Open the ports of every running container, then follow the cache."""
        self._cache.listen(self._changed)
        for container in self._lookup.all():
            self._mark(container.key)
        gevent.spawn(self._run)

    def open(self, key: str, ports: Mapping[HostPort, int]) -> None:
        """Open ports (host port → the Pod's) of a container that is about to start, all of them or none.

        Raises HostPortError for the first one that cannot be listened on.
        """
        if not ports:
            return
        before = set(self._open.get(key, ()))
        try:
            for host_port, port in ports.items():
                self._listen(key, host_port, port)
        except HostPortError:
            for host_port in set(self._open.get(key, ())) - before:
                self._close(key, host_port)
            raise
        self._held[key] = time.monotonic() + HOLD_SECONDS
        gevent.spawn_later(HOLD_SECONDS, self._mark, key)

    def release(self, key: str) -> None:
        """Close the container's ports at once: it is not started after all, or another one gets them."""
        self._held.pop(key, None)
        for host_port in list(self._open.get(key, ())):
            self._close(key, host_port)

    # -- following ----------------------------------------------------------------------------------------------

    def _changed(self, resource: Resource, _change: str, obj: Object) -> None:
        if resource in (DEPLOYMENTS, PODS, SERVICES):
            self._mark(container_key(obj))

    def _mark(self, key: str) -> None:
        self._dirty.add(key)
        self._wake.set()

    def _run(self) -> None:
        while True:
            self._wake.wait()
            self._wake.clear()
            while self._dirty:
                key = self._dirty.pop()
                try:
                    self._sync(key)
                except Exception:
                    log.exception("container %s: its ports could not be looked at", key[:12])

    def _sync(self, key: str) -> None:
        """Open and close what the container's state and its Services ask for."""
        container = self._lookup.by_key(key)
        up = container is not None and is_up(container)
        if up or container is None or self._held.get(key, 0.0) <= time.monotonic():
            self._held.pop(key, None)
        if key in self._held:
            return
        wanted = published.proxied(container.services) if container and up else {}
        for host_port, (port, _) in list(self._open.get(key, {}).items()):
            if wanted.get(host_port) != port:
                self._close(key, host_port)
        failures = [failure for item in wanted.items() if (failure := self._try_listen(key, *item))]
        if failures and key not in self._failed:
            log.warning("container %s: %s; trying again until it works", key[:12], "; ".join(map(str, failures)))
            self._failed.add(key)
            gevent.spawn(self._retry, key)
        elif not failures:
            self._failed.discard(key)

    def _try_listen(self, key: str, host_port: HostPort, port: int) -> HostPortError | None:
        try:
            self._listen(key, host_port, port)
        except HostPortError as error:
            return error
        return None

    def _retry(self, key: str) -> None:
        while key in self._failed:
            gevent.sleep(RETRY_SECONDS)
            self._mark(key)

    # -- ports --------------------------------------------------------------------------------------------------

    def _listen(self, key: str, host_port: HostPort, port: int) -> None:
        if host_port in self._open.get(key, {}):
            return
        protocol, number = host_port
        opened: _Open
        try:
            if protocol == "udp":
                opened = UdpPort(self._host, number, lambda: (address(self._pod(key)), port))
            else:
                opened = TcpPort(self._host, number, lambda: self._connect(key, port))
        except OSError as error:
            raise HostPortError(host_port, self._host, error) from error
        self._open.setdefault(key, {})[host_port] = (port, opened)

    def _close(self, key: str, host_port: HostPort) -> None:
        _, opened = self._open[key].pop(host_port)
        opened.close()
        if not self._open[key]:
            del self._open[key]

    def _connect(self, key: str, port: int) -> Stream:
        return self._dialer.connect(self._pod(key), port)

    def _pod(self, key: str) -> Object:
        container = self._lookup.by_key(key)
        pod = current_pod(container) if container else None
        if pod is None:
            raise ConnectionRefusedError(errno.ECONNREFUSED, "the container does not run")
        return pod

"""Published ports: the Services of a container, from its start to its removal."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any

import gevent.lock

from d2k.cluster.cache import ClusterCache
from d2k.cluster.errors import KubeError
from d2k.cluster.resources import SERVICES
from d2k.config import Config
from d2k.errors import DockerError, NotSupported, SystemFailure
from d2k.services.lookup import ContainerLookup, is_up
from d2k.services.proxy import HostPortError, PortProxy
from d2k.translate import ports, published
from d2k.translate.ids import derived_id
from d2k.translate.inspect import shown_config
from d2k.translate.record import Container

Object = dict[str, Any]


class Publisher:
    """Gives a starting container its Services, and takes them away with it."""

    def __init__(self, cache: ClusterCache, lookup: ContainerLookup, config: Config, proxy: PortProxy):
        self._cache = cache
        self._lookup = lookup
        self._config = config
        self._proxy = proxy
        # Two containers that start at once must not both see a host port free.
        self._choosing = gevent.lock.Semaphore()

    def ensure(self, container: Container) -> None:
        """Make the Services that publish this container's ports, unless they are there.

        Raises SystemFailure with the engine's text when a running container of d2k holds a host port, or with
        D2K_PUBLISH=proxy anything else on d2k's machine; NotSupported when the proxy cannot carry a protocol. A
        container that does not run gives its Services up; it gets them again at its next start.
        """
        try:
            self._ensure_all(container)
        except (DockerError, KubeError):
            self._proxy.release(container.key)
            raise

    def _ensure_all(self, container: Container) -> None:
        host = container.host_config
        explicit = ports.bindings({**host, "PublishAllPorts": False})
        self._ensure(container, f"{container.object_name}-published", explicit, self._config.publish)
        if host.get("PublishAllPorts"):
            bound = {binding.port for binding in explicit}
            exposed = ports.exposed_ports(shown_config(container).get("ExposedPorts"))
            rest = [ports.Binding(p.number, p.protocol, "", 0, 0) for p in exposed if p not in bound]
            mode = published.PROXY if self._config.publish == published.PROXY else published.NODE_PORT
            self._ensure(container, f"{container.object_name}-exposed", rest, mode)

    def wait_for_addresses(self, container: Container) -> None:
        """Wait until every Service can be reached, D2K_PUBLISH_TIMEOUT seconds at most: some clouds take minutes."""
        deadline = time.monotonic() + self._config.publish_timeout
        with self._cache.changes(container.key) as changes:
            while not all(map(published.has_address, self._services(container))):
                left = deadline - time.monotonic()
                if left <= 0 or not changes.wait(left):
                    return

    def withdraw(self, container: Container) -> None:
        """Delete the container's Services."""
        self._proxy.release(container.key)
        for service in self._services(container):
            self._cache.discard(SERVICES, service)

    def _services(self, container: Container) -> list[Object]:
        return [s for s in self._cache[SERVICES].of_container(container.key) if published.is_published(s)]

    def _ensure(self, container: Container, name: str, wishes: Sequence[ports.Binding], mode: str) -> None:
        if not wishes:
            return
        with self._choosing:
            existing = self._cache[SERVICES].get(name)
            if existing is not None and self._reopen(container, existing):
                return
            given = self._choose(container, wishes, mode)
            self._cache.create(SERVICES, published.service(container, name, given, mode))

    def _reopen(self, container: Container, service: Object) -> bool:
        """Listen again on the ports of the last run; if somebody has one of them by now, delete their Service."""
        try:
            self._proxy.open(container.key, published.proxied([service]))
        except HostPortError:
            self._cache.discard(SERVICES, service)
            return False
        return True

    def _choose(self, container: Container, wishes: Sequence[ports.Binding], mode: str) -> list[ports.Published]:
        if mode == published.NODE_PORT and all(wish.host_from == 0 for wish in wishes):
            return [ports.Published(w.container_port, w.protocol, "", 0) for w in wishes]
        if mode == published.PROXY and any(wish.protocol == "sctp" for wish in wishes):
            raise NotSupported("D2K_PUBLISH=proxy carries TCP and UDP only: an SCTP port cannot be published here")
        taken = self._taken(container, wishes)
        try:
            while True:
                given = ports.publish_ranges(wishes, taken, container.id)
                if mode != published.PROXY or self._open(container, given, taken):
                    return given
        except SystemFailure as problem:
            endpoint = derived_id(container.id, "bridge", str(container.run + 1))
            raise SystemFailure(ports.start_failure(container.name, endpoint, problem)) from problem

    def _open(self, container: Container, given: Sequence[ports.Published], taken: set[tuple[str, int]]) -> bool:
        """Listen on the given ports; one that is in use on d2k's machine is added to `taken`."""
        try:
            self._proxy.open(container.key, {(port.protocol, port.host_port): port.container_port for port in given})
        except HostPortError as problem:
            if not problem.taken:
                raise SystemFailure(str(problem)) from problem
            taken.add(problem.host_port)
            return False
        return True

    def _taken(self, container: Container, wishes: Sequence[ports.Binding]) -> set[tuple[str, int]]:
        wanted = {(wish.protocol, port) for wish in wishes for port in range(wish.host_from, wish.host_to + 1) if port}
        taken: set[tuple[str, int]] = set()
        for other in self._lookup.all():
            if other.key == container.key:
                continue
            held = {port for service in other.services for port in published.host_ports(service)}
            if held & wanted and not is_up(other):
                self.withdraw(other)
            else:
                taken |= held
        return taken

"""Networks: what Docker's verbs mean on a cluster whose Pods all share one network."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from d2k.cluster.cache import ClusterCache
from d2k.cluster.errors import KubeAlreadyExistsError, KubeConflictError, KubeError
from d2k.cluster.resources import CONFIG_MAPS, DEPLOYMENTS, ENDPOINT_SLICES, SERVICES, Resource
from d2k.config import Config
from d2k.errors import Conflict, Forbidden, InvalidParameter, NotFound, SystemFailure
from d2k.services.clock import now_ns
from d2k.services.endpoints import EndpointKeeper
from d2k.services.lookup import ContainerLookup
from d2k.translate import annotations as marks
from d2k.translate import connections, endpoints, ids, networks
from d2k.translate import filters as docker_filters
from d2k.translate.networks import HOST, Network
from d2k.translate.record import Container
from d2k.translate.times import rfc3339

Object = dict[str, Any]

log = logging.getLogger(__name__)
# The program's own log: what follows from its design and not from an error.
notices = logging.getLogger("d2k")


class Networks:
    """Docker's networks in the namespace: three that always are, and the user's."""

    def __init__(
        self,
        cache: ClusterCache,
        lookup: ContainerLookup,
        config: Config,
        keeper: EndpointKeeper | None = None,
        now: Callable[[], int] = now_ns,
    ):
        """`keeper` writes the names of a new network, `now` gives nanoseconds since 1970."""
        self._cache = cache
        self._lookup = lookup
        self._keeper = keeper or EndpointKeeper(cache, lookup)
        self._config = config
        self._now = now

    # -- for containers -----------------------------------------------------------------------------------------

    def all(self) -> list[Network]:
        """Return every network: bridge, host and none, then the user's in the order of their names."""
        stored = map(networks.network, filter(networks.is_network, self._cache[CONFIG_MAPS].all()))
        return networks.predefined(self._cache.namespace) + sorted(stored, key=lambda one: one.name)

    def resolve(self, reference: str) -> Network:
        """Return the network that an id, a name or a unique prefix of an id names.

        Raises NotFound ("network … not found"), or InvalidParameter for a prefix of several ids.
        """
        return ids.resolve(
            reference,
            ((one.id, one.name, one) for one in self.all()),
            lambda text: f"network {text} not found",
            lambda text, count: f"network {text} is ambiguous ({count} matches found based on ID prefix)",
        )

    def known(self, names: Iterable[str]) -> list[Network]:
        """Return those of these networks that exist, in the order given."""
        by_name = networks.by_name(self.all())
        return [by_name[name] for name in names if name in by_name]

    def endpoint_settings(
        self, spec: Mapping[str, Any], container_id: str, name: str, *, named: bool = True
    ) -> tuple[Object, list[str]]:
        """Return the networks of a create request (name → settings), the first one first, and warnings for the user.

        `named` says whether the user chose the name. Raises what `translate.connections.requested` raises.
        """
        return connections.requested(spec, (container_id, name), self.all(), self.resolve, self._config, named=named)

    def check(self, container: Container) -> None:
        """Make sure, before a start, that every network of the container exists, and that its Pod will search it.

        A network that was removed and made again has another id; that is written down. Raises NotFound with the
        engine's text.
        """
        by_name = networks.by_name(self.all())
        current: Object = {}
        for name, settings in container.networks.items():
            if name not in by_name:
                raise NotFound(f"failed to set up container networking: network {name} not found")
            names = None if by_name[name].predefined else endpoints.names_in(container, name)
            current[name] = {**settings, "NetworkID": by_name[name].id, "DNSNames": names}
        if current != container.networks:
            self._change(container, lambda _: current)

    def in_use(self, containers: Iterable[Container]) -> set[str]:
        """Return the names of the networks that have a running container."""
        return {name for one in containers if endpoints.addresses(one) for name in one.networks}

    # -- Docker's verbs -----------------------------------------------------------------------------------------

    def list_all(self, filters: docker_filters.Filters, *, containers: bool = False) -> list[Object]:
        """Return Docker's Networks that the filters let through, with their containers if asked for.

        Raises InvalidParameter for a bad filter.
        """
        networks.check_filters(filters)
        everyone = self._lookup.all() if containers or "dangling" in filters else []
        used = self.in_use(everyone)
        found = [one for one in self.all() if networks.listed(one, filters, in_use=one.name in used)]
        return [self._document(one, everyone if containers else None) for one in found]

    def inspect(self, reference: str, scope: str = "") -> Object:
        """Return Docker's Network with its running containers. Raises NotFound."""
        if scope not in ("", "local"):
            raise NotFound(f"network {reference} not found")
        return self._document(self.resolve(reference), self._lookup.all())

    def create(self, request: Mapping[str, Any]) -> Object:
        """Do `POST /networks/create`: store the network and make its Service; return Docker's answer.

        Raises Conflict for a name that is taken, and what `translate.networks.check_request` raises.
        """
        warnings = networks.check_request(request)
        name = request["Name"]
        stored_request = {key: value for key, value in request.items() if key != "CheckDuplicate"}
        network = Network(ids.new_id(), name, created=rfc3339(self._now()), request=stored_request)
        try:
            stored = self._cache.create(CONFIG_MAPS, networks.config_map(network))
        except KubeAlreadyExistsError:
            raise Conflict(f"network with name {name} already exists") from None
        try:
            self._keeper.sync(name)
        except KubeConflictError:
            log.debug("another d2k keeps the names of network %s", name)
        except KubeError:
            self._cache.delete(CONFIG_MAPS, stored)
            raise
        notices.warning(
            "network %s: isolation is not enforced: names resolve for its members only, but every Pod can reach every "
            "address; use a NetworkPolicy where that matters",
            name,
        )
        return {"Id": network.id, "Warning": " ".join(warnings)}

    def connect(self, reference: str, container_reference: str, given: Mapping[str, Any]) -> None:
        """Connect a container, which may run, to a network; a stopped one's settings there are replaced.

        Raises NotFound, Forbidden when it runs and is connected already, InvalidParameter with the engine's texts.
        """
        network = self.resolve(reference)
        container = self._container(container_reference)
        running = bool(endpoints.addresses(container))
        connections.check_connectable(network, container)
        endpoints.check(network, given)
        if running and network.name in container.networks:
            raise Forbidden(f"endpoint with name {container.name} already exists in network {network.name}")

        def with_network(now: Container) -> Object:
            names = None
            if not network.predefined:
                hostname = now.spec.get("Hostname") or ""
                names = endpoints.dns_names(now.id, now.name, hostname, given.get("Aliases") or [])
            return {**now.networks, network.name: endpoints.settings(given, network.id, names)}

        changed = self._change(container, with_network)
        if running and not network.predefined:
            notices.warning(
                "container %s runs: it is found in network %s now, and itself looks names up there from its next start",
                container.name,
                network.name,
            )
        names = changed.networks[network.name]["DNSNames"] or []
        for text in endpoints.name_warnings(network.name, names) + endpoints.warnings(network.name, given):
            notices.warning("container %s: %s", container.name, text)

    def disconnect(self, reference: str, container_reference: str, *, force: bool = False) -> None:
        """Disconnect a container from a network.

        Raises NotFound, SystemFailure when it is not connected (the engine's own kind), InvalidParameter for host.
        """
        network = self.resolve(reference)
        try:
            container = self._container(container_reference)
        except NotFound:
            if force:
                raise NotFound(f"endpoint {container_reference} not found") from None
            raise
        if network.name not in container.networks:
            raise SystemFailure(f"container {container.id} is not connected to network {network.name}")
        if network.name == HOST:
            raise InvalidParameter(
                "cannot disconnect container from host network - container was created in host network mode"
            )
        self._change(container, lambda now: {key: value for key, value in now.networks.items() if key != network.name})

    def remove(self, reference: str) -> None:
        """Remove a network. Raises NotFound, and Forbidden for a predefined one or one with running containers."""
        network = self.resolve(reference)
        if network.predefined:
            raise Forbidden(f"{network.name} is a pre-defined network and cannot be removed")
        members = endpoints.running_members(network.name, self._lookup.all())
        if members:
            active = ", ".join(
                f'name:"{one.name}" id:"{endpoints.endpoint_id(one, network.name)[:12]}"' for one in members
            )
            raise Forbidden(f"error while removing network: network {network.name} has active endpoints ({active})")
        self._delete(network)

    def prune(self, filters: docker_filters.Filters) -> Object:
        """Remove the user's networks without a running container and report them.

        Raises InvalidParameter for a bad filter.
        """
        docker_filters.check(filters, networks.PRUNE_FILTERS)
        until = docker_filters.until(filters, self._now())
        used = self.in_use(self._lookup.all())
        deleted = []
        for network in self.all():
            if network.name in used or not networks.prunable(network, filters, until):
                continue
            try:
                self._delete(network)
            except KubeError as error:
                log.warning("network %s cannot be removed: %s", network.name, error)
                continue
            deleted.append(network.name)
        return {"NetworksDeleted": deleted or None}

    # -- parts --------------------------------------------------------------------------------------------------

    def _document(self, network: Network, containers: Iterable[Container] | None) -> Object:
        document = networks.document(network)
        if containers is not None:
            document["Containers"] = endpoints.container_map(network, containers)
        return document

    def _container(self, reference: str) -> Container:
        if not reference:
            raise InvalidParameter('invalid name or ID supplied: ""')
        return self._lookup.get(reference)

    def _change(self, container: Container, edit: Callable[[Container], Object]) -> Container:
        """Write the container's networks as `edit` makes them of its newest state; return the changed container."""
        while True:
            try:
                self._patch(container, edit(container))
            except KubeConflictError:
                self._cache.read(DEPLOYMENTS, container.object_name)
                container = self._fresh(container)
            else:
                return self._fresh(container)

    def _fresh(self, container: Container) -> Container:
        now = self._lookup.fresh(container)
        if now is None:
            raise NotFound(f"No such container: {container.id}")
        return now

    def _patch(self, container: Container, current: Object) -> None:
        """Write the annotation, and into the template of a container that does not run also where its Pod searches.

        A changed template would replace a Pod that runs. Raises KubeConflictError when the Deployment has changed since
        the container was read.
        """
        meta = container.deployment["metadata"]
        patch: Object = {
            "metadata": {
                "resourceVersion": meta["resourceVersion"],
                "annotations": {marks.NETWORKS: marks.encode(current)},
            }
        }
        if container.deployment["spec"].get("replicas") == 0:
            patch["spec"] = {"template": {"spec": self._dns(container, current)}}
        self._cache.patch(DEPLOYMENTS, container.object_name, patch)

    def _dns(self, container: Container, current: Object) -> Object:
        host = container.host_config
        domains = networks.search_domains(self.known(current), self._cache.namespace, self._config.cluster_domain)
        searches = [*domains, *(host.get("DnsSearch") or ())]
        # Only the cluster's own servers know the names of a network.
        own_servers = bool(host.get("Dns")) and not domains
        return {
            "dnsConfig": {"searches": searches or None},
            "dnsPolicy": "None" if own_servers else "ClusterFirst",
        }

    def _delete(self, network: Network) -> None:
        """Delete the network, then what belongs to it: Kubernetes would, too, a little later."""
        self._remove(CONFIG_MAPS, networks.config_map_name(network.name))
        self._remove(SERVICES, network.service)
        for stored in self._cache[ENDPOINT_SLICES].all():
            if (stored["metadata"].get("labels") or {}).get(endpoints.SERVICE) == network.service:
                self._remove(ENDPOINT_SLICES, stored["metadata"]["name"])

    def _remove(self, resource: Resource, name: str) -> None:
        stored = self._cache[resource].get(name)
        if stored is not None:
            self._cache.discard(resource, stored)

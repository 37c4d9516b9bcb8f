"""Finding containers in the cache, as the Docker Engine finds them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from d2k.cluster.cache import ClusterCache
from d2k.cluster.resources import DEPLOYMENTS, PODS, SERVICES
from d2k.errors import Conflict
from d2k.services.clock import now_ns
from d2k.translate.ids import ID_LENGTH, resolve
from d2k.translate.labels import CONTAINER, KIND, container_label
from d2k.translate.record import RUNNING, Container
from d2k.translate.state import current_pod, state_of


class ContainerLookup:
    """Containers by id, name or prefix; never a call to the API server."""

    def __init__(self, cache: ClusterCache):
        self._cache = cache
        # What is derived from a container is kept with it, so the same Container serves until an object of it changes.
        self._known: dict[str, Container] = {}

    def all(self) -> list[Container]:
        """Return every container, the newest first."""
        found = [
            self._container(deployment)
            for deployment in self._cache[DEPLOYMENTS].all()
            if (deployment["metadata"].get("labels") or {}).get(KIND) == "container"
        ]
        if len(self._known) > len(found):
            self._known = {container.key: container for container in found}
        return sorted(found, key=lambda container: container.created, reverse=True)

    def get(self, reference: str) -> Container:
        """Return the container that an id, a name or a unique prefix of an id names.

        Raises NotFound ("No such container: …"), or InvalidParameter for a prefix of several ids.
        """
        exact = self.by_key(container_label(reference)) if len(reference) == ID_LENGTH else None
        if exact is not None and exact.id == reference:
            return exact
        candidates = ((container.id, container.name, container) for container in self.all())
        return resolve(reference, candidates, lambda text: f"No such container: {text}")

    def by_key(self, key: str) -> Container | None:
        """Return the container whose objects carry this label value."""
        for deployment in self._cache[DEPLOYMENTS].of_container(key):
            return self._container(deployment)
        return None

    def by_name(self, name: str) -> Container | None:
        """Return the container of exactly this name."""
        return next((container for container in self.all() if container.name == name), None)

    def fresh(self, container: Container) -> Container | None:
        """Return the same container as it is now; None when it is gone."""
        return self.by_key(container.key)

    def _container(self, deployment: dict[str, Any]) -> Container:
        key = deployment["metadata"]["labels"][CONTAINER]
        pods, services = self._cache[PODS].of_container(key), self._cache[SERVICES].of_container(key)
        known = self._known.get(key)
        # The cache replaces an object that changes and never alters one: comparing is mostly comparing identities.
        if known is None or known.deployment is not deployment or known.pods != pods or known.services != services:
            known = self._known[key] = Container(deployment, pods, services)
        return known


def is_up(container: Container) -> bool:
    """Say whether the container runs, or is being started: its process is about to run then."""
    return container.desired == RUNNING or state_of(container, now_ns()).running


def running_pod(container: Container) -> dict[str, Any]:
    """Return the Pod of a running container. Raises Conflict with the engine's text."""
    state = state_of(container, now_ns())
    pod = current_pod(container)
    if state.status == "restarting":
        raise Conflict(f"Container {container.id} is restarting, wait until the container is running")
    if not state.running or pod is None:
        raise Conflict(f"container {container.id} is not running")
    return pod


@dataclass(frozen=True)
class ImageUse:
    """A container that was made from an image; `id` is the container's."""

    id: str
    running: bool


class ImageUses:
    """Which containers hold an image."""

    def __init__(self, lookup: ContainerLookup):
        self._lookup = lookup

    def of(self, image_id: str) -> list[ImageUse]:
        """Return the containers made from the image of this id."""
        now = now_ns()
        return [
            ImageUse(container.id, state_of(container, now).running)
            for container in self._lookup.all()
            if container.image["Id"] == image_id
        ]

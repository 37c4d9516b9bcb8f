"""`docker ps` and `docker inspect`: answered from the cache alone."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from d2k.errors import InvalidParameter
from d2k.services.clock import now_ns
from d2k.services.images import Images
from d2k.services.lookup import ContainerLookup
from d2k.translate import inspect, selection
from d2k.translate.state import state_of

Object = dict[str, Any]


class Listing:
    """What there is to know of containers."""

    def __init__(
        self,
        lookup: ContainerLookup,
        ancestors: Callable[[str], set[str]],
        proxy_address: str,
        resolve: Callable[[str], str],
    ):
        """`ancestors` gives the ids of the images that a reference stands for, with what was made of them.

        `proxy_address` is where d2k itself listens for its containers, `resolve` gives the IP address of a host name.
        """
        self._lookup = lookup
        self._ancestors = ancestors
        self._proxy_address = proxy_address
        self._resolve = resolve

    def list_all(self, filters: Mapping[str, list[str]], *, everything: bool, limit: int, size: bool) -> list[Object]:
        """Return the rows of `GET /containers/json`, the newest first.

        `everything` also shows what does not run, `limit` the newest so many, `size` adds the sizes, which Kubernetes
        does not tell: they are 0. Raises InvalidParameter for filters that the engine refuses.
        """
        now = now_ns()
        candidates = [selection.Candidate(container, state_of(container, now)) for container in self._lookup.all()]
        chosen = selection.select(
            candidates,
            filters,
            everything=everything,
            limit=limit,
            find=self._lookup.get,
            ancestors=self._ancestors,
        )
        rows = [inspect.row(c.container, c.state, self._proxy_address, now, self._resolve) for c in chosen]
        return [row | {"SizeRw": 0, "SizeRootFs": 0} for row in rows] if size else rows

    def inspect(self, reference: str, *, size: bool = False) -> Object:
        """Return the answer of `GET /containers/{id}/json`. Raises NotFound."""
        container = self._lookup.get(reference)
        document = inspect.details(container, state_of(container, now_ns()), self._proxy_address, self._resolve)
        return document | ({"SizeRw": 0, "SizeRootFs": 0} if size else {})

    def counts(self) -> dict[str, int]:
        """Return how many containers there are in each of Docker's states."""
        now = now_ns()
        counts: dict[str, int] = {}
        for container in self._lookup.all():
            status = state_of(container, now).status
            counts[status] = counts.get(status, 0) + 1
        return counts


class ImageAncestry:
    """Which images an `ancestor` filter means; what was built from them only the engine that built it knows."""

    def __init__(self, images: Images):
        self._images = images

    def ids(self, reference: str) -> set[str]:
        """Return the id of the image that a name or an id means; nothing for an unknown one."""
        try:
            record = self._images.find(reference)
        except InvalidParameter:
            return set()
        return {record.id} if record else set()

"""Images: what Docker's verbs mean where the nodes pull and d2k remembers."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

from d2k.cluster.cache import ClusterCache
from d2k.errors import NotFound
from d2k.registry.client import Registry
from d2k.services.clock import now_ns
from d2k.services.image_store import ImageStore
from d2k.services.pull import Puller
from d2k.translate import image_removal, image_views, images, platforms, references
from d2k.translate.filters import Filters
from d2k.translate.image_filters import ListFilter, PruneFilter, as_shown
from d2k.translate.image_index import ImageIndex, pinned, shown
from d2k.translate.image_removal import Removal, Use
from d2k.translate.images import ImageRecord
from d2k.translate.platforms import Platform

Object = dict[str, Any]
Version = tuple[int, ...]

log = logging.getLogger(__name__)


class Images:
    """The images that were pulled, tagged or used, remembered in the cluster; every read is from the cache."""

    def __init__(
        self,
        cache: ClusterCache,
        registry: Registry | None,
        containers_using: Callable[[str], Sequence[Use]],
        now: Callable[[], int] = now_ns,
    ) -> None:
        """Take the registry client, None when registries are not to be asked.

        `containers_using` gives the containers made from the image of an id; `now` nanoseconds since 1970.
        """
        self._registry = registry
        self._uses = containers_using
        self._now = now
        self._store = ImageStore(cache)
        self._puller = Puller(registry, self, now)

    # -- for containers -----------------------------------------------------------------------------------------

    def find(self, text: str) -> ImageRecord | None:
        """Return the image that an id, a name or the beginning of an id means. Raises InvalidParameter."""
        return self._store.index().find(text)

    def get(self, text: str) -> ImageRecord:
        """Return the image like `find`. Raises NotFound with the Engine's text."""
        return _known(self._store.index(), text)

    def resolve_for_create(self, text: str, platform: str = "") -> tuple[ImageRecord, list[str]]:
        """Return the image that a container is to be made from, and Docker's Warnings about it.

        An unknown one raises NotFound, upon which clients pull; where no registry is asked it is made up from its
        name, with a Warning. Raises NotFound too when the image is not for `platform` (`os/arch[/variant]`).
        """
        wanted = platforms.parse(platform) if platform else None
        record = self.find(text)
        if record is None:
            reference = references.parse_any(text)
            if self._registry is not None or isinstance(reference, str):
                raise NotFound(f"No such image: {shown(text)}")
            record = self.remember(images.synthetic(reference, self._now()))
        if record.synthetic:
            return record, [
                f"no registry was asked about the image {shown(text)}: its entrypoint, ports, volumes, user and health "
                "check are not known to d2k; the cluster pulls it when the container starts"
            ]
        if wanted is not None:
            _check_platform(record, text, wanted)
        return record, []

    @staticmethod
    def pinned(record: ImageRecord, text: str) -> str:
        """Return what a pod's `image` must be for this record, asked for as `text`: `repo@sha256:…`, or the tag."""
        return pinned(record, text)

    def remember(self, record: ImageRecord) -> ImageRecord:
        """Store an image and return it; names that it has are taken from the images that had them before."""
        index = self._store.index()
        record = replace(
            record,
            tags={name: index.moment(name, record.id, given) for name, given in record.tags.items()},
            digests={name: index.moment(name, record.id, given) for name, given in record.digests.items()},
        )
        self._store.change(record.id, record.merged)
        self._release()
        return self._store.index().by_id(record.id) or record

    # -- Docker's verbs -----------------------------------------------------------------------------------------

    def pull(self, image: str, tag: str = "", platform: str = "", registry_auth: str = "") -> Iterator[Object]:
        """Do `POST /images/create?fromImage=…`: yield Docker's progress messages.

        `registry_auth` is the header X-Registry-Auth as sent. Whatever is wrong with the request, and most of what a
        registry refuses, is raised before the first message, as a DockerError.
        """
        return self._puller.pull(image, tag, platform, registry_auth)

    def count(self) -> int:
        """Return how many images are known, for `docker info`."""
        return len(self._store.index())

    def list_all(self, filters: Filters, version: Version, *, shared_size: bool = False) -> list[Object]:
        """Return Docker's list of images. Raises InvalidParameter, and NotFound for an unknown `before` or `since`."""
        index = self._store.index()
        chosen = ListFilter.read(filters, self._now(), lambda text: _known(index, text).created_ns)
        sizes = _shared_sizes(index) if shared_size else {}
        return [
            image_views.list_item(record, version, len(self._uses(record.id)), sizes.get(record.id, -1))
            for record in as_shown(index.newest_first, chosen)
        ]

    def inspect(self, text: str, version: Version, platform: str = "") -> Object:
        """Return Docker's description of an image. Raises NotFound.

        `platform` is an OCI platform as JSON; an image for another one is not found. Raises InvalidParameter for one
        that cannot be read.
        """
        wanted = platforms.from_json(platform) if platform else None
        record = self.get(text)
        if wanted is not None:
            _check_platform(record, text, wanted)
        return image_views.inspect(record, version)

    def history(self, text: str) -> list[Object]:
        """Return the steps that made an image. Raises NotFound."""
        return image_views.history(self.get(text))

    def tag(self, text: str, repository: str, tag: str) -> None:
        """Give an image one more name; it is taken from the image that had it. Raises InvalidParameter and NotFound."""
        reference = references.for_tag(repository, tag)
        index = self._store.index()
        record = _known(index, text)
        now = self._now()
        moment = index.moment(str(reference), record.id, now)

        def change(known: ImageRecord | None) -> ImageRecord:
            if known is None:
                raise NotFound(f"No such image: {shown(text)}")
            return replace(known.with_tag(reference, moment), tagged_at=now)

        self._store.change(record.id, change)
        self._release()

    def remove(self, text: str, *, force: bool = False) -> list[Object]:
        """Remove a name, and with its last name the image; report Docker's Untagged and Deleted.

        Only what d2k remembers goes: the nodes' kubelets remove layers when they need the room. Raises NotFound and
        Conflict.
        """
        record = self.get(text)
        removal = image_removal.plan(record, text, self._uses(record.id), force=force)
        self._remove(record, removal)
        return [*removal.report(record)]

    def prune(self, filters: Filters) -> Object:
        """Remove the images that no container uses, those without a tag only unless `dangling=false`.

        SpaceReclaimed is 0: no node's disk is touched. Raises InvalidParameter.
        """
        chosen = PruneFilter.read(filters, self._now())
        deleted: list[Object] = []
        for record in self._store.index().newest_first:
            if chosen.matches(record) and not self._uses(record.id):
                removal = image_removal.whole(record)
                self._remove(record, removal)
                deleted += removal.report(record)
        return {"ImagesDeleted": deleted or None, "SpaceReclaimed": 0}

    # -- records ------------------------------------------------------------------------------------------------

    def _remove(self, record: ImageRecord, removal: Removal) -> None:
        def change(known: ImageRecord | None) -> ImageRecord | None:
            left = known.without(removal.names) if known else None
            # A name that came meanwhile, from another d2k, keeps the image.
            return None if left and removal.deleted and not left.names else left

        self._store.change(record.id, change)

    def _release(self) -> None:
        """Take the names that moved from the records that had them, which changes nothing that anybody sees."""
        for image_id, lost in self._store.index().superseded.items():
            self._store.change(image_id, partial(self._released, lost))

    def _released(self, lost: dict[str, int], known: ImageRecord | None) -> ImageRecord | None:
        if known is None:
            return None
        given = {**known.tags, **known.digests}
        left = known.without([name for name, moment in lost.items() if given.get(name) == moment])
        # Of an image without content nothing would be left to see.
        return None if left.synthetic and not left.names and not self._uses(left.id) else left


def _known(index: ImageIndex, text: str) -> ImageRecord:
    record = index.find(text)
    if record is None:
        raise NotFound(f"No such image: {shown(text)}")
    return record


def _check_platform(record: ImageRecord, text: str, wanted: Platform) -> None:
    actual = platforms.normalised(record.os, record.architecture, record.variant)
    if not record.synthetic and not wanted.matches(actual):
        raise NotFound(platforms.mismatch(text, actual, wanted))


def _shared_sizes(index: ImageIndex) -> dict[str, int]:
    """Return, for each image, the bytes of its layers that other images have too."""
    counts: dict[str, int] = {}
    for record in index:
        for digest in {digest for digest, _ in record.blobs}:
            counts[digest] = counts.get(digest, 0) + 1
    return {record.id: sum(size for digest, size in record.blobs if counts[digest] > 1) for record in index}

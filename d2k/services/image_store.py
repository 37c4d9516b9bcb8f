"""The images that d2k knows, in the cluster: read from the cache, written so that no concurrent write is lost."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any

from d2k.cluster.cache import ClusterCache
from d2k.cluster.errors import KubeConflictError, KubeNotFoundError
from d2k.cluster.resources import CONFIG_MAPS
from d2k.translate import images
from d2k.translate.image_index import ImageIndex
from d2k.translate.images import ImageRecord

Object = dict[str, Any]
Change = Callable[[ImageRecord | None], ImageRecord | None]

log = logging.getLogger(__name__)

_ATTEMPTS = 10
# Seconds to wait for the watch to bring what another writer wrote; then the write is tried again with what is there.
_WATCH_DELAY = 1.0


class ImageStore:
    """Image records by id, one ConfigMap each."""

    def __init__(self, cache: ClusterCache) -> None:
        self._cache = cache
        # Decoded records by the version of their object, so that reading costs no decoding; never the truth itself.
        self._decoded: dict[tuple[str, str], ImageRecord] = {}

    def index(self) -> ImageIndex:
        """Return the images as they are now."""
        decoded: dict[tuple[str, str], ImageRecord] = {}
        for stored in self._cache[CONFIG_MAPS].all():
            if images.is_image(stored):
                meta = stored["metadata"]
                key = (meta["uid"], meta["resourceVersion"])
                decoded[key] = self._decoded.get(key) or images.read(stored)
        self._decoded = decoded
        return ImageIndex(decoded.values())

    def change(self, image_id: str, change: Change) -> ImageRecord | None:
        """Write what `change` makes of the stored record of this image (None: there is none), and return it.

        A result of None deletes the record. `change` is called again when somebody else wrote meanwhile. Raises
        KubeError when the cluster refuses.
        """
        name = images.object_name(image_id)
        for attempt in range(1, _ATTEMPTS + 1):
            with self._cache.changes() as changes:
                stored = self._cache[CONFIG_MAPS].get(name)
                known = images.read(stored) if stored is not None else None
                wanted = change(known)
                if wanted == known:
                    return wanted
                try:
                    self._write(stored, wanted)
                except (KubeConflictError, KubeNotFoundError):
                    if attempt == _ATTEMPTS:
                        raise
                    log.debug("the image %s was written by somebody else; trying again", image_id)
                    changes.wait(_WATCH_DELAY)
                else:
                    return wanted
        raise AssertionError("unreachable: the last attempt returns or raises")

    def _write(self, stored: Object | None, wanted: ImageRecord | None) -> None:
        if wanted is None:
            if stored is not None:
                self._cache.delete(CONFIG_MAPS, stored)
            return
        body = images.config_map(wanted)
        if stored is None:
            self._cache.create(CONFIG_MAPS, body)
            return
        body["metadata"]["resourceVersion"] = stored["metadata"]["resourceVersion"]
        self._cache.replace(CONFIG_MAPS, body["metadata"]["name"], body)

"""What d2k remembers on a container's Deployment, and how it is written."""

from __future__ import annotations

import base64
import zlib
from typing import Any

import orjson

ID = "d2k.io/id"
NAME = "d2k.io/name"
CREATED = "d2k.io/created"
SPEC = "d2k.io/spec"
IMAGE = "d2k.io/image"
MOUNTS = "d2k.io/mounts"
NETWORKS = "d2k.io/networks"
# How often the container was started, and what the user last asked for: created, running, stopped or removing.
RUN = "d2k.io/run"
DESIRED = "d2k.io/desired"
EXIT = "d2k.io/exit"
# How the user wants the run ended: {"Grace": seconds or null, "Kill": bool, "Restart": bool}.
STOP = "d2k.io/stop"
# Anonymous volumes go with a container that is being removed.
REMOVE_VOLUMES = "d2k.io/remove-volumes"
# The cluster dropped the container's own restart policy: d2k has to end the container itself.
FALLBACK = "d2k.io/restart-fallback"

# An object's annotations may hold 256 KiB together; a spec this small stays readable for kubectl.
COMPRESS_ABOVE = 4096
_COMPRESSED = "zlib:"


def encode(value: Any) -> str:
    """Return a JSON document as an annotation's value, compressed when it is long."""
    text = orjson.dumps(value)
    if len(text) <= COMPRESS_ABOVE:
        return text.decode()
    return _COMPRESSED + base64.b64encode(zlib.compress(text, 9)).decode()


def decode(text: str) -> Any:
    """Return what `encode` was given."""
    if text.startswith(_COMPRESSED):
        return orjson.loads(zlib.decompress(base64.b64decode(text[len(_COMPRESSED) :])))
    return orjson.loads(text)

"""The versions of the Docker Engine API that d2k speaks, as tuples: `1.51` is (1, 51)."""

from __future__ import annotations

MINIMUM = (1, 24)
MAXIMUM = (1, 51)


def dotted(version: tuple[int, ...]) -> str:
    """Return a version as it is written: `1.51`."""
    return ".".join(map(str, version))

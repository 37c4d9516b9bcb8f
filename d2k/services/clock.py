"""The wall clock, in the unit that the translation takes."""

from __future__ import annotations

import time


def now_ns() -> int:
    """Return nanoseconds since 1970."""
    return time.time_ns()

"""Waiting for what has no wait of its own in the API under test."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")

STEP = 0.05


def eventually(condition: Callable[[], T], timeout: float = 20.0, what: str = "") -> T:
    """Call `condition` until it returns something true, and return that.

    An AssertionError in it counts as "not yet", so that a plain assertion can be waited for. Raises AssertionError
    after `timeout` seconds, with `what` and the last result.
    """
    deadline = time.monotonic() + timeout
    while True:
        try:
            result = condition()
            if result:
                return result
            problem: object = f"it was {result!r}"
        except AssertionError as error:
            problem = error
        if time.monotonic() >= deadline:
            raise AssertionError(f"{what or 'the condition'} did not hold within {timeout:g} s: {problem}")
        time.sleep(STEP)

"""Doing once what several callers ask for at the same time, and keeping what never changes, within bounds."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Hashable
from concurrent.futures import Future
from typing import Generic, TypeVar

from d2k.registry.errors import InterruptedCallError

Value = TypeVar("Value")


class Shared(Generic[Value]):
    """Callers with the same key wait for the first one's result, or its failure, instead of working themselves."""

    def __init__(self) -> None:
        self._running: dict[Hashable, Future[Value]] = {}

    def call(self, key: Hashable, work: Callable[[], Value]) -> Value:
        """Return what `work` returns, or raise what it raises; for one key only one `work` runs at a time.

        When the caller that does the work is broken off (its client left), a waiting one takes over.
        """
        while (running := self._running.get(key)) is not None:
            try:
                return running.result()
            except InterruptedCallError:
                continue
        mine: Future[Value] = Future()
        self._running[key] = mine
        try:
            result = work()
        except Exception as error:
            self._done(key).set_exception(error)
            raise
        except BaseException:
            self._done(key).set_exception(InterruptedCallError("the request was broken off"))
            raise
        self._done(key).set_result(result)
        return result

    def _done(self, key: Hashable) -> Future[Value]:
        # Taken out first, so that whoever is woken by an interruption finds the place free.
        return self._running.pop(key)


class Recent(Generic[Value]):
    """The `limit` values that were used last, by key."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._values: OrderedDict[Hashable, Value] = OrderedDict()

    def __len__(self) -> int:
        return len(self._values)

    def get(self, key: Hashable) -> Value | None:
        """Return the value of this key and count it as used; None when it is not kept."""
        value = self._values.get(key)
        if value is not None:
            self._values.move_to_end(key)
        return value

    def put(self, key: Hashable, value: Value) -> None:
        """Keep a value; the one not used for longest goes when there are too many."""
        self._values[key] = value
        self._values.move_to_end(key)
        while len(self._values) > self._limit:
            self._values.popitem(last=False)

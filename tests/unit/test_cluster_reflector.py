from __future__ import annotations

from typing import Any

import orjson
import pytest

from d2k.cluster.errors import KubeUnavailableError
from d2k.cluster.reflector import SHORTEST_WATCH, Reflector
from d2k.cluster.resources import PODS
from d2k.cluster.store import Store


class Response:
    """A watch that sends its events and ends `seconds` after it was opened."""

    def __init__(self, clock: list[float], events: list[Any], seconds: float) -> None:
        self._clock, self._events, self._seconds = clock, events, seconds
        self.closed = False

    def stream(self, _size: int) -> Any:
        for event in self._events:
            yield orjson.dumps(event) + b"\n"
        self._clock[0] += self._seconds

    def close(self) -> None:
        self.closed = True


class Client:
    def __init__(self, response: Response) -> None:
        self.response = response

    def open(self, *_arguments: Any, **_options: Any) -> Response:
        return self.response


def watched(monkeypatch: pytest.MonkeyPatch, seconds: float, events: list[Any]) -> tuple[list[str], Response]:
    clock = [0.0]
    monkeypatch.setattr("d2k.cluster.reflector.time.monotonic", lambda: clock[0])
    response = Response(clock, events, seconds)
    reflector = Reflector(Client(response), PODS, "", Store(), lambda *_: None)  # type: ignore[arg-type]
    seen: list[str] = []
    try:
        seen.extend(reflector._watch("1"))
    finally:
        assert response.closed
    return seen, response


BOOKMARK = {"type": "BOOKMARK", "object": {"metadata": {"resourceVersion": "7"}}}


def test_a_watch_that_lasts_gives_the_versions_that_it_saw(monkeypatch: pytest.MonkeyPatch) -> None:
    assert watched(monkeypatch, SHORTEST_WATCH, [BOOKMARK])[0] == ["7"]


@pytest.mark.parametrize("events", [[], [BOOKMARK]])
def test_a_watch_that_is_cut_off_at_once_is_a_failure_to_back_off_from(
    monkeypatch: pytest.MonkeyPatch, events: list[Any]
) -> None:
    with pytest.raises(KubeUnavailableError, match="ended the watch at once"):
        watched(monkeypatch, SHORTEST_WATCH / 2, events)

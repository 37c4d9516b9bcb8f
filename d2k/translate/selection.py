"""Which containers `docker ps` shows: every filter of the API (Docker API, ContainerList)."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from d2k.errors import InvalidParameter
from d2k.translate import filters as filtering
from d2k.translate.inspect import published_of, shown_config
from d2k.translate.ports import LARGEST, exposed_ports
from d2k.translate.record import Container
from d2k.translate.state import State

Object = dict[str, Any]

ALLOWED = (
    "ancestor",
    "before",
    "exited",
    "expose",
    "health",
    "id",
    "isolation",
    "is-task",
    "label",
    "name",
    "network",
    "publish",
    "since",
    "status",
    "volume",
)
_STATES = ("created", "running", "paused", "restarting", "removing", "exited", "dead")
_HEALTH = ("none", "starting", "healthy", "unhealthy")


@dataclass(frozen=True)
class Candidate:
    """A container with the state that it has now."""

    container: Container
    state: State


Test = Callable[[Candidate], bool]


def select(
    candidates: Sequence[Candidate],
    filters: Mapping[str, list[str]],
    *,
    everything: bool,
    limit: int,
    find: Callable[[str], Container],
    ancestors: Callable[[str], set[str]],
) -> list[Candidate]:
    """Return the candidates (newest first) that the list shows.

    `find` resolves the containers of before and since, `ancestors` gives the image ids that an ancestor stands for.
    Raises InvalidParameter with the engine's texts for filters that it refuses.
    """
    filtering.check(filters, ALLOWED)
    tests = [*_value_tests(filters, ancestors), *_identity_tests(candidates, filters), *_order_tests(filters, find)]
    # Of the filters only status looks at what does not run (moby, daemon/list.go).
    if not (everything or limit > 0 or filters.get("status")):
        tests.append(lambda candidate: candidate.state.running)
    found = [candidate for candidate in candidates if all(test(candidate) for test in tests)]
    return found[:limit] if limit > 0 else found


def _value_tests(filters: Mapping[str, list[str]], ancestors: Callable[[str], set[str]]) -> list[Test]:
    tests: list[Test] = []
    states = _checked(filters, "status", _STATES, "state")
    if states:
        tests.append(lambda c: c.state.status in states)
    health = _checked(filters, "health", _HEALTH, "health")
    if health:
        tests.append(lambda c: (c.state.health or "none") in health)
    codes = {_exit_code(value) for value in filters.get("exited", ())}
    if codes:
        tests.append(lambda c: c.state.status == "exited" and c.state.exit_code in codes)
    if filters.get("is-task") and _is_task(filters["is-task"]):
        tests.append(lambda _: False)
    if filters.get("ancestor"):
        ids = set().union(*(ancestors(value) for value in filters["ancestor"]))
        names = set(filters["ancestor"])
        tests.append(lambda c: c.container.image["Id"] in ids or c.container.spec["Image"] in names)
    tests += _port_tests(filters)
    return tests


def _identity_tests(candidates: Sequence[Candidate], filters: Mapping[str, list[str]]) -> list[Test]:
    tests: list[Test] = []
    if filters.get("id"):
        ids = filtering.ids_matching(filters["id"], [candidate.container.id for candidate in candidates])
        tests.append(lambda c: c.container.id in ids)
    if filters.get("name"):
        tests.append(lambda c: filtering.name_matches(filters["name"], ["/" + c.container.name]))
    if filters.get("label"):
        tests.append(lambda c: filtering.labels_match(filters["label"], c.container.labels))
    if filters.get("volume"):
        tests.append(lambda c: any(_mounts(document, filters["volume"]) for document in c.container.mounts))
    if filters.get("network"):
        tests.append(lambda c: any(_joins(item, filters["network"]) for item in c.container.networks.items()))
    return tests


def _order_tests(filters: Mapping[str, list[str]], find: Callable[[str], Container]) -> list[Test]:
    tests: list[Test] = []
    for key, later in (("before", False), ("since", True)):
        for reference in filters.get(key, ()):
            tests.append(_compare(find(reference).created, later=later))
    return tests


def _compare(moment: str, *, later: bool) -> Test:
    return lambda c: c.container.created > moment if later else c.container.created < moment


def _checked(filters: Mapping[str, list[str]], key: str, allowed: Sequence[str], word: str) -> set[str]:
    values = set(filters.get(key, ()))
    for value in sorted(values):
        if value not in allowed:
            raise InvalidParameter(
                f"invalid filter '{key}={value}': invalid value for {word} ({value}): "
                f"must be one of {', '.join(allowed)}"
            )
    return values


def _exit_code(text: str) -> int:
    problem = "" if re.fullmatch(r"[+-]?[0-9]+", text) else "invalid syntax"
    if not problem and len(text.lstrip("+-0")) > 18:
        problem = "value out of range"
    if problem:
        raise InvalidParameter(f"invalid filter 'exited={text}': strconv.Atoi: parsing \"{text}\": {problem}")
    return int(text)


def _is_task(values: list[str]) -> bool:
    truths = set(values)
    if len(truths) != 1 or not truths <= {"true", "false", "1", "0"}:
        raise InvalidParameter(f"invalid filter 'is-task=[{' '.join(values)}]'")
    return truths <= {"true", "1"}


def _mounts(document: Object, wanted: list[str]) -> bool:
    if document.get("Hidden"):
        return False
    return (document.get("Name") or document["Source"]) in wanted or document["Destination"] in wanted


def _joins(item: tuple[str, Object], wanted: list[str]) -> bool:
    name, settings = item
    network_id = settings.get("NetworkID") or ""
    return any(value == name or (network_id and network_id.startswith(value)) for value in wanted)


def _port_tests(filters: Mapping[str, list[str]]) -> list[Test]:
    tests: list[Test] = []
    if filters.get("publish"):
        published = _ranges(filters["publish"], "publish")

        def is_published(candidate: Candidate) -> bool:
            given = published_of(candidate.container, "") if candidate.state.running else []
            return any(_within(p.host_port, p.protocol, published) for p in given)

        tests.append(is_published)
    if filters.get("expose"):
        exposed = _ranges(filters["expose"], "expose")

        def is_exposed(candidate: Candidate) -> bool:
            if not candidate.state.running:
                return False
            ports = exposed_ports(shown_config(candidate.container).get("ExposedPorts"))
            return any(_within(p.number, p.protocol, exposed) for p in ports)

        tests.append(is_exposed)
    return tests


def _ranges(values: list[str], key: str) -> list[tuple[int, int, str]]:
    return [_range(value, key) for value in values]


def _range(value: str, key: str) -> tuple[int, int, str]:
    numbers, _, protocol = value.partition("/")
    start, separator, end = numbers.partition("-")
    problem = "" if numbers else "invalid port range: value is empty"
    for word, text in (("start", start), ("end", end if separator else start)):
        problem = problem or _port_problem(word, text)
    first, last = (0, 0) if problem else (int(start), int(end if separator else start))
    if first > last:
        problem = f"invalid port range: {numbers}"
    if problem:
        raise InvalidParameter(f"error while looking up for {key} {value}: {problem}")
    return first, last, protocol.lower() or "tcp"


def _port_problem(word: str, text: str) -> str:
    if re.fullmatch(r"0*[0-9]{1,5}", text) and int(text) <= LARGEST:
        return ""
    problem = (
        "value is empty" if not text else "value out of range" if re.fullmatch(r"[0-9]+", text) else "invalid syntax"
    )
    port = f"invalid {word} port '{text}'"
    return f"{port}: {problem}"


def _within(number: int, protocol: str, ranges: list[tuple[int, int, str]]) -> bool:
    return any(first <= number <= last and protocol == wanted for first, last, wanted in ranges)

"""The filters of `docker ps`, held against the reference engine's answers."""

import pytest
from container_samples import KEY, NOW, RUNNING, container, draft, ended, pod
from hypothesis import given
from hypothesis import strategies as st

from d2k.config import Config
from d2k.errors import InvalidParameter, NotFound
from d2k.translate import annotations as marks
from d2k.translate import workload
from d2k.translate.labels import CONTAINER
from d2k.translate.record import Container
from d2k.translate.selection import Candidate, select
from d2k.translate.state import state_of

SERVICE = {
    "metadata": {"labels": {CONTAINER: KEY}, "annotations": {"d2k.io/publish": "loadbalancer"}},
    "spec": {"ports": [{"protocol": "TCP", "port": 18081, "targetPort": 80}]},
    "status": {"loadBalancer": {"ingress": [{"ip": "203.0.113.5"}]}},
}


def one(name, identity, created, *, pods=(), services=(), notes=None, **spec):
    wanted = draft({"Image": "web:1", **spec}, name=name, id=identity * 64, created=created)
    document, _ = workload.deployment(wanted, Config())
    document["metadata"]["annotations"] |= notes or {}
    found = Container(document, list(pods), list(services))
    return Candidate(found, state_of(found, NOW))


STARTED_ONCE = {marks.RUN: "1", marks.DESIRED: "running"}
NEW = one("new", "c", "2026-01-02T03:04:07Z", Labels={"a": "1"})
LIVE = one(
    "live",
    "b",
    "2026-01-02T03:04:06Z",
    pods=[pod(state=RUNNING)],
    services=[SERVICE],
    notes=STARTED_ONCE,
    Labels={"a": "2"},
    ExposedPorts={"80/tcp": {}},
    HostConfig={"Binds": ["vv:/vol"], "Tmpfs": {"/tf": ""}, "Mounts": [{"Type": "tmpfs", "Target": "/tm"}]},
)
OVER = one("over", "a", "2026-01-02T03:04:05Z", pods=[pod(phase="Failed", state=ended(3))], notes=STARTED_ONCE)
ALL = [NEW, LIVE, OVER]


def find(reference):
    for candidate in ALL:
        if candidate.container.name == reference:
            return candidate.container
    raise NotFound(f"No such container: {reference}")


def names(filters, *, everything=True, limit=0, candidates=ALL):
    found = select(
        candidates,
        filters,
        everything=everything,
        limit=limit,
        find=find,
        ancestors=lambda text: {"sha256:" + "1" * 64} if text == "web" else set(),
    )
    return [candidate.container.name for candidate in found]


@pytest.mark.parametrize(
    ("filters", "everything", "limit", "expected"),
    [
        ({}, False, 0, ["live"]),
        ({}, True, 0, ["new", "live", "over"]),
        ({}, False, 1, ["new"]),
        ({}, False, -1, ["live"]),
        ({"exited": ["3"]}, False, 0, []),
        ({"exited": ["3"]}, True, 0, ["over"]),
        ({"exited": ["0", "+3"]}, True, 0, ["over"]),
        ({"before": ["new"]}, False, 0, ["live"]),
        ({"since": ["over"]}, False, 0, ["live"]),
        ({"since": ["over"]}, True, 0, ["new", "live"]),
        ({"before": ["new"]}, False, 1, ["live"]),
        ({"status": ["created"]}, False, 0, ["new"]),
        ({"status": ["exited", "running"]}, False, 0, ["live", "over"]),
        ({"status": ["restarting"]}, False, 0, []),
        ({"health": ["none"]}, True, 0, ["new", "live", "over"]),
        ({"health": ["healthy"]}, True, 0, []),
        ({"network": ["bridge"]}, True, 0, ["new", "live", "over"]),
        ({"network": ["bri"]}, True, 0, []),
        ({"network": ["ffff"]}, True, 0, ["new", "live", "over"]),
        ({"network": ["none"]}, True, 0, []),
        ({"volume": ["vv"]}, False, 0, ["live"]),
        ({"volume": ["/vol"]}, False, 0, ["live"]),
        ({"volume": ["/vol/"]}, False, 0, []),
        ({"volume": ["/tf"]}, False, 0, []),
        ({"volume": ["/tm"]}, False, 0, ["live"]),
        ({"publish": ["18081"]}, False, 0, ["live"]),
        ({"publish": ["18080-18090"]}, False, 0, ["live"]),
        ({"publish": ["80"]}, False, 0, []),
        ({"publish": ["18081/udp"]}, False, 0, []),
        ({"publish": ["80/foo"]}, False, 0, []),
        ({"expose": ["80"]}, False, 0, ["live"]),
        ({"expose": ["80/TCP"]}, False, 0, ["live"]),
        ({"id": ["b"]}, False, 0, ["live"]),
        ({"id": ["d"]}, False, 0, []),
        ({"name": ["iv"]}, False, 0, ["live"]),
        ({"name": ["^/live$"]}, False, 0, ["live"]),
        ({"label": ["a"]}, True, 0, ["new", "live"]),
        ({"label": ["a=2"]}, True, 0, ["live"]),
        ({"ancestor": ["web:1"]}, True, 0, ["new", "live", "over"]),
        ({"ancestor": ["web"]}, True, 0, ["new", "live", "over"]),
        ({"ancestor": ["nosuch"]}, True, 0, []),
        ({"isolation": ["default"]}, True, 0, ["new", "live", "over"]),
        ({"is-task": ["false"]}, False, 0, ["live"]),
        ({"is-task": ["1"]}, False, 0, []),
    ],
)
def test_select(filters, everything, limit, expected):
    assert names(filters, everything=everything, limit=limit) == expected


STATES = "must be one of created, running, paused, restarting, removing, exited, dead"
LOOKING = "error while looking up for publish "


@pytest.mark.parametrize(
    ("filters", "expected"),
    [
        ({"foo": ["x"]}, "invalid filter 'foo'"),
        ({"status": ["foo"]}, f"invalid filter 'status=foo': invalid value for state (foo): {STATES}"),
        ({"status": ["Running"]}, f"invalid filter 'status=Running': invalid value for state (Running): {STATES}"),
        (
            {"health": ["x"]},
            "invalid filter 'health=x': invalid value for health (x): "
            "must be one of none, starting, healthy, unhealthy",
        ),
        ({"exited": ["a"]}, "invalid filter 'exited=a': strconv.Atoi: parsing \"a\": invalid syntax"),
        (
            {"exited": ["9" * 20]},
            f"invalid filter 'exited={'9' * 20}': strconv.Atoi: parsing \"{'9' * 20}\": value out of range",
        ),
        ({"is-task": ["x"]}, "invalid filter 'is-task=[x]'"),
        ({"is-task": ["TRUE"]}, "invalid filter 'is-task=[TRUE]'"),
        ({"publish": ["x"]}, LOOKING + "x: invalid start port 'x': invalid syntax"),
        ({"publish": ["99999"]}, LOOKING + "99999: invalid start port '99999': value out of range"),
        ({"publish": ["80-70"]}, LOOKING + "80-70: invalid port range: 80-70"),
        ({"publish": [""]}, LOOKING + ": invalid port range: value is empty"),
        ({"publish": ["80-"]}, LOOKING + "80-: invalid end port '': value is empty"),
        ({"publish": ["-5"]}, LOOKING + "-5: invalid start port '': value is empty"),
    ],
)
def test_what_select_refuses(filters, expected):
    with pytest.raises(InvalidParameter) as caught:
        names(filters)
    assert str(caught.value) == expected


def test_is_task_both_ways():
    with pytest.raises(InvalidParameter):
        names({"is-task": ["true", "false"]})


@pytest.mark.parametrize("key", ["before", "since"])
def test_an_unknown_container(key):
    with pytest.raises(NotFound, match="No such container: nosuch"):
        names({key: ["nosuch"]})


def test_labels_of_the_image_count():
    found = container(image={"Id": "sha256:1", "Pinned": "x", "Config": {"Cmd": ["sh"], "Labels": {"image": "yes"}}})
    candidate = Candidate(found, state_of(found, NOW))
    assert names({"label": ["image=yes"]}, candidates=[candidate]) == ["front"]


values = {
    "status": ["created", "running", "exited"],
    "exited": ["0", "3"],
    "label": ["a", "a=1", "b"],
    "name": ["new", "o", "live"],
    "volume": ["vv", "/tm"],
    "id": ["a", "b"],
    "network": ["bridge", "none"],
}
some_filters = st.fixed_dictionaries(
    {}, optional={key: st.lists(st.sampled_from(texts), min_size=1, max_size=2) for key, texts in values.items()}
)


@given(some_filters, st.integers(-1, 4))
def test_filters_only_take_away_and_keep_the_order(filters, limit):
    every = [candidate.container.name for candidate in ALL]
    unlimited = names(filters)
    assert unlimited == [name for name in every if name in unlimited]
    assert names(filters, limit=limit) == (unlimited[:limit] if limit > 0 else unlimited)
    for key in filters:
        fewer = {other: texts for other, texts in filters.items() if other != key}
        assert set(unlimited) <= set(names(fewer))

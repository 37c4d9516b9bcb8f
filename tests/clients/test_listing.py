"""`docker ps` with every filter of the API, and what it shows."""

from __future__ import annotations

import json
from typing import Any

import pytest
from harness.cli import Docker
from harness.engine import Engine
from harness.http import filters
from harness.waits import eventually


class Fleet:
    """Containers in several states, listed by their names only."""

    def __init__(self, engine: Engine):
        self.engine = engine
        docker = engine.docker
        self.network, self.volume = f"{engine.prefix}-net", f"{engine.prefix}-vol"
        docker("network", "create", self.network).ok()
        docker("run", "--name", self.name("failed"), "--label", "color=red", "busybox", "sh", "-c", "exit 3").exits(3)
        docker("create", "--name", self.name("made"), "--expose", "81", "alpine", "true").ok()
        docker("run", "-d", "--name", self.name("up"), "--label", "color=red", "--label", "size=big", "-v",
               f"{self.volume}:/data", "busybox", "sleep", "300").ok()  # fmt: skip
        docker("run", "-d", "--name", self.name("web"), "--network", self.network, "--label", "color=blue", "web").ok()

    def name(self, short: str) -> str:
        return f"{self.engine.prefix}-{short}"

    def listed(self, **given: list[str]) -> list[str]:
        """Return the short names that the list shows, newest first, with these filters and those of this fleet."""
        given.setdefault("name", [self.engine.prefix])
        answer = self.engine.api("GET", "/containers/json", all="1", filters=filters(**given))
        assert answer.status_code == 200, answer.text
        return [row["Names"][0].removeprefix(f"/{self.engine.prefix}-") for row in answer.json()]


@pytest.fixture
def fleet(engine: Engine) -> Fleet:
    return Fleet(engine)


def test_every_filter(fleet: Fleet) -> None:
    engine = fleet.engine
    network = engine.api("GET", f"/networks/{fleet.network}").json()["Id"]
    identity = engine.docker.inspect(fleet.name("up"), "{{json .Id}}")
    everything = ["web", "up", "made", "failed"]
    cases: list[tuple[dict[str, list[str]], list[str]]] = [
        ({}, everything),
        ({"name": [fleet.name("up")]}, ["up"]),
        ({"name": [f"^/{fleet.name('up')}$", fleet.name("web")]}, ["web", "up"]),
        ({"id": [identity[:12]]}, ["up"]),
        ({"label": ["color"]}, ["web", "up", "failed"]),
        ({"label": ["color=red"]}, ["up", "failed"]),
        ({"label": ["color=red", "size"]}, ["up"]),
        ({"status": ["running"]}, ["web", "up"]),
        ({"status": ["created", "exited"]}, ["made", "failed"]),
        ({"exited": ["3"]}, ["failed"]),
        ({"exited": ["4"]}, []),
        ({"ancestor": ["alpine"]}, ["made"]),
        ({"ancestor": ["web:latest", "alpine:latest"]}, ["web", "made"]),
        ({"before": [fleet.name("up")]}, ["made", "failed"]),
        ({"since": [fleet.name("made")]}, ["web", "up"]),
        ({"expose": ["81"]}, []),
        ({"expose": ["80/tcp"]}, ["web"]),
        ({"expose": ["80-81/tcp"]}, ["web"]),
        ({"publish": ["80"]}, []),
        ({"network": [fleet.network]}, ["web"]),
        ({"network": [network]}, ["web"]),
        ({"network": ["bridge"]}, ["up", "made", "failed"]),
        ({"volume": [fleet.volume]}, ["up"]),
        ({"volume": ["/data"]}, ["web", "up"]),
        ({"is-task": ["false"]}, everything),
        ({"isolation": ["default"]}, everything),
        ({"health": ["none"]}, ["up", "made", "failed"]),
        ({"label": ["color=red"], "status": ["running"]}, ["up"]),
    ]
    shown = {json.dumps(given): fleet.listed(**given) for given, _ in cases}
    assert shown == {json.dumps(given): wanted for given, wanted in cases}


def test_health_filter(fleet: Fleet) -> None:
    eventually(lambda: fleet.listed(health=["healthy"]) == ["web"], 40, "a healthy web container")
    assert fleet.listed(health=["starting", "unhealthy"]) == []


def test_bad_filters_are_refused(engine: Engine) -> None:
    for given, part in (
        (filters(nothing=["x"]), "invalid filter 'nothing'"),
        (filters(status=["flying"]), "invalid filter 'status=flying'"),
        (filters(exited=["abc"]), "abc"),
        ("{nothing", "invalid"),
    ):
        answer = engine.api("GET", "/containers/json", filters=given)
        assert answer.status_code == 400, given
        assert part in answer.json()["message"]


def test_lists_of_values_are_a_filter_too(fleet: Fleet) -> None:
    given = json.dumps({"name": [fleet.name("up")]})
    rows = fleet.engine.api("GET", "/containers/json", filters=given).json()
    assert [row["Names"] for row in rows] == [[f"/{fleet.name('up')}"]]


def test_ps_shows_running_ones_only(fleet: Fleet) -> None:
    docker = fleet.engine.docker
    names = "{{.Names}}"
    only = ("--filter", f"name={fleet.engine.prefix}", "--format", names)
    assert docker("ps", *only).ok().lines == [fleet.name("web"), fleet.name("up")]
    assert docker("ps", "-n", "2", *only).ok().lines == [fleet.name("web"), fleet.name("up")]
    assert docker("ps", "-aq", "--no-trunc", "--filter", f"name={fleet.name('up')}").ok().out == docker.inspect(
        fleet.name("up"), "{{json .Id}}"
    )


def test_the_columns_of_ps(fleet: Fleet) -> None:
    rows = {
        row["Names"]: row
        for row in map(
            json.loads,
            fleet.engine.docker("ps", "-a", "--filter", f"name={fleet.engine.prefix}", "--format", "{{json .}}")
            .ok()
            .lines,
        )
    }
    up, failed, made = (rows[fleet.name(short)] for short in ("up", "failed", "made"))
    assert (up["Image"], up["Command"], up["State"], up["Ports"]) == ("busybox", '"sleep 300"', "running", "")
    assert up["Status"].startswith("Up ")
    assert up["Mounts"].startswith(fleet.volume[:10])
    assert (failed["State"], failed["Status"].split(" ")[:2]) == ("exited", ["Exited", "(3)"])
    assert (made["State"], made["Status"], made["Image"]) == ("created", "Created", "alpine")
    assert set(up["Labels"].split(",")) == {"color=red", "size=big"}


def test_fields_of_the_list(docker: Docker, name: str, api: Any) -> None:
    docker("run", "-d", "--name", name, "--label", "a=b", "busybox", "sleep", "60").ok()
    [row] = api("GET", "/containers/json", size="1").json()
    details = api("GET", f"/containers/{name}/json").json()
    assert row == {
        "Id": details["Id"],
        "Names": [f"/{name}"],
        "Image": "busybox",
        "ImageID": details["Image"],
        "Command": "sleep 60",
        "Created": row["Created"],
        "State": "running",
        "Status": row["Status"],
        "Ports": [],
        "Labels": {"a": "b"},
        "HostConfig": {"NetworkMode": "bridge"},
        "NetworkSettings": {"Networks": row["NetworkSettings"]["Networks"]},
        "Mounts": [],
        "SizeRw": row.get("SizeRw"),
        "SizeRootFs": row.get("SizeRootFs"),
    }
    assert row["NetworkSettings"]["Networks"]["bridge"]["IPAddress"]

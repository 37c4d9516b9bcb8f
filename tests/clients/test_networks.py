"""Networks: kept, listed, and names that only peers resolve."""

from __future__ import annotations

from harness.cli import Docker
from harness.engine import Engine
from harness.http import Api, filters
from harness.subject import Subject
from harness.waits import eventually


def resolved(engine: Engine, container: str, name: str) -> str:
    """Return the address that a name has for a container, or nothing."""
    ran = engine.docker("exec", container, "ping", "-c", "1", "-w", "2", name)
    return ran.out.partition("(")[2].partition(")")[0] if ran.code == 0 else ""


def address(engine: Engine, container: str, network: str) -> str:
    return str(engine.docker.inspect(container, "{{json .NetworkSettings.Networks}}")[network]["IPAddress"])


def test_predefined_networks(engine: Engine) -> None:
    assert {"bridge", "host", "none"} <= set(engine.docker("network", "ls", "--format", "{{.Name}}").ok().lines)
    for network in ("bridge", "host", "none"):
        refused = engine.api("DELETE", f"/networks/{network}")
        assert refused.status_code == 403
        assert "is a pre-defined network and cannot be removed" in refused.json()["message"]


def test_create_inspect_list_remove(engine: Engine) -> None:
    network = engine.name()
    identity = engine.docker("network", "create", "--label", "a=b", network).ok().out
    assert len(identity) == 64
    shown = engine.docker("network", "inspect", network).ok().json[0]
    picked = {key: shown[key] for key in ("Name", "Id", "Scope", "Driver", "Labels", "Internal", "Containers")}
    assert picked == {
        "Name": network,
        "Id": identity,
        "Scope": "local",
        "Driver": "bridge",
        "Labels": {"a": "b"},
        "Internal": False,
        "Containers": {},
    }
    answer = engine.api("POST", "/networks/create", {"Name": network})
    assert (answer.status_code, answer.json()["message"]) == (409, f"network with name {network} already exists")
    assert engine.docker("network", "rm", identity[:12]).ok().out == identity[:12]
    missing = engine.api("GET", f"/networks/{network}")
    assert (missing.status_code, missing.json()["message"]) == (404, f"network {network} not found")


def test_filters(engine: Engine) -> None:
    network = engine.name()
    identity = engine.docker("network", "create", "--label", f"of={network}", network).ok().out

    def listed(**given: list[str]) -> list[str]:
        return [one["Name"] for one in engine.api("GET", "/networks", filters=filters(**given)).json()]

    assert listed(name=[network]) == [network]
    assert listed(id=[identity[:12]]) == [network]
    assert listed(label=[f"of={network}"]) == [network]
    assert network in listed(type=["custom"])
    assert sorted(listed(type=["builtin"])) == ["bridge", "host", "none"]
    assert network in listed(driver=["bridge"])
    assert listed(driver=["overlay"]) == []
    assert network in listed(scope=["local"])
    assert network in listed(dangling=["true"])
    assert engine.api("GET", "/networks", filters=filters(nothing=["x"])).status_code == 400


def test_names_and_aliases_resolve_for_peers_only(engine: Engine) -> None:
    networks = [engine.name(), engine.name()]
    members: dict[str, tuple[str, str]] = {}
    for network in networks:
        engine.docker("network", "create", network).ok()
        db, app = engine.name(), engine.name()
        options = ("--network", network, "--network-alias", "db")
        engine.docker("run", "-d", "--name", db, *options, "busybox", "sleep", "300").ok()
        engine.docker("run", "-d", "--name", app, "--network", network, "busybox", "sleep", "300").ok()
        members[network] = (db, app)
    with engine.container("busybox", "sleep", "300") as outsider:
        for network, (db, app) in members.items():
            wanted = address(engine, db, network)
            eventually(lambda app=app, wanted=wanted: resolved(engine, app, "db") == wanted, what="the alias")
            assert resolved(engine, app, db) == wanted
            assert resolved(engine, db, app) == address(engine, app, network)
            assert resolved(engine, outsider, db) == ""
        assert resolved(engine, outsider, "db") == ""
        (_, app), (db, _) = members[networks[0]], members[networks[1]]
        assert resolved(engine, app, db) == ""
        engine.docker("stop", "-t", "0", members[networks[0]][0]).ok()
        eventually(lambda: resolved(engine, app, "db") == "", 30, "the end of a stopped member's name")


def test_containers_of_a_network_are_shown_and_keep_it(engine: Engine) -> None:
    network = engine.name()
    engine.docker("network", "create", network).ok()
    with engine.container("--network", network, "busybox", "sleep", "60") as name:
        identity = engine.docker.inspect(name, "{{json .Id}}")
        shown = engine.api("GET", f"/networks/{network}").json()["Containers"]
        assert [(key, value["Name"]) for key, value in shown.items()] == [(identity, name)]
        refused = engine.api("DELETE", f"/networks/{network}")
        assert refused.status_code == 403
        assert f"network {network} has active endpoints" in refused.json()["message"]
    engine.docker("network", "rm", network).ok()


def test_connect_and_disconnect(engine: Engine) -> None:
    network = engine.name()
    engine.docker("network", "create", network).ok()
    with engine.container("busybox", "sleep", "300") as name:
        engine.docker("network", "connect", "--alias", "other", network, name).ok()
        joined = engine.docker.inspect(name, "{{json .NetworkSettings.Networks}}")
        assert set(joined) == {"bridge", network}
        assert "other" in joined[network]["Aliases"]
        with engine.container("--network", network, "busybox", "sleep", "300") as peer:
            eventually(lambda: resolved(engine, peer, "other") != "", what="the name of a connected container")
            engine.docker("network", "disconnect", network, name).ok()
            assert set(engine.docker.inspect(name, "{{json .NetworkSettings.Networks}}")) == {"bridge"}
            eventually(lambda: resolved(engine, peer, "other") == "", 30, "the end of its name")
        refused = engine.docker("network", "disconnect", network, name).exits(1)
        assert "is not connected to" in refused.err


def test_a_network_that_does_not_exist(engine: Engine) -> None:
    ran = engine.docker("run", "-d", "--name", engine.name(), "--network", "no-such-net", "busybox", "true").exits(125)
    assert "network no-such-net not found" in ran.err


def test_prune(docker: Docker, api: Api, name: str) -> None:
    docker("network", "create", f"{name}-free").ok()
    docker("network", "create", f"{name}-used").ok()
    docker("run", "-d", "--name", name, "--network", f"{name}-used", "busybox", "sleep", "60").ok()
    assert docker("network", "prune", "-f").ok().lines == ["Deleted Networks:", f"{name}-free"]
    assert {network["Name"] for network in api("GET", "/networks").json()} == {"bridge", "host", "none", f"{name}-used"}


def test_the_log_says_that_isolation_is_not_enforced(under_test: Subject, name: str) -> None:
    under_test.docker("network", "create", name).ok()
    assert "isolation" in under_test.log_since_start()


def test_no_network_at_all_is_accepted_or_refused_clearly(docker: Docker) -> None:
    ran = docker("run", "--rm", "--network", "none", "busybox", "true")
    assert ran.code == 0 or "none" in ran.err

from __future__ import annotations

import logging

import pytest
from fake_kube import World

from d2k.cluster.resources import CONFIG_MAPS, DEPLOYMENTS, ENDPOINT_SLICES, PODS, SERVICES
from d2k.config import Config
from d2k.errors import Conflict, DockerError, Forbidden, InvalidParameter, NotFound, NotSupported
from d2k.services.endpoints import EndpointKeeper
from d2k.services.networks import Networks
from d2k.translate import annotations as marks

NOW = 1_700_000_000_123_456_789


@pytest.fixture
def world():
    return World()


@pytest.fixture
def keeper(world):
    return EndpointKeeper(world.cache, world.lookup)


@pytest.fixture
def networks(world, keeper):
    return Networks(world.cache, world.lookup, Config(), keeper, now=lambda: NOW)


def settings(network_id="", names=None, **given):
    return {
        "IPAMConfig": None,
        "Links": None,
        "Aliases": None,
        "MacAddress": "",
        "DriverOpts": None,
        "GwPriority": 0,
        "NetworkID": network_id,
        "DNSNames": names,
        **given,
    }


def hosts(world):
    return {
        (one["hostname"], one["addresses"][0])
        for stored in world.cache[ENDPOINT_SLICES].all()
        for one in stored["endpoints"]
    }


def refused(call, *arguments):
    with pytest.raises(DockerError) as error:
        call(*arguments)
    return error.value.status, str(error.value)


def test_create_stores_the_network_and_makes_its_service(world, networks, caplog):
    answer = networks.create({"Name": "n", "Labels": {"a": "b"}, "CheckDuplicate": True})
    assert answer["Warning"] == ""
    assert networks.inspect("n") == networks.inspect(answer["Id"]) == networks.inspect(answer["Id"][:4])
    assert networks.inspect("n")["Created"] == "2023-11-14T22:13:20.123456789Z"
    assert [one["metadata"]["name"] for one in world.cache[SERVICES].all()] == [f"net-{answer['Id'][:12]}"]
    [slice_] = world.cache[ENDPOINT_SLICES].all()
    assert slice_["endpoints"] == []
    [record] = [record for record in caplog.records if record.name == "d2k"]
    assert record.levelno == logging.WARNING
    assert "isolation is not enforced" in record.getMessage()


def test_a_name_exists_once(world, networks):
    networks.create({"Name": "n"})
    other = World(world.kube)
    for one in (networks, Networks(other.cache, other.lookup, Config())):
        with pytest.raises(Conflict, match=r"^network with name n already exists$"):
            one.create({"Name": "n"})
    assert len(world.cache[CONFIG_MAPS]) == 1


def test_unknown_and_ambiguous_references(networks, monkeypatch):
    assert refused(networks.inspect, "nope") == (404, "network nope not found")
    assert refused(networks.inspect, "bridge", "swarm") == (404, "network bridge not found")
    monkeypatch.setattr("d2k.translate.ids.new_id", iter(["aa" * 32, "ab" * 32]).__next__)
    networks.create({"Name": "one"})
    networks.create({"Name": "two"})
    found = refused(networks.inspect, "a")
    assert found == (400, "network a is ambiguous (2 matches found based on ID prefix)")


def test_list_shows_the_predefined_networks(networks):
    networks.create({"Name": "n"})
    assert [one["Name"] for one in networks.list_all({})] == ["bridge", "host", "none", "n"]
    assert [one["Name"] for one in networks.list_all({"dangling": ["1"]})] == ["n"]
    assert "Containers" not in networks.list_all({})[0]
    assert networks.list_all({}, containers=True)[0]["Containers"] == {}


def test_endpoint_settings_of_create(networks):
    bridge, known = networks.resolve("bridge").id, networks.create({"Name": "n"})["Id"]
    identifier = "c" * 64

    def chosen(mode, endpoints=None, **more):
        spec = {"HostConfig": {"NetworkMode": mode}, "NetworkingConfig": {"EndpointsConfig": endpoints}, **more}
        return networks.endpoint_settings(spec, identifier, "web")

    short = "c" * 12
    assert networks.endpoint_settings({}, identifier, "web") == ({"bridge": settings(bridge)}, [])
    assert chosen("default", {"default": {}}) == ({"bridge": settings(bridge)}, [])
    assert chosen("n") == ({"n": settings(known, ["web", short])}, [])
    assert chosen(known, {known: {"Aliases": ["db"]}}, Hostname="h") == (
        {"n": settings(known, ["web", "db", short, "h"], Aliases=["db"])},
        [],
    )
    assert list(chosen("n", {"bridge": {}, "n": {}})[0]) == ["n", "bridge"]
    assert chosen("nope") == ({"nope": settings()}, [])
    assert list(chosen("none")[0]) == ["none"]
    assert len(chosen("none")[1]) == 1
    warnings = chosen("n", {"n": {"Aliases": ["a_b"]}})[1]
    assert len(warnings) == 1
    assert "a_b" in warnings[0]


@pytest.mark.parametrize(
    ("mode", "endpoints", "kind", "text"),
    [
        ("host", None, InvalidParameter, "the network of the host is not allowed here"),
        ("container:x", None, NotSupported, "Kubernetes Pods do not share a network"),
        ("container:", None, InvalidParameter, "invalid network mode: invalid container format container:<name|id>"),
        ("bridge", {"bridge": None}, InvalidParameter, "invalid config for network bridge: EndpointsConfig is nil"),
        (
            "default",
            {"default": {"Aliases": ["q"]}},
            InvalidParameter,
            "invalid config for network bridge: invalid endpoint settings:\n"
            "network-scoped aliases are only supported for user-defined networks",
        ),
    ],
)
def test_refused_endpoint_settings(networks, mode, endpoints, kind, text):
    spec = {"HostConfig": {"NetworkMode": mode}, "NetworkingConfig": {"EndpointsConfig": endpoints}}
    with pytest.raises(kind) as error:
        networks.endpoint_settings(spec, "c" * 64, "web")
    assert str(error.value).startswith(text)


def test_names_follow_connect_and_disconnect(world, networks, keeper):
    known = networks.create({"Name": "n"})["Id"]
    identifier = world.container("1", "web", ip="10.0.0.2", networks={"bridge": settings()})
    networks.connect("n", "web", {"Aliases": ["db"]})
    keeper.sync("n")
    assert hosts(world) == {("web", "10.0.0.2"), ("db", "10.0.0.2"), ("1" * 12, "10.0.0.2")}
    assert list(networks.inspect("n")["Containers"]) == [identifier]
    container = world.lookup.get("web")
    assert container.networks["n"] == settings(known, ["web", "db", "1" * 12], Aliases=["db"])
    assert container.deployment["spec"]["template"] == {"spec": {}}, "a running container's template stays"
    assert refused(networks.connect, "n", "web", {}) == (
        403,
        "endpoint with name web already exists in network n",
    )
    networks.disconnect("n", "web")
    keeper.sync("n")
    assert hosts(world) == set()
    assert refused(networks.disconnect, "n", "web") == (500, f"container {identifier} is not connected to network n")


def test_a_stopped_container_searches_what_it_is_connected_to(world, networks):
    known = networks.create({"Name": "n"})["Id"]
    world.container("1", "web", networks={"bridge": settings()}, host={"DnsSearch": ["example.org"]})
    for _ in range(2):
        networks.connect("n", "web", {})
    assert world.lookup.get("web").deployment["spec"]["template"]["spec"] == {
        "dnsConfig": {"searches": [f"net-{known[:12]}.ns.svc.cluster.local", "example.org"]},
        "dnsPolicy": "ClusterFirst",
    }
    networks.disconnect("n", "web")
    assert world.lookup.get("web").deployment["spec"]["template"]["spec"]["dnsConfig"] == {"searches": ["example.org"]}


def test_connect_tries_again_when_somebody_else_was_faster(world, networks):
    networks.create({"Name": "n"})
    world.container("1", "web", networks={"bridge": settings()})
    other = marks.encode({"bridge": settings(), "more": settings()})
    world.kube.patch(DEPLOYMENTS, "web", {"metadata": {"annotations": {marks.NETWORKS: other}}})
    networks.connect("n", "web", {})
    assert list(world.lookup.get("web").networks) == ["bridge", "more", "n"]


@pytest.mark.parametrize(
    ("network", "mode", "connected", "text"),
    [
        (
            "host",
            "default",
            "bridge",
            "cannot connect container to host network - container must be created in host network mode",
        ),
        (
            "none",
            "default",
            "bridge",
            "container cannot be connected to multiple networks with one of the networks in private (none) mode",
        ),
        (
            "n",
            "none",
            "none",
            "container cannot be connected to multiple networks with one of the networks in private (none) mode",
        ),
        (
            "n",
            "host",
            "host",
            "container sharing network namespace with another container or host cannot be connected to any other "
            "network",
        ),
    ],
)
def test_networks_that_do_not_go_together(world, networks, network, mode, connected, text):
    networks.create({"Name": "n"})
    world.container("1", "web", mode=mode, networks={connected: settings()})
    assert refused(networks.connect, network, "web", {}) == (400, text)


def test_connect_and_disconnect_of_what_is_not_there(world, networks):
    networks.create({"Name": "n"})
    assert refused(networks.connect, "nope", "web", {}) == (404, "network nope not found")
    assert refused(networks.connect, "n", "web", {}) == (404, "No such container: web")
    assert refused(networks.connect, "n", "", {}) == (400, 'invalid name or ID supplied: ""')
    assert refused(networks.disconnect, "n", "web") == (404, "No such container: web")
    with pytest.raises(NotFound, match=r"^endpoint web not found$"):
        networks.disconnect("n", "web", force=True)


def test_remove(world, networks):
    networks.create({"Name": "n"})
    assert refused(networks.remove, "none") == (403, "none is a pre-defined network and cannot be removed")
    world.container("1", "idle", networks={"n": settings()})
    world.container("2", "web", ip="10.0.0.2", networks={"n": settings()})
    endpoint = networks.inspect("n")["Containers"]["2" * 64]["EndpointID"]
    with pytest.raises(Forbidden) as error:
        networks.remove("n")
    assert str(error.value) == (
        f'error while removing network: network n has active endpoints (name:"web" id:"{endpoint[:12]}")'
    )
    world.cache.delete(DEPLOYMENTS, world.cache[DEPLOYMENTS].get("web"))
    networks.remove("n")
    assert [len(world.cache[kind]) for kind in (CONFIG_MAPS, SERVICES, ENDPOINT_SLICES)] == [0, 0, 0]
    with pytest.raises(NotFound, match=r"^failed to set up container networking: network n not found$"):
        networks.check(world.lookup.get("idle"))


def test_start_notices_a_network_that_was_made_again(world, networks):
    old = networks.create({"Name": "n"})["Id"]
    world.container("1", "web", networks={"n": settings(old, ["web", "1" * 12])})
    calls = len(world.kube.calls)
    networks.check(world.lookup.get("web"))
    assert len(world.kube.calls) == calls
    networks.remove("n")
    new = networks.create({"Name": "n"})["Id"]
    networks.check(world.lookup.get("web"))
    container = world.lookup.get("web")
    assert container.networks["n"]["NetworkID"] == new
    searches = container.deployment["spec"]["template"]["spec"]["dnsConfig"]["searches"]
    assert searches == [f"net-{new[:12]}.ns.svc.cluster.local"]


def test_prune(world, networks):
    for name in ("free", "used"):
        networks.create({"Name": name, "Labels": {"keep": name}})
    world.container("1", "web", ip="10.0.0.2", networks={"used": settings()})
    world.container("2", "idle", networks={"free": settings()})
    assert networks.prune({"label!": ["keep=free"]}) == {"NetworksDeleted": None}
    assert networks.prune({}) == {"NetworksDeleted": ["free"]}
    assert refused(networks.prune, {"foo": ["x"]}) == (400, "invalid filter 'foo'")


def test_the_keeper_marks_the_networks_that_a_change_touches(world, networks, keeper):
    for name in ("a", "b", "c"):
        networks.create({"Name": name})
    world.container("1", "web", ip="10.0.0.2", networks={"a": settings(), "b": settings(), "bridge": settings()})
    world.cache.listen(keeper._changed)
    [pod] = world.cache[PODS].all()
    keeper._changed(PODS, "MODIFIED", pod)
    assert keeper._dirty == {"a", "b"}
    assert keeper._sync_dirty() == set()
    keeper._dirty.clear()
    networks.disconnect("a", "web")
    assert keeper._dirty == {"a", "b"}
    assert keeper._sync_dirty() == set()
    assert {stored["metadata"]["name"]: len(stored["endpoints"]) for stored in world.cache[ENDPOINT_SLICES].all()} == {
        f"{networks.resolve(name).service}-ipv4": count for name, count in (("a", 0), ("b", 2), ("c", 0))
    }


def test_the_keeper_writes_only_what_differs_and_repairs(world, networks, keeper):
    networks.create({"Name": "n"})
    world.container("1", "web", ip="10.0.0.2", networks={"n": settings()})
    keeper.sync("n")
    calls = len(world.kube.calls)
    keeper.sync("n")
    assert len(world.kube.calls) == calls
    for kind in (SERVICES, ENDPOINT_SLICES):
        for stored in world.cache[kind].all():
            world.cache.delete(kind, stored)
    keeper.sync("n")
    assert len(world.cache[SERVICES]) == 1
    assert hosts(world) == {("web", "10.0.0.2"), ("1" * 12, "10.0.0.2")}


def test_the_keeper_tells_of_an_impossible_name_once_and_forgets_it_with_the_network(world, networks, keeper, caplog):
    caplog.set_level(logging.DEBUG, "d2k.services.endpoints")
    networks.create({"Name": "n"})
    world.container("1", "keen_noether", ip="10.0.0.2", networks={"n": settings()})
    caplog.clear()
    keeper.sync("n")
    keeper.sync("n")
    assert [record.args for record in caplog.records] == [("n", "keen_noether", "keen_noether")]
    assert keeper._told == {"n": {"keen_noether"}}
    for stored in world.cache[CONFIG_MAPS].all():
        world.cache.delete(CONFIG_MAPS, stored)
    keeper.sync("n")
    assert keeper._told == {}


def test_a_conflict_is_tried_again(world, networks, keeper):
    networks.create({"Name": "n"})
    world.container("1", "web", ip="10.0.0.2", networks={"n": settings()})
    [stored] = (world.kube.objects["endpointslices", f"{networks.resolve('n').service}-ipv4"],)
    world.kube.replace(ENDPOINT_SLICES, stored["metadata"]["name"], stored)
    keeper._mark(["n"])
    assert keeper._sync_dirty() == {"n"}


def test_reading_makes_no_call(world, networks):
    networks.create({"Name": "n"})
    calls = len(world.kube.calls)
    networks.list_all({"dangling": ["true"]})
    networks.inspect("n")
    assert len(world.kube.calls) == calls

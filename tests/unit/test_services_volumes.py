from __future__ import annotations

import gevent
import pytest
from fake_kube import World

from d2k.cluster.resources import CLAIMS
from d2k.config import Config
from d2k.errors import Conflict, InvalidParameter, NotFound, Unavailable
from d2k.services import volumes as module
from d2k.services.volumes import VolumeRecord, Volumes

NOW = 1_700_000_000_123_456_789


@pytest.fixture
def world():
    return World()


@pytest.fixture
def volumes(world):
    return Volumes(world.cache, world.lookup, Config(), now=lambda: NOW)


def mount(name):
    return {"Type": "volume", "Name": name, "Destination": "/data", "RW": True}


def request(name="", **more):
    return {"Name": name, "Driver": "", **more}


def test_create_makes_a_claim_and_answers_like_the_engine(world, volumes):
    answer = volumes.create(request("My_Vol", DriverOpts={"size": "5Gi"}, Labels={"a": "b", "not valid": "c"}))
    assert answer == {
        "CreatedAt": "2023-11-14T22:13:20Z",
        "Driver": "local",
        "Labels": {"a": "b", "not valid": "c"},
        "Mountpoint": "/var/lib/docker/volumes/My_Vol/_data",
        "Name": "My_Vol",
        "Options": {"size": "5Gi"},
        "Scope": "local",
    }
    [claim] = world.cache[CLAIMS].all()
    assert claim["metadata"]["name"].startswith("my-vol-")
    assert claim["metadata"]["labels"]["a"] == "b"
    assert claim["spec"] == {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "5Gi"}}}


def test_create_again_returns_the_existing_volume_whatever_is_asked_for(world, volumes):
    first = volumes.create(request("data"))
    assert volumes.create(request("data", Labels={"x": "y"}, DriverOpts={"size": "nonsense"})) == first
    assert first["Labels"] is None
    assert first["Options"] is None
    assert len(world.cache[CLAIMS]) == 1


def test_a_volume_without_a_name_is_anonymous(volumes):
    answer = volumes.create(request())
    assert len(answer["Name"]) == 64
    assert answer["Labels"] == {"com.docker.volume.anonymous": ""}


def test_ensure_finds_what_another_d2k_made_when_the_watch_is_behind(world, volumes):
    other = World(world.kube)
    Volumes(other.cache, other.lookup, Config()).ensure("data")
    assert volumes.ensure("data") == VolumeRecord("data", "data")


def test_a_claim_that_is_not_ours_is_left_alone(world, volumes):
    foreign = {"metadata": {"name": "data", "labels": {}}, "spec": {}}
    world.kube.create(CLAIMS, foreign)
    record = volumes.ensure("data")
    assert record.claim.startswith("data-")
    assert world.kube.get(CLAIMS, "data")["metadata"]["labels"] == {}
    volumes.remove("data")
    assert world.kube.get(CLAIMS, "data")


@pytest.mark.parametrize("ip", ["", "10.0.0.1"])
@pytest.mark.parametrize("force", [False, True])
def test_a_volume_in_use_is_not_removed(world, volumes, ip, force):
    volumes.ensure("data")
    identifier = world.container("1", "web", mounts=[mount("data")], ip=ip)
    with pytest.raises(Conflict) as error:
        volumes.remove("data", force=force)
    assert str(error.value) == f"remove data: volume is in use - [{identifier}]"


def test_remove_of_a_missing_volume(volumes):
    with pytest.raises(NotFound, match=r"^get nope: no such volume$"):
        volumes.remove("nope")
    volumes.remove("nope", force=True)


def test_an_ending_claim_is_gone_for_everybody_and_create_waits_for_its_end(world, volumes):
    volumes.ensure("data")
    world.kube.objects["persistentvolumeclaims", "data"]["metadata"]["finalizers"] = ["kubernetes.io/pvc-protection"]
    volumes.remove("data")
    assert volumes.all() == []
    old = world.cache[CLAIMS].get("data")
    assert old["metadata"]["deletionTimestamp"]
    creating = gevent.spawn(volumes.ensure, "data")
    gevent.idle()
    assert not creating.ready()
    del world.kube.objects["persistentvolumeclaims", "data"]
    world.cache[CLAIMS].remove(old)
    world.cache._changed(CLAIMS, "DELETED", old)
    assert creating.get(timeout=5) == VolumeRecord("data", "data")
    assert world.cache[CLAIMS].get("data")["metadata"]["uid"] != old["metadata"]["uid"]


def test_create_does_not_wait_for_ever(world, volumes, monkeypatch):
    monkeypatch.setattr(module, "END_TIMEOUT", 0.0)
    volumes.ensure("data")
    world.kube.objects["persistentvolumeclaims", "data"]["metadata"]["finalizers"] = ["kubernetes.io/pvc-protection"]
    volumes.remove("data")
    with pytest.raises(Unavailable, match="still being removed"):
        volumes.ensure("data")


def test_remove_anonymous_spares_named_and_used_ones(world, volumes):
    used, free = volumes.ensure(None).name, volumes.ensure(None).name
    volumes.ensure("named")
    world.container("1", "web", mounts=[mount(used)])
    volumes.remove_anonymous([used, free, "named"])
    assert [one.name for one in volumes.all()] == sorted([used, "named"])


def test_list_by_dangling(world, volumes):
    volumes.ensure("used")
    volumes.ensure("free")
    world.container("1", "web", mounts=[mount("used"), {"Type": "bind", "Source": "/x"}])
    assert [one["Name"] for one in volumes.list_all({"dangling": ["true"]})] == ["free"]
    assert [one["Name"] for one in volumes.list_all({"dangling": ["0"]})] == ["used"]
    for bad, text in (
        ({"dangling": ["foo"]}, r"invalid filter 'dangling=\[foo\]'"),
        ({"x": ["1"]}, "invalid filter 'x'"),
    ):
        with pytest.raises(InvalidParameter, match=text):
            volumes.list_all(bad)


def test_prune(world, volumes):
    anonymous = volumes.ensure(None).name
    for name in ("free", "used"):
        volumes.ensure(name)
    world.container("1", "web", mounts=[mount("used")])
    stored = world.kube.objects["persistentvolumeclaims", anonymous]
    world.cache.replace(CLAIMS, anonymous, {**stored, "status": {"capacity": {"storage": "1Gi"}}})
    assert volumes.prune({}, (1, 51)) == {"VolumesDeleted": [anonymous], "SpaceReclaimed": 1 << 30}
    assert volumes.prune({"all": ["false"]}, (1, 51)) == {"VolumesDeleted": [], "SpaceReclaimed": 0}
    assert volumes.prune({"all": ["true"]}, (1, 51)) == {"VolumesDeleted": ["free"], "SpaceReclaimed": 0}


def test_reading_makes_no_call(world, volumes):
    volumes.ensure("data")
    before = len(world.kube.calls)
    volumes.list_all({"dangling": ["true"]})
    volumes.inspect("data")
    assert len(world.kube.calls) == before

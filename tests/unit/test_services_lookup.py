from __future__ import annotations

import pytest
from fake_kube import World

from d2k.cluster.resources import DEPLOYMENTS, PODS
from d2k.errors import NotFound
from d2k.translate.record import once


def test_a_container_stays_the_same_until_one_of_its_objects_changes() -> None:
    world = World()
    world.container("1", "web", ip="10.0.0.1")
    world.container("2", "db")
    web, db = world.lookup.get("web"), world.lookup.get("db")
    assert world.lookup.get("1" * 64) is web
    assert [container.name for container in world.lookup.all()] == ["db", "web"]
    world.cache.patch(PODS, "web-pod", {"status": {"podIP": "10.0.0.2"}})
    again = world.lookup.get("web")
    assert again is not web
    assert again.pod is not None
    assert again.pod["status"]["podIP"] == "10.0.0.2"
    world.cache.patch(DEPLOYMENTS, "db", {"spec": {"replicas": 1}})
    assert world.lookup.get("db") is not db
    assert world.lookup.get("web") is again


def test_a_container_that_is_gone_is_not_remembered() -> None:
    world = World()
    world.container("1", "web")
    found = world.lookup.get("web")
    world.cache.delete(DEPLOYMENTS, found.deployment)
    for reference in ("1" * 64, "web"):
        with pytest.raises(NotFound, match=f"No such container: {reference}"):
            world.lookup.get(reference)
    assert world.lookup._known == {}


def test_an_id_that_only_begins_like_another_names_nothing() -> None:
    world = World()
    world.container("1", "web")
    with pytest.raises(NotFound):
        world.lookup.get("1" * 63 + "2")


def test_once_derives_once_for_each_container() -> None:
    world = World()
    world.container("1", "web")
    world.container("2", "db")
    derived = []

    @once
    def name(container: object) -> str:
        derived.append(container)
        return world.lookup.get("web").name

    for _ in range(2):
        assert name(world.lookup.get("web")) == "web"
        name(world.lookup.get("db"))
    assert len(derived) == 2

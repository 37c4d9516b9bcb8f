from __future__ import annotations

from typing import Any

import pytest
from fake_kube import FakeKube, World

from d2k.cluster.resources import DEPLOYMENTS, Resource
from d2k.errors import Conflict
from d2k.services.lifecycle import Lifecycle
from d2k.services.workloads import Workloads
from d2k.translate import annotations as marks


class Busy(FakeKube):
    """A cluster where another d2k renames the container `db` while this one renames another."""

    taken = ""

    def patch(self, resource: Resource, name: str, patch: Any, subresource: str = "") -> dict[str, Any]:
        if self.taken:
            super().patch(resource, "db", {"metadata": {"annotations": {marks.NAME: self.taken}}})
            self.taken = ""
        return super().patch(resource, name, patch, subresource)


def test_of_two_renames_at_once_one_is_taken_back() -> None:
    kube = Busy()
    world = World(kube)
    world.container("1", "web")
    world.container("2", "db")
    parts: Any = [None] * 5
    lifecycle = Lifecycle(world.cache, world.lookup, Workloads(world.cache), *parts)
    lifecycle.rename("web", "app")
    assert world.lookup.get("1" * 64).name == "app"
    kube.taken = "front"
    with pytest.raises(Conflict, match=f'"/front" is already in use by container "{"2" * 64}"'):
        lifecycle.rename("app", "front")
    stored = kube.objects[DEPLOYMENTS.plural, "web"]["metadata"]["annotations"]
    assert (stored[marks.NAME], world.lookup.get("front").id) == ("app", "2" * 64)

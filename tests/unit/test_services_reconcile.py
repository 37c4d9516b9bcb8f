"""How much work a burst of changes makes, and what is left of containers that are gone."""

import gevent
import gevent.event
from fake_kube import World

from d2k.cluster.errors import KubeUnavailableError
from d2k.cluster.resources import DEPLOYMENTS
from d2k.services.reconcile import MOST_AT_ONCE, Reconciler


def rest():
    for _ in range(20):
        gevent.sleep(0)


class Slow(Reconciler):
    """A reconciler whose steps take as long as the test likes."""

    def __init__(self, world):
        super().__init__(world.cache, world.lookup, None, None, None)
        self.go = gevent.event.Event()
        self.seen = []

    def settle(self, key):
        self.seen.append(key)
        self.go.wait()
        super().settle(key)


def test_a_burst_of_changes_makes_bounded_work():
    world = World()
    reconciler = Slow(world)
    reconciler.start()
    keys = [f"{number:063x}" for number in range(200)]
    for _ in range(5):
        for key in keys:
            reconciler._mark(key)
        rest()
    assert len(reconciler.seen) == len(reconciler._pool) == MOST_AT_ONCE
    reconciler.go.set()
    rest()
    # Once, and for those that changed meanwhile once more.
    assert {reconciler.seen.count(key) for key in keys} <= {1, 2}
    assert (set(keys) - set(reconciler.seen), reconciler._dirty, reconciler._busy) == (set(), set(), {})
    assert len(reconciler._pool) == 0


def test_changes_during_a_step_make_one_more():
    reconciler = Slow(World())
    reconciler.start()
    for _ in range(10):
        reconciler._mark("a")
        rest()
    assert (reconciler.seen, len(reconciler._pool)) == (["a"], 2)
    reconciler.go.set()
    rest()
    assert reconciler.seen == ["a", "a"]


def test_nothing_is_kept_of_a_container_that_vanished():
    world = World()
    key = world.container("1", "gone")[:63]
    reconciler = Reconciler(world.cache, world.lookup, None, None, None)
    reconciler.start()
    rest()
    assert list(reconciler._busy) == [key]
    world.cache.delete(DEPLOYMENTS, world.cache[DEPLOYMENTS].all()[0])
    rest()
    assert reconciler._busy == {}


def test_nothing_is_kept_when_it_vanishes_during_a_step_that_fails(monkeypatch):
    world = World()
    key = world.container("1", "gone")[:63]
    reconciler = Reconciler(world.cache, world.lookup, None, None, None)

    def fail(*_args):
        world.cache.delete(DEPLOYMENTS, world.cache[DEPLOYMENTS].all()[0])
        raise KubeUnavailableError(503, "Unreachable", "away")

    monkeypatch.setattr("d2k.services.reconcile.duty", fail)
    reconciler._settle_quietly(key)
    assert reconciler._busy == {}

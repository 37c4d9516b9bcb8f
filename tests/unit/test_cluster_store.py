"""The store against a model of the API server: late, early and repeated news never turn it back."""

from hypothesis import given, settings
from hypothesis import strategies as st

from d2k.cluster.store import MOST_DEAD, Store, container_key
from d2k.translate.labels import CONTAINER


def thing(name, uid, version, container=""):
    labels = {CONTAINER: container} if container else {}
    return {"metadata": {"name": name, "uid": uid, "resourceVersion": str(version), "labels": labels}}


def held(store):
    return {obj["metadata"]["name"]: obj for obj in store.all()}


def test_put_get_and_the_index_by_container():
    store = Store()
    one, two = thing("a", "1", 1, "x"), thing("b", "2", 2, "x")
    assert store.put(one) is True
    assert store.put(two) is True
    assert len(store) == 2
    assert store.get("a") == one
    assert store.get("c") is None
    assert store.of_container("x") == [one, two]
    moved = thing("a", "1", 3, "y")
    assert store.put(moved) is True
    assert store.of_container("x") == [two]
    assert store.of_container("y") == [moved]
    assert store.remove(moved) is True
    assert store.of_container("y") == []
    assert store.remove(moved) is False


def test_managed_fields_are_not_kept():
    store = Store()
    obj = thing("a", "1", 1)
    obj["metadata"]["managedFields"] = [{"manager": "d2k"}]
    store.put(obj)
    assert store.get("a") == thing("a", "1", 1)


def test_container_key_of_what_has_no_labels():
    assert container_key({"metadata": {"name": "a"}}) == ""
    assert container_key({"metadata": {"labels": None}}) == ""
    assert container_key(thing("a", "1", 1, "key")) == "key"


def test_equal_and_older_versions_change_nothing():
    store = Store()
    store.put(thing("a", "1", 5))
    assert store.put(thing("a", "1", 5)) is False
    assert store.put(thing("a", "1", 4)) is False
    assert store.get("a") == thing("a", "1", 5)


def test_versions_are_numbers():
    store = Store()
    store.put(thing("a", "1", 9))
    assert store.put(thing("a", "1", 10)) is True


def test_a_late_event_of_the_former_owner_of_a_name():
    store = Store()
    store.put(thing("a", "new", 7))
    assert store.put(thing("a", "old", 6)) is False
    assert store.remove(thing("a", "old", 6)) is False
    assert store.get("a") == thing("a", "new", 7)


def test_a_late_answer_does_not_bring_back_the_dead():
    store = Store()
    store.put(thing("a", "1", 1))
    store.remove(thing("a", "1", 3))
    assert store.put(thing("a", "1", 2)) is False
    assert store.get("a") is None


def test_what_was_buried_stays_away_from_older_lists_and_events():
    store = Store()
    store.put(thing("a", "1", 1))
    assert store.bury(thing("a", "1", 1)) is True
    assert store.replace([thing("a", "1", 1)], 1) == []
    assert store.put(thing("a", "1", 2)) is False
    assert store.bury(thing("b", "2", 1)) is False
    assert len(store) == 0


def test_replace_tells_what_is_new_changed_and_gone():
    store = Store()
    same, changed, gone = thing("same", "1", 1), thing("changed", "2", 2), thing("gone", "3", 3, "x")
    store.replace([same, changed, gone])
    later, new = thing("changed", "2", 5), thing("new", "4", 4)
    assert store.replace([same, later, new], 5) == [gone, later, new]
    assert held(store) == {"same": same, "changed": later, "new": new}
    assert store.of_container("x") == []


def test_replace_keeps_what_is_newer_than_the_list():
    store = Store()
    made = thing("a", "1", 8)
    store.put(made)
    assert store.replace([], 7) == []
    assert store.get("a") == made
    assert store.replace([], 8) == [made]


def test_an_answer_older_than_the_list_that_lacks_it():
    store = Store()
    store.replace([], 5)
    assert store.put(thing("a", "1", 4)) is False
    assert store.put(thing("a", "2", 6)) is True


def test_what_lost_its_label_may_come_back():
    store = Store()
    store.put(thing("a", "1", 1))
    store.remove(thing("a", "1", 3))
    assert store.put(thing("a", "1", 4)) is True
    store.replace([], 6)
    assert store.put(thing("a", "1", 7)) is True


def test_a_list_of_unknown_version_kills_nothing():
    store = Store()
    made = thing("a", "1", 8)
    store.put(made)
    assert store.replace([]) == [made]
    assert store.put(made) is True


def test_the_memory_of_the_dead_is_bounded():
    store = Store()
    for number in range(MOST_DEAD + 10):
        store.bury(thing("a", str(number), number))
    assert len(store._dead) == MOST_DEAD


def test_what_cannot_be_read_is_not_here_until_it_can_be(caplog):
    store = Store(lambda obj: "broken" if obj["metadata"]["labels"].get("broken") else "")
    store.put(thing("a", "1", 1, "x"))
    broken = thing("a", "1", 2, "x")
    broken["metadata"]["labels"]["broken"] = "yes"
    assert store.put(broken) is True
    broken["metadata"]["resourceVersion"] = "3"
    assert store.put(broken) is False
    assert (store.all(), store.of_container("x")) == ([], [])
    assert len(caplog.records) == 1
    mended = thing("a", "1", 4, "x")
    assert store.put(mended) is True
    assert store.all() == [mended]


class Server:
    """The API server: its history is what the watch tells, in order."""

    def __init__(self):
        self.version = 0
        self.objects = {}
        self.history = []

    def _tell(self, kind, obj):
        self.history.append((kind, obj))
        return obj

    def write(self, name):
        self.version += 1
        old = self.objects.get(name)
        uid = old["metadata"]["uid"] if old else f"{name}-{self.version}"
        self.objects[name] = thing(name, uid, self.version)
        return self._tell("MODIFIED" if old else "ADDED", self.objects[name])

    def delete(self, name):
        if name not in self.objects:
            return None
        self.version += 1
        old = self.objects.pop(name)
        self._tell("DELETED", thing(name, old["metadata"]["uid"], self.version))
        return old

    def listing(self):
        return list(self.objects.values()), self.version, len(self.history)


class Follower:
    """A store that hears of the server by watch, by lists and by answers to writes, in any mixture."""

    def __init__(self):
        self.server, self.store = Server(), Store()
        self.position = 0
        self.pending = None
        self.answers = []
        self.newest = {}
        self.dead = set()

    def look(self):
        for obj in self.store.all():
            meta = obj["metadata"]
            assert meta["uid"] not in self.dead
            assert int(meta["resourceVersion"]) >= self.newest.get(meta["uid"], 0)
            self.newest[meta["uid"]] = int(meta["resourceVersion"])

    def write(self, name):
        self.store.put(self.server.write(name))

    def foreign_write(self, name):
        self.answers.append(self.server.write(name))

    def late_answer(self, _):
        if self.answers:
            self.store.put(self.answers.pop())

    def delete(self, name):
        old = self.server.delete(name)
        if old:
            self.store.bury(old)
            self.dead.add(old["metadata"]["uid"])

    def foreign_delete(self, name):
        self.server.delete(name)

    def event(self, _):
        if self.position == len(self.server.history):
            return
        kind, obj = self.server.history[self.position]
        self.position += 1
        if kind == "DELETED":
            self.store.remove(obj)
            self.dead.add(obj["metadata"]["uid"])
        else:
            self.store.put(obj)

    def ask_list(self, _):
        self.pending = self.server.listing()

    def take_list(self, _):
        if self.pending and self.pending[2] >= self.position:
            objects, version, self.position = self.pending
            self.store.replace(objects, version)
            self.pending = None


WAYS = ["write", "foreign_write", "late_answer", "delete", "foreign_delete", "event", "ask_list", "take_list"]


@settings(max_examples=300, deadline=None)
@given(st.lists(st.tuples(st.sampled_from(WAYS), st.sampled_from("abc")), max_size=60))
def test_the_store_never_goes_back_in_time_and_ends_as_the_server(plan):
    follower = Follower()
    for way, name in plan:
        getattr(follower, way)(name)
        follower.look()
    while follower.position < len(follower.server.history):
        follower.event("")
        follower.look()
    assert held(follower.store) == follower.server.objects

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from d2k.errors import InvalidParameter, NotFound
from d2k.translate.ids import derived_id, mac_address, new_id, resolve

HEX = re.compile(r"[0-9a-f]{64}")
IDS = st.text("01", min_size=6, max_size=6)
NAMES = st.text("01ab", min_size=1, max_size=4)
CANDIDATES = st.lists(st.tuples(IDS, NAMES), unique_by=(lambda one: one[0], lambda one: one[1]), max_size=8).map(
    lambda pairs: [(identifier, f"/{name}", identifier) for identifier, name in pairs]
)
WEB = ("abc123", "/web", "web")
DB = ("abd456", "/abc", "db")
NUMBERED = ("fff000", "/abc123", "shadow")


def missing(reference):
    return f"No such container: {reference}"


def find(reference, *candidates):
    return resolve(reference, candidates, missing)


def test_new_ids():
    ids = [new_id() for _ in range(50)]
    assert len(set(ids)) == 50
    assert all(HEX.fullmatch(one) and not one[:12].isdigit() for one in ids)


@pytest.mark.parametrize(
    ("reference", "value"),
    [
        ("abc123", "web"),  # a whole id is preferred to the same name
        ("web", "web"),
        ("/web", "web"),
        ("abc", "db"),  # a name is preferred to the start of an id
        ("/abc", "db"),
        ("abc1", "web"),
        ("f", "shadow"),
    ],
)
def test_resolve_prefers_as_the_engine_does(reference, value):
    assert find(reference, NUMBERED, DB, WEB) == value


@pytest.mark.parametrize("reference", ["nope", "", "/", " ", "/ab", "abc1234", "bc123", "//web"])
def test_resolve_finds_nothing(reference):
    with pytest.raises(NotFound) as caught:
        find(reference, WEB, DB)
    assert str(caught.value) == f"No such container: {reference}"


def test_resolve_ambiguous():
    with pytest.raises(InvalidParameter) as caught:
        find("ab", WEB, DB)
    assert str(caught.value) == "multiple IDs found with provided prefix: ab"


def test_resolve_ambiguous_with_its_own_text():
    def text(reference, matches):
        return f"{matches} matches found based on ID prefix: network {reference} is ambiguous"

    with pytest.raises(InvalidParameter) as caught:
        resolve("ab", [WEB, DB], missing, text)
    assert str(caught.value) == "2 matches found based on ID prefix: network ab is ambiguous"


@given(CANDIDATES, st.one_of(IDS, NAMES, NAMES.map("/{}".format)))
def test_resolve_follows_its_definition(candidates, reference):
    by_id = [value for identifier, _, value in candidates if identifier == reference]
    by_name = [value for _, name, value in candidates if name == f"/{reference.removeprefix('/')}"]
    by_prefix = [value for identifier, _, value in candidates if identifier.startswith(reference)]
    best = by_id or by_name or by_prefix
    if len(best) == 1:
        assert find(reference, *candidates) == best[0]
    else:
        with pytest.raises(InvalidParameter if best else NotFound):
            find(reference, *candidates)


def test_derived_ids_are_stable_and_tell_parts_apart():
    assert derived_id("network", "bridge") == derived_id("network", "bridge")
    assert HEX.fullmatch(derived_id())
    assert len({derived_id(), derived_id(""), derived_id("a", "b"), derived_id("ab"), derived_id("", "ab")}) == 5


@given(st.lists(st.text()), st.lists(st.text()))
def test_derived_ids_differ_for_different_parts(one, other):
    assert (derived_id(*one) == derived_id(*other)) == (one == other)


def test_mac_address():
    assert mac_address("172.17.0.2") == "02:42:ac:11:00:02"
    with pytest.raises(ValueError, match=r"172\.17"):
        mac_address("172.17")

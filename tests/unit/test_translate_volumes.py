from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from d2k.errors import InvalidParameter, NotFound
from d2k.translate import volumes
from d2k.translate.volumes import Volume

NAMES = st.from_regex(r"[a-zA-Z0-9][a-zA-Z0-9_.-]{1,80}", fullmatch=True)
SUBDOMAIN = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*")


def test_claim():
    assert volumes.claim("data", "data", {"a": "b"}, None, "1Gi", "2026-01-01T00:00:00Z") == {
        "apiVersion": "v1",
        "kind": "PersistentVolumeClaim",
        "metadata": {
            "name": "data",
            "labels": {
                "a": "b",
                "d2k.io/managed-by": "d2k",
                "d2k.io/kind": "volume",
                "app.kubernetes.io/name": "data",
            },
            "annotations": {
                "d2k.io/name": "data",
                "d2k.io/volume": '{"Labels":{"a":"b"},"Options":null,"CreatedAt":"2026-01-01T00:00:00Z"}',
            },
        },
        "spec": {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}},
    }


@given(NAMES, st.dictionaries(st.text(max_size=5), st.text(max_size=5)) | st.none())
def test_a_claim_gives_its_volume_back(name, labels):
    claim_name = volumes.claim_names(name)[0]
    stored = volumes.claim(claim_name, name, labels, None, "2Gi", "2026-01-01T00:00:00Z")
    assert volumes.docker_name(stored) == name
    assert volumes.volume(stored) == Volume(name, claim_name, "2026-01-01T00:00:00Z", labels, None, 2 << 30, 0)


@given(NAMES)
def test_claim_names_are_valid_and_distinct(name):
    volumes.check_name(name)
    found = volumes.claim_names(name)
    assert len(found) == len(set(found)) >= 2
    assert all(SUBDOMAIN.fullmatch(one) and len(one) <= 253 for one in found)


@given(NAMES, NAMES)
def test_two_names_do_not_share_their_first_claim_name(one, other):
    assert one == other or volumes.claim_names(one)[0] != volumes.claim_names(other)[0]


@pytest.mark.parametrize("name", ["_bad", "a/b", "-x", "ä1", "a b"])
def test_bad_names(name):
    with pytest.raises(InvalidParameter) as error:
        volumes.check_name(name)
    assert str(error.value) == (
        f'create {name}: "{name}" includes invalid characters for a local volume name, only '
        '"[a-zA-Z0-9][a-zA-Z0-9_.-]" are allowed. If you intended to pass a host directory, use absolute path'
    )


def test_short_name():
    with pytest.raises(InvalidParameter, match="create x: volume name is too short"):
        volumes.check_name("x")


def test_driver():
    volumes.check_driver("x", "")
    volumes.check_driver("x", "local")
    with pytest.raises(NotFound, match=r'^create x: error looking up volume plugin foo: plugin "foo" not found$'):
        volumes.check_driver("x", "foo")


def test_storage():
    assert volumes.storage("x", {}, "1Gi") == "1Gi"
    assert volumes.storage("x", {"size": "5Gi"}, "1Gi") == "5Gi"
    assert volumes.storage("x", {"size": "500m"}, "1Gi") == "500Mi"


@pytest.mark.parametrize(
    ("options", "text"),
    [
        ({"size": "abc"}, "create x: invalid size: 'abc'"),
        ({"foo": "1"}, 'create x: invalid option: "foo"'),
        ({"type": "nfs", "o": "addr=1", "device": ":/"}, 'create x: the option "type" asks to mount'),
    ],
)
def test_refused_options(options, text):
    with pytest.raises(InvalidParameter) as error:
        volumes.storage("x", options, "1Gi")
    assert str(error.value).startswith(text)


def test_filters():
    volume = Volume("data", "data", "", {"a": "b"})
    for filters, shown in (
        ({}, True),
        ({"name": ["at"]}, True),
        ({"name": ["^at"]}, False),
        ({"driver": ["loc"]}, False),
        ({"driver": ["local", "x"]}, True),
        ({"label": ["a"]}, True),
        ({"label": ["a=b", "c"]}, False),
        ({"dangling": ["true"]}, False),
        ({"dangling": ["false"]}, True),
    ):
        assert volumes.listed(volume, filters, {"data"}) is shown, filters


def test_prunable():
    named, anonymous = Volume("a", "a", "", {"k": "v"}), Volume("b", "b", "", {volumes.ANONYMOUS: "", "k": "w"})
    assert not volumes.prunable(named, {}, named=False)
    assert volumes.prunable(named, {"label": ["k=v"]}, named=True)
    assert volumes.prunable(anonymous, {"label!": ["k=v"]}, named=False)
    assert not volumes.prunable(anonymous, {"label!": ["k"]}, named=False)


def test_prune_named():
    assert volumes.prune_named({}, (1, 41))
    assert not volumes.prune_named({}, (1, 42))
    assert volumes.prune_named({"all": ["1"]}, (1, 42))
    with pytest.raises(InvalidParameter, match=r"^invalid filter 'all=\[true false\]': only one value is expected$"):
        volumes.prune_named({"all": ["true", "false"]}, (1, 42))
    with pytest.raises(
        InvalidParameter, match=r"^invalid filter 'all': strconv.ParseBool: parsing \"x\": invalid syntax$"
    ):
        volumes.prune_named({"all": ["x"]}, (1, 42))

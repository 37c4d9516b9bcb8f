from __future__ import annotations

import pytest
from container_samples import container, pod, running

from d2k.translate import annotations as marks
from d2k.translate import networks
from d2k.translate.labels import owned
from d2k.translate.record import Exit
from d2k.translate.soundness import unreadable


def test_what_d2k_writes_is_read():
    ended = running({"Labels": {"a": "b"}}, end=Exit(1, 3, started_at="2026-01-01T00:00:00Z"))
    assert unreadable("Deployment", container().deployment) == ""
    assert unreadable("Deployment", ended.deployment) == ""
    assert unreadable("Pod", pod()) == ""
    assert unreadable("EndpointSlice", {"metadata": {"name": "a"}}) == ""


@pytest.mark.parametrize("key", [marks.ID, marks.NAME, marks.CREATED, marks.SPEC, marks.IMAGE, marks.MOUNTS])
def test_a_container_needs_what_was_written_down(key):
    document = container().deployment
    del document["metadata"]["annotations"][key]
    assert unreadable("Deployment", document) == (
        f"Deployment front has d2k's label, but not what d2k writes (KeyError('{key}'))"
    )


@pytest.mark.parametrize(
    "notes",
    [
        {marks.ID: "abc"},
        {marks.NAME: ""},
        {marks.CREATED: "yesterday"},
        {marks.SPEC: "{"},
        {marks.SPEC: "[]"},
        {marks.SPEC: '{"HostConfig":5}'},
        {marks.SPEC: '{"Labels":[1]}'},
        {marks.SPEC: "zlib:%%%"},
        {marks.SPEC: "zlib:AAAA"},
        {marks.IMAGE: "{}"},
        {marks.MOUNTS: "null"},
        {marks.MOUNTS: "[5]"},
        {marks.NETWORKS: "[1]"},
        {marks.RUN: "many"},
        {marks.EXIT: "{}"},
        {marks.STOP: "5"},
    ],
)
def test_notes_that_are_not_d2ks(notes):
    document = container().deployment
    document["metadata"]["annotations"] |= notes
    assert unreadable("Deployment", document)


def test_other_objects_with_the_label():
    meta = {"name": "a", "labels": owned("network")}
    assert unreadable("ConfigMap", {"metadata": meta, "data": {networks.DOCUMENT: "{"}})
    assert unreadable("ConfigMap", {"metadata": {"name": "a", "labels": owned("image")}})
    assert unreadable("ConfigMap", {"metadata": {"name": "a", "labels": owned("other")}}) == ""
    assert unreadable("Pod", {"metadata": {"name": "a", "annotations": {marks.RUN: "x"}}})

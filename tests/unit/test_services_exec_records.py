from __future__ import annotations

from typing import Any

import orjson
import pytest
from fake_kube import FakeKube

from d2k.cluster.cache import ClusterCache
from d2k.cluster.resources import CONFIG_MAPS
from d2k.errors import NotFound
from d2k.services.exec_records import ExecRecords
from d2k.translate import execs
from d2k.translate.labels import owned

ID = "e" * 64


def records(data: Any) -> ExecRecords:
    kube: Any = FakeKube()
    cache = ClusterCache(kube)
    name = f"d2k-exec-{ID[:20]}"
    cache.create(CONFIG_MAPS, {"metadata": {"name": name, "labels": owned("exec")}, "data": data})
    return ExecRecords(kube, cache)


def test_an_exec_is_read() -> None:
    stored = execs.document(ID, "c" * 64, {"Cmd": ["true"]}, "2026-01-01T00:00:00Z")
    assert records({"exec.json": orjson.dumps(stored).decode()}).get(ID) == stored


@pytest.mark.parametrize("data", [None, {}, {"exec.json": "{"}, {"exec.json": "[]"}, {"exec.json": f'{{"ID":"{ID}"}}'}])
def test_what_d2k_did_not_write_is_no_exec(data: Any) -> None:
    with pytest.raises(NotFound, match=f"No such exec instance: {ID}"):
        records(data).get(ID)

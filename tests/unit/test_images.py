from __future__ import annotations

from collections import namedtuple
from dataclasses import replace
from typing import Any

import orjson
import pytest

from d2k.errors import Conflict, InvalidParameter, NotFound, SystemFailure
from d2k.translate import image_filters, image_removal, image_views, images
from d2k.translate.image_filters import ListFilter, PruneFilter
from d2k.translate.image_index import ImageIndex, pinned, shown
from d2k.translate.images import ImageRecord
from d2k.translate.references import parse

Use = namedtuple("Use", "id running")

ID = "sha256:06b2e3288fdc63b605617d4173e3f270192f7321ce13ac988ed981f515363917"
OTHER = "sha256:2b5b0f64151c5de670cf42b2d11c8e852c18089764cf301fd57c872ebdb8ce67"
DIGEST = "sha256:" + "42" * 32
LAYER = "sha256:" + "21" * 32
DIFF = "sha256:" + "4d" * 32
NEW_YEAR = 1767225600

CONFIG = {
    "architecture": "amd64",
    "os": "linux",
    "created": "2026-01-01T01:00:00+01:00",
    "config": {"Cmd": ["httpd"], "Env": ["A=b"], "ExposedPorts": {"80/tcp": {}}, "Labels": {"title": "web"}},
    "rootfs": {"type": "layers", "diff_ids": [DIFF]},
    "history": [
        {"created": "2026-01-01T00:00:00Z", "created_by": "ADD x", "comment": "c"},
        {"created": "2026-01-01T00:00:01Z", "created_by": "CMD", "empty_layer": True},
    ],
}


def web() -> ImageRecord:
    record = images.from_config(ID, CONFIG, [(LAYER, 1000)])
    record = record.with_tag(parse("web:latest"), 5).with_digest(parse(f"web@{DIGEST}"), 5)
    return record.with_source(f"docker.io/library/web@{DIGEST}")


def named(*names: str, image_id: str = ID) -> ImageRecord:
    record = ImageRecord(id=image_id)
    for name in names:
        reference = parse(name)
        record = record.with_digest(reference, 1) if reference.digest else record.with_tag(reference, 1)
    return record


def test_from_config() -> None:
    assert images.from_config(ID, CONFIG, [(LAYER, 1000)]) == ImageRecord(
        id=ID,
        created="2026-01-01T00:00:00Z",
        size=1000,
        config={"Cmd": ["httpd"], "Env": ["A=b"], "ExposedPorts": {"80/tcp": {}}, "Labels": {"title": "web"}},
        architecture="amd64",
        os="linux",
        layers=(DIFF,),
        blobs=((LAYER, 1000),),
        history=tuple(CONFIG["history"]),  # type: ignore[arg-type]
    )


def test_from_config_leaves_out_what_is_malformed() -> None:
    broken = {"created": "yesterday", "config": [], "rootfs": 1, "history": [1], "os": 2, "architecture": None}
    assert images.from_config(ID, broken, []) == ImageRecord(id=ID, architecture="")


def test_the_config_map_reads_back() -> None:
    record = replace(web(), tagged_at=7, author="me")
    stored = images.config_map(record)
    assert stored["metadata"] == {
        "name": "d2k-image-06b2e3288fdc63b60561",
        "labels": {"d2k.io/managed-by": "d2k", "d2k.io/kind": "image"},
    }
    assert list(stored["data"]) == ["image.json"]
    assert orjson.loads(stored["data"]["image.json"])["RepoTags"] == {"docker.io/library/web:latest": 5}
    assert images.is_image(stored)
    assert images.read(stored) == record


def test_a_history_that_is_too_long_for_a_config_map_is_left_out() -> None:
    record = replace(web(), history=({"created_by": "x" * 1_000_000},))
    assert images.read(images.config_map(record)) == replace(record, history=())


def test_synthetic() -> None:
    record = images.synthetic(parse("x/y"), 1_000_000_000)
    assert record == ImageRecord(
        id=record.id,
        tags={"docker.io/x/y:latest": 1_000_000_000},
        sources=("docker.io/x/y:latest",),
        created="1970-01-01T00:00:01Z",
        comment=images.SYNTHETIC_COMMENT,
        synthetic=True,
    )
    assert record.id == images.synthetic(parse("docker.io/x/y:latest"), 9).id
    assert images.synthetic(parse(f"x@{DIGEST}"), 1).digests == {f"docker.io/library/x@{DIGEST}": 1}


@pytest.mark.parametrize(
    "text",
    ["web", "web:latest", "library/web", f"web@{DIGEST}", f"web:nosuch@{DIGEST}", ID, ID[7:], "06b2", "sha256:06", "0"],
)
def test_find(text: str) -> None:
    assert ImageIndex([web(), ImageRecord(id=OTHER)]).find(text) == web()


@pytest.mark.parametrize("text", ["nosuch", "web:1", "sha256:ff", "f" * 64, f"x@{DIGEST}"])
def test_find_nothing(text: str) -> None:
    assert ImageIndex([web()]).find(text) is None


def test_a_prefix_of_two_ids_finds_none_and_a_name_goes_before_it() -> None:
    twin = ImageRecord(id="sha256:06b2" + "0" * 60)
    assert ImageIndex([web(), twin]).find("06b2") is None
    assert ImageIndex([web(), twin.with_tag(parse("06b2e:latest"), 1)]).find("06b2e").id == twin.id  # type: ignore[union-attr]


def test_a_name_belongs_to_whom_it_was_given_last() -> None:
    newer = ImageRecord(id=OTHER).with_tag(parse("web:latest"), 6)
    index = ImageIndex([web(), newer])
    assert index.find("web") == newer
    assert index.by_id(ID) == web().without(["docker.io/library/web:latest"])
    assert index.superseded == {ID: {"docker.io/library/web:latest": 5}}
    assert index.moment("docker.io/library/web:latest", ID, 2) == 7
    assert index.moment("docker.io/library/web:latest", OTHER, 9) == 6


def test_merged_keeps_what_is_known() -> None:
    fresh = replace(web(), tags={"docker.io/library/web:2": 9}, sources=(f"r.io/web@{DIGEST}",))
    assert fresh.merged(replace(web(), tagged_at=3)) == replace(
        web(),
        tags={"docker.io/library/web:2": 9, "docker.io/library/web:latest": 5},
        sources=(f"docker.io/library/web@{DIGEST}", f"r.io/web@{DIGEST}"),
        tagged_at=3,
    )
    assert fresh.merged(None) == fresh


def test_pinned() -> None:
    record = web().with_source(f"127.0.0.1:5/web@{DIGEST}")
    assert pinned(record, "web") == f"docker.io/library/web@{DIGEST}"
    assert pinned(record, "127.0.0.1:5/web:1") == f"127.0.0.1:5/web@{DIGEST}"
    assert pinned(record, "copy") == f"127.0.0.1:5/web@{DIGEST}"
    assert pinned(record, ID) == f"127.0.0.1:5/web@{DIGEST}"
    assert pinned(images.synthetic(parse("x"), 1), "x") == "docker.io/library/x:latest"
    assert pinned(record, f"web:1@{DIGEST}") == f"docker.io/library/web@{DIGEST}"


def test_shown() -> None:
    assert [shown("a"), shown("docker.io/a/b:c"), shown("f" * 64)] == ["a:latest", "a/b:c", "sha256:" + "f" * 64]


def test_list_item() -> None:
    expected: dict[str, Any] = {
        "Containers": 2,
        "Created": NEW_YEAR,
        "Id": ID,
        "Labels": {"title": "web"},
        "ParentId": "",
        "RepoDigests": [f"web@{DIGEST}"],
        "RepoTags": ["web:latest"],
        "SharedSize": -1,
        "Size": 1000,
    }
    assert image_views.list_item(web(), (1, 51), 2) == expected
    assert image_views.list_item(web(), (1, 43), 2) == {**expected, "Containers": -1, "VirtualSize": 1000}
    bare = ImageRecord(id=ID)
    assert image_views.list_item(bare, (1, 51), 0, 0)["RepoTags"] == []
    old = image_views.list_item(bare, (1, 42), 0)
    assert (old["RepoTags"], old["RepoDigests"]) == (["<none>:<none>"], ["<none>@<none>"])


def test_inspect() -> None:
    assert image_views.inspect(replace(web(), tagged_at=1_000_000_000, variant="v2"), (1, 51)) == {
        "Architecture": "amd64",
        "Author": "",
        "Comment": "",
        "Config": {
            "Cmd": ["httpd"],
            "Entrypoint": None,
            "Env": ["A=b"],
            "ExposedPorts": {"80/tcp": {}},
            "Labels": {"title": "web"},
            "OnBuild": None,
            "User": "",
            "Volumes": None,
            "WorkingDir": "",
        },
        "Created": "2026-01-01T00:00:00Z",
        "DockerVersion": "",
        "GraphDriver": {"Data": None, "Name": "kubernetes"},
        "Id": ID,
        "Metadata": {"LastTagTime": "1970-01-01T00:00:01Z"},
        "Os": "linux",
        "Parent": "",
        "RepoDigests": [f"web@{DIGEST}"],
        "RepoTags": ["web:latest"],
        "RootFS": {"Layers": [DIFF], "Type": "layers"},
        "Size": 1000,
        "Variant": "v2",
    }


def test_inspect_of_older_versions() -> None:
    old = image_views.inspect(web(), (1, 42))
    assert (old["Container"], old["VirtualSize"], old["Config"]["Hostname"]) == ("", 1000, "")
    assert old["ContainerConfig"]["Cmd"] is None
    assert "Hostname" in image_views.inspect(web(), (1, 49))["Config"]
    assert image_views.inspect(ImageRecord(id=ID), (1, 43))["Created"] == "0001-01-01T00:00:00Z"


def test_history() -> None:
    assert image_views.history(web()) == [
        {"Comment": "", "Created": NEW_YEAR + 1, "CreatedBy": "CMD", "Id": ID, "Size": 0, "Tags": ["web:latest"]},
        {"Comment": "c", "Created": NEW_YEAR, "CreatedBy": "ADD x", "Id": "<missing>", "Size": 1000, "Tags": None},
    ]
    assert image_views.history(ImageRecord(id=ID)) == []


def listed(**given: list[str]) -> ImageRecord | None:
    return ListFilter.read(given, 0, lambda _: NEW_YEAR * 10**9).applied(web())


def test_list_filters() -> None:
    assert listed() == web()
    assert listed(label=["title=web"]) == web()
    assert listed(label=["title=x"]) is None
    assert listed(dangling=["true"]) is None
    assert listed(dangling=["false"]) == web()
    assert listed(before=["x"]) is None
    assert listed(since=["x"]) is None
    assert listed(until=[str(NEW_YEAR + 1)]) == web()
    assert listed(until=[str(NEW_YEAR)]) is None
    assert listed(reference=["web:*"]) == web().without([f"docker.io/library/web@{DIGEST}"])
    assert listed(reference=["nosuch", "w?b"]) == web()
    assert listed(reference=["other"]) is None
    with pytest.raises(SystemFailure, match=r"^syntax error in pattern$"):
        listed(reference=["[a"])
    with pytest.raises(InvalidParameter, match=r"^invalid filter 'x'$"):
        listed(x=["y"])
    with pytest.raises(InvalidParameter, match=r"^invalid value for 'until' filter: failed to parse value"):
        listed(until=["x"])


def test_prune_filters() -> None:
    untagged = web().without(["docker.io/library/web:latest"])
    assert not PruneFilter.read({}, 0).matches(web())
    assert PruneFilter.read({}, 0).matches(untagged)
    assert PruneFilter.read({"dangling": ["false"]}, 0).matches(web())
    assert not PruneFilter.read({"label!": ["title"]}, 0).matches(untagged)
    assert not PruneFilter.read({"until": ["1"]}, 0).matches(untagged)


@pytest.mark.parametrize(
    ("pattern", "fits"),
    [
        ("a/b:1", True),
        ("a/b", True),
        ("a/*", True),
        ("*", False),
        ("*/b", True),
        ("a/[a-c]:?", True),
        ("a/[^a]:1", True),
        ("a/[^b]:1", False),
        (r"\a/b", True),
        ("a*b", False),
        ("*a*/*b*1*", True),
        ("*" + "a*" * 50 + "b", False),
    ],
)
def test_patterns_are_those_of_go(pattern: str, fits: bool) -> None:
    assert image_filters.matches(pattern, "docker.io/a/b:1") is fits


@pytest.mark.parametrize("pattern", ["[", "[]", "[a-", "a\\", "[-a]", "[^]"])
def test_malformed_patterns(pattern: str) -> None:
    with pytest.raises(SystemFailure):
        image_filters.matches(pattern, "docker.io/library/a:1")


RUNNING = [Use("c" * 64, True)]
STOPPED = [Use("c" * 64, False)]
WEB = f"web@{DIGEST}"


@pytest.mark.parametrize(
    ("record", "text", "uses", "force", "expected"),
    [
        (named("web:latest", WEB), "web", [], False, [{"Untagged": "web:latest"}, {"Untagged": WEB}, {"Deleted": ID}]),
        (named("web:latest", "foo:1"), "foo:1", RUNNING, False, [{"Untagged": "foo:1"}]),
        (named("web:latest", "web:1", WEB), "web:1", [], False, [{"Untagged": "web:1"}]),
        (named("web:latest", WEB, "foo:1"), "web", [], False, [{"Untagged": "web:latest"}, {"Untagged": WEB}]),
        (named("web:latest", WEB), WEB, [], False, [{"Untagged": WEB}]),
        (named("web:latest", WEB), "web", RUNNING, True, [{"Untagged": "web:latest"}, {"Untagged": WEB}]),
        (named("foo:a"), "06b2", STOPPED, True, [{"Untagged": "foo:a"}, {"Deleted": ID}]),
        (named("web:latest", WEB), ID, [], False, [{"Untagged": "web:latest"}, {"Untagged": WEB}, {"Deleted": ID}]),
        (named(), "06b2", [], False, [{"Deleted": ID}]),
    ],
)
def test_removal(record: ImageRecord, text: str, uses: list[Use], force: bool, expected: list[dict[str, str]]) -> None:
    assert image_removal.plan(record, text, uses, force=force).report(record) == expected


@pytest.mark.parametrize(
    ("record", "text", "uses", "force", "message"),
    [
        (
            named("web:latest", WEB),
            "web",
            STOPPED,
            False,
            'conflict: unable to remove repository reference "web" (must force) - container cccccccccccc is using its '
            "referenced image 06b2e3288fdc",
        ),
        (
            named("web:latest", WEB),
            "06b2",
            RUNNING,
            True,
            "conflict: unable to delete 06b2e3288fdc (cannot be forced) - image is being used by running container "
            "cccccccccccc",
        ),
        (
            named("web:latest", WEB),
            "06b2",
            STOPPED,
            False,
            "conflict: unable to delete 06b2e3288fdc (must be forced) - image is being used by stopped container "
            "cccccccccccc",
        ),
        (
            named("foo:1", "foo:2"),
            "06b2",
            [],
            False,
            "conflict: unable to delete 06b2e3288fdc (must be forced) - image is referenced in multiple repositories",
        ),
    ],
)
def test_removal_is_refused(record: ImageRecord, text: str, uses: list[Use], force: bool, message: str) -> None:
    with pytest.raises(Conflict) as raised:
        image_removal.plan(record, text, uses, force=force)
    assert str(raised.value) == message


def test_list_filter_of_an_unknown_image() -> None:
    def missing(text: str) -> int:
        raise NotFound(f"No such image: {text}")

    with pytest.raises(NotFound):
        ListFilter.read({"before": ["x"]}, 0, missing)

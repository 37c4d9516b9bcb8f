"""The image service over a cluster in memory and a registry that answers from a table."""

# ruff: noqa: ARG002 - the doubles have the signatures of what they stand for

from __future__ import annotations

import itertools
from collections import namedtuple
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from flask import Flask, g

from d2k.api.images import blueprint
from d2k.cluster.errors import KubeConflictError
from d2k.cluster.resources import CONFIG_MAPS
from d2k.cluster.store import Store
from d2k.errors import DockerError, NotFound, SystemFailure, Unauthorized
from d2k.http import errors as http_errors
from d2k.registry import errors
from d2k.registry.client import ResolvedImage
from d2k.registry.manifests import OCI_MANIFEST, Image, Layer
from d2k.services.images import Images
from d2k.translate.platforms import Platform
from d2k.translate.references import Reference

Use = namedtuple("Use", "id running")

A, B = "sha256:" + "a" * 64, "sha256:" + "b" * 64
DIGESTS = {A: "sha256:" + "1" * 64, B: "sha256:" + "2" * 64}


class MemoryCluster:
    """What the service uses of ClusterCache; `lose` makes the next write of each count meet another writer."""

    def __init__(self) -> None:
        self.store = Store()
        self.versions = itertools.count(1)
        self.writes = 0
        self.lose = 0

    def __getitem__(self, resource: Any) -> Store:
        assert resource is CONFIG_MAPS
        return self.store

    @contextmanager
    def changes(self) -> Iterator[Any]:
        class Changes:
            def wait(self, timeout: float | None = None) -> bool:
                return True

        yield Changes()

    def create(self, resource: Any, body: dict[str, Any]) -> dict[str, Any]:
        return self._put(body, f"uid-{next(self.versions)}")

    def replace(self, resource: Any, name: str, body: dict[str, Any]) -> dict[str, Any]:
        known = self.store.get(name)
        assert known is not None
        assert known["metadata"]["resourceVersion"] == body["metadata"]["resourceVersion"]
        return self._put(body, known["metadata"]["uid"])

    def delete(self, resource: Any, obj: dict[str, Any]) -> None:
        self.writes += 1
        self.store.remove(obj)

    def _put(self, body: dict[str, Any], uid: str) -> dict[str, Any]:
        if self.lose:
            self.lose -= 1
            raise KubeConflictError(409, "Conflict", "changed meanwhile")
        self.writes += 1
        meta = {**body["metadata"], "uid": uid, "resourceVersion": str(next(self.versions))}
        self.store.put({**body, "metadata": meta})
        return body


class TableRegistry:
    def __init__(self) -> None:
        self.table: dict[str, str | Exception] = {}

    def resolve(self, reference: Reference, platform: Any, credentials: Any) -> ResolvedImage:
        found = self.table.get(reference.familiar(), errors.ManifestNotFoundError(f"no {reference.familiar()}"))
        if isinstance(found, Exception):
            raise found
        config = {"architecture": "amd64", "os": "linux", "config": {"Cmd": ["sh"]}, "created": "2026-01-01T00:00:00Z"}
        image = Image("sha256:" + "9" * 64, OCI_MANIFEST, found, config, (Layer("sha256:" + "5" * 64, 10),))
        return ResolvedImage(reference, reference.digest or DIGESTS[found], image)

    def tags(self, reference: Reference, credentials: Any) -> list[str]:
        name = reference.familiar_name
        return [text.rpartition(":")[2] for text in self.table if text.startswith(f"{name}:")]


class World:
    def __init__(self, *, registry: bool = True) -> None:
        self.cluster = MemoryCluster()
        self.registry = TableRegistry()
        self.used: dict[str, list[Use]] = {}
        self.time = itertools.count(1)
        self.images = Images(
            self.cluster,  # type: ignore[arg-type]
            self.registry if registry else None,  # type: ignore[arg-type]
            lambda image_id: self.used.get(image_id, []),
            lambda: next(self.time),
        )

    def pull(self, image: str, tag: str = "latest", **more: str) -> list[dict[str, Any]]:
        return list(self.images.pull(image, tag, **more))

    def names(self) -> dict[str, list[str]]:
        items = self.images.list_all({}, (1, 51))
        return {item["Id"]: item["RepoTags"] + item["RepoDigests"] for item in items}


@pytest.fixture
def world() -> World:
    return World()


def test_pull(world: World) -> None:
    world.registry.table["app:latest"] = A
    lines = [{"status": "Pulling from library/app", "id": "latest"}, {"status": f"Digest: {DIGESTS[A]}"}]
    assert world.pull("docker.io/library/app") == [
        *lines,
        {"status": "Status: Downloaded newer image for app:latest"},
    ]
    written = world.cluster.writes
    assert world.pull("app") == [*lines, {"status": "Status: Image is up to date for app:latest"}]
    assert world.cluster.writes == written == 1
    assert world.names() == {A: ["app:latest", f"app@{DIGESTS[A]}"]}
    record = world.images.get("app")
    assert world.images.pinned(record, "app") == f"docker.io/library/app@{DIGESTS[A]}"
    assert world.images.resolve_for_create("app") == (record, [])


def test_a_moved_tag_leaves_the_older_image_dangling(world: World) -> None:
    world.registry.table["app:latest"] = A
    world.pull("app")
    world.registry.table["app:latest"] = B
    assert world.images.pinned(world.images.get("app"), "app").endswith(DIGESTS[A])
    assert world.pull("app")[-1] == {"status": "Status: Downloaded newer image for app:latest"}
    assert world.names() == {A: [f"app@{DIGESTS[A]}"], B: ["app:latest", f"app@{DIGESTS[B]}"]}
    assert world.images.pinned(world.images.get("app"), "app").endswith(DIGESTS[B])
    assert world.images._store.index().superseded == {}
    assert world.images.prune({}) == {
        "ImagesDeleted": [{"Untagged": f"app@{DIGESTS[A]}"}, {"Deleted": A}],
        "SpaceReclaimed": 0,
    }


def test_a_clock_that_was_set_back_does_not_keep_a_tag_from_moving(world: World) -> None:
    world.registry.table.update({"app:latest": A, "other:latest": B})
    world.pull("app")
    world.pull("other")
    world.time = itertools.count(-1000)
    world.images.tag("other", "app", "")
    assert world.images.get("app").id == B


def test_pull_by_digest(world: World) -> None:
    name = f"app@{DIGESTS[A]}"
    world.registry.table[name] = A
    assert world.pull("app", DIGESTS[A])[0] == {"status": "Pulling from library/app", "id": f"docker.io/library/{name}"}
    assert world.names() == {A: [name]}


def test_pull_of_every_tag(world: World) -> None:
    world.registry.table.update({"app:1": A, "app:2": B})
    assert world.pull("app", "") == [
        {"status": "Pulling from library/app", "id": "1"},
        {"status": f"Digest: {DIGESTS[A]}"},
        {"status": "Pulling from library/app", "id": "2"},
        {"status": f"Digest: {DIGESTS[B]}"},
        {"status": "Status: Downloaded newer image for app"},
    ]


def test_pull_for_a_platform(world: World) -> None:
    world.registry.table["app:latest"] = A
    assert world.pull("app", platform="linux/arm64")[-1] == {
        "status": "WARNING: image with reference app:latest was found but its platform (linux/amd64) does not match "
        "the specified platform (linux/arm64)"
    }
    # The manifest of that platform, not the list.
    assert world.images.pinned(world.images.get("app"), "app") == "docker.io/library/app@sha256:" + "9" * 64
    with pytest.raises(NotFound, match="does not match the specified platform"):
        world.images.resolve_for_create("app", "linux/arm64")


@pytest.mark.parametrize(
    ("failure", "kind"),
    [
        (errors.ManifestNotFoundError("x"), NotFound),
        (errors.DeniedError("x"), NotFound),
        (errors.UnauthorizedError("x"), Unauthorized),
        (errors.NoCredentialsError("x"), SystemFailure),
        (errors.UnknownHostError("x"), SystemFailure),
        (errors.RegistryError("x"), SystemFailure),
    ],
)
def test_a_refused_pull_fails_before_its_first_line(world: World, failure: Exception, kind: type[DockerError]) -> None:
    world.registry.table["app:latest"] = failure
    with pytest.raises(kind, match=r"^x$"):
        next(world.images.pull("app", "latest"))
    assert world.names() == {}


def test_a_missing_platform_fails_after_the_first_line(world: World) -> None:
    world.registry.table["app:latest"] = errors.PlatformNotFoundError("no matching manifest")
    messages = world.images.pull("app", "latest")
    assert next(messages) == {"status": "Pulling from library/app", "id": "latest"}
    with pytest.raises(NotFound, match=r"^no matching manifest$"):
        next(messages)


def test_an_unreachable_registry_is_acknowledged_until_it_answers(world: World) -> None:
    world.registry.table["app:latest"] = errors.UnreachableError("away")
    assert world.pull("app")[-1] == {
        "status": "Status: Image is acknowledged for app:latest: the registry docker.io cannot be reached (away)"
    }
    record, warnings = world.images.resolve_for_create("app")
    assert record.synthetic
    assert len(warnings) == 1
    world.registry.table["app:latest"] = A
    world.pull("app")
    assert list(world.names()) == [A]
    world.registry.table["app:latest"] = errors.UnreachableError("away")
    assert world.pull("app")[-1]["status"].startswith("Status: Image is kept as it was known for app:latest: ")
    assert list(world.names()) == [A]


def test_without_a_registry_create_makes_the_image_up() -> None:
    world = World(registry=False)
    record, warnings = world.images.resolve_for_create("app")
    assert (record.synthetic, list(record.tags)) == (True, ["docker.io/library/app:latest"])
    assert world.images.pinned(record, "app") == "docker.io/library/app:latest"
    assert warnings[0].startswith("no registry was asked about the image app:latest: ")
    assert world.images.find("app") == record
    with pytest.raises(NotFound):
        world.images.resolve_for_create("f" * 64)


def test_with_a_registry_an_unknown_image_is_not_found(world: World) -> None:
    with pytest.raises(NotFound, match=r"^No such image: app:latest$"):
        world.images.resolve_for_create("app")


def test_tag_and_remove(world: World) -> None:
    world.registry.table["app:latest"] = A
    world.pull("app")
    world.images.tag("app", "copy", "1")
    assert world.images.inspect("copy:1", (1, 51))["Metadata"]["LastTagTime"].startswith("1970-")
    assert world.images.remove("app") == [{"Untagged": "app:latest"}, {"Untagged": f"app@{DIGESTS[A]}"}]
    # Where the content can be pulled is still known.
    assert world.images.pinned(world.images.get("copy:1"), "copy:1") == f"docker.io/library/app@{DIGESTS[A]}"
    world.used[A] = [Use("c" * 64, False)]
    with pytest.raises(DockerError, match="is using its referenced image"):
        world.images.remove("copy:1")
    assert world.images.prune({"dangling": ["false"]}) == {"ImagesDeleted": None, "SpaceReclaimed": 0}
    world.used.clear()
    assert world.images.remove("copy:1") == [{"Untagged": "copy:1"}, {"Deleted": A}]
    assert (world.names(), len(world.cluster.store)) == ({}, 0)


def test_writes_are_tried_again_with_what_another_wrote(world: World) -> None:
    world.registry.table["app:latest"] = A
    world.cluster.lose = 3
    world.pull("app")
    assert world.cluster.writes == 1
    world.cluster.lose = 100
    with pytest.raises(KubeConflictError):
        world.images.tag("app", "copy", "")


def test_shared_size_and_containers(world: World) -> None:
    world.registry.table.update({"app:1": A, "app:2": B})
    world.pull("app", "1")
    assert world.images.list_all({}, (1, 51), shared_size=True)[0]["SharedSize"] == 0
    world.pull("app", "2")
    world.used[A] = [Use("c" * 64, True)]
    items = world.images.list_all({}, (1, 51), shared_size=True)
    assert [(item["Id"], item["SharedSize"], item["Containers"]) for item in items] == [(A, 10, 1), (B, 10, 0)]
    assert world.images.count() == 2


def test_inspect_for_another_platform(world: World) -> None:
    world.registry.table["app:latest"] = A
    world.pull("app")
    assert world.images.inspect("app", (1, 51), '{"os":"linux","architecture":"amd64"}')["Id"] == A
    with pytest.raises(NotFound, match="does not match the specified platform"):
        world.images.inspect("app", (1, 51), '{"os":"linux","architecture":"arm64"}')
    assert world.images.get("app").architecture == Platform().architecture


def test_routes(world: World) -> None:
    app = Flask("test")
    http_errors.register(app)
    app.register_blueprint(blueprint(world.images))
    version = (1, 51)

    @app.before_request
    def set_version() -> None:
        g.api_version = version

    world.registry.table["a.io/b/app:1"] = A
    client = app.test_client()
    pulled = client.post("/images/create?fromImage=a.io/b/app&tag=1")
    assert (pulled.status_code, pulled.content_type) == (200, "application/json")
    assert pulled.text.splitlines()[-1] == '{"status":"Status: Downloaded newer image for a.io/b/app:1"}'
    assert client.get("/images/a.io/b/app:1/json").get_json()["Id"] == A
    assert client.get("/images/a.io/b/app:1/history").json == []
    tagged = client.post("/images/a.io/b/app:1/tag?repo=copy")
    assert (tagged.status_code, tagged.data) == (201, b"")
    missing = client.post("/images/create?fromImage=nosuch&tag=1")
    assert (missing.status_code, missing.json) == (404, {"message": "no nosuch:1"})
    assert client.get("/images/json?filter=nosuch").json != []
    version = (1, 40)
    assert client.get("/images/json?filter=nosuch").json == []
    assert client.delete("/images/copy").json == [{"Untagged": "copy:latest"}]
    assert client.post("/images/prune").json == {"ImagesDeleted": None, "SpaceReclaimed": 0}
    for method, path in [
        ("POST", "/images/load"),
        ("GET", "/images/get?names=a"),
        ("GET", "/images/a/b/get"),
        ("POST", "/images/a/b/push"),
        ("GET", "/images/search?term=a"),
        ("POST", "/build"),
        ("POST", "/commit?container=a"),
        ("POST", "/images/create?fromSrc=-"),
    ]:
        assert client.open(path, method=method).status_code == 501, path
    assert client.post("/images/create").status_code == 400

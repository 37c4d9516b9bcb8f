"""The registry client against a small real HTTP server."""

from __future__ import annotations

import base64
import hashlib
import json
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
import urllib3

from d2k.config import Config
from d2k.registry import auth, errors, manifests, transport
from d2k.registry.auth import Challenge, Credentials
from d2k.registry.client import Registry, ResolvedImage, is_loopback
from d2k.registry.manifests import Image, Layer
from d2k.registry.sharing import Recent, Shared
from d2k.translate.platforms import Platform
from d2k.translate.references import Reference, parse

LAYER = {"mediaType": "application/vnd.docker.image.rootfs.diff.tar.gzip", "size": 7, "digest": "sha256:" + "1" * 64}
LAB = Credentials("lab", "secret")


def digest(body: bytes) -> str:
    return "sha256:" + hashlib.sha256(body).hexdigest()


class FakeRegistry(ThreadingHTTPServer):
    """Serves repositories from memory; `mode` is none, basic or bearer."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.host = f"127.0.0.1:{self.server_address[1]}"
        self.manifests: dict[tuple[str, str], tuple[str, bytes]] = {}
        self.blobs: dict[str, bytes] = {}
        self.mode = "none"
        self.failure: tuple[int, bytes, dict[str, str]] | None = None
        self.requests: list[str] = []
        self.gate = threading.Event()
        self.gate.set()

    def push(self, name: str, tag: str, body: dict[str, Any], media_type: str) -> str:
        text = json.dumps(body).encode()
        for target in (tag, digest(text)):
            self.manifests[name, target] = (media_type, text)
        return digest(text)

    def image(
        self, name: str, tag: str, architecture: str = "amd64", media_type: str = manifests.OCI_MANIFEST
    ) -> Image:
        config = {"architecture": architecture, "os": "linux", "config": {"Cmd": [name]}}
        text = json.dumps(config).encode()
        self.blobs[digest(text)] = text
        described = {"mediaType": "application/vnd.oci.image.config.v1+json", "size": 1, "digest": digest(text)}
        body = {"schemaVersion": 2, "mediaType": media_type, "config": described, "layers": [LAYER]}
        pushed = self.push(name, tag, body, media_type)
        return Image(pushed, media_type, digest(text), config, (Layer("sha256:" + "1" * 64, 7),))


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: FakeRegistry

    def do_GET(self) -> None:
        fake, parts = self.server, urlsplit(self.path)
        fake.requests.append(f"{self.command} {self.path}")
        fake.gate.wait(10)
        if parts.path == "/token":
            self._token(parse_qs(parts.query))
        elif fake.failure:
            self._send(*fake.failure)
        elif not self._allowed():
            self._refuse()
        else:
            self._serve(parts.path.removeprefix("/v2/"))

    do_HEAD = do_GET  # noqa: N815

    def do_POST(self) -> None:
        self.server.requests.append(f"{self.command} {self.path}")
        form = self.rfile.read(int(self.headers["Content-Length"])).decode()
        good = parse_qs(form).get("refresh_token") == ["refresh"]
        self._json(200 if good else 401, {"access_token": "t0ken"} if good else {"details": "bad token"})

    def _token(self, asked: dict[str, list[str]]) -> None:
        given = self.headers.get("Authorization")
        if given not in (None, LAB.basic):
            self._json(401, {"details": "incorrect username or password"})
        else:
            right = asked["scope"] == ["repository:private/app:pull"] and given
            self._json(200, {"token": "t0ken" if right else "anonymous", "expires_in": 300})

    def _allowed(self) -> bool:
        expected = {"none": None, "basic": LAB.basic, "bearer": "Bearer t0ken"}[self.server.mode]
        return expected is None or self.headers.get("Authorization") == expected

    def _refuse(self) -> None:
        if self.server.mode == "basic":
            challenge = 'Basic realm="lab"'
        else:
            challenge = f'Bearer realm="http://{self.server.host}/token",service="fake",scope="x"'
            if self.headers.get("Authorization"):
                challenge += ',error="insufficient_scope"'
        body = {"errors": [{"code": "UNAUTHORIZED", "message": "authentication required"}]}
        self._json(401, body, {"WWW-Authenticate": challenge})

    def _serve(self, path: str) -> None:
        fake = self.server
        if path.endswith("/tags/list"):
            self._tags(path.removesuffix("/tags/list"))
            return
        name, kind, target = path.rsplit("/", 2)
        if kind == "blobs" and target in fake.blobs:
            self._send(200, fake.blobs[target], {"Content-Type": "application/octet-stream"})
        elif kind == "manifests" and (name, target) in fake.manifests:
            media_type, text = fake.manifests[name, target]
            self._send(200, text, {"Content-Type": media_type, "Docker-Content-Digest": digest(text)})
        else:
            self._json(404, {"errors": [{"code": "MANIFEST_UNKNOWN", "message": "manifest unknown"}]})

    def _tags(self, name: str) -> None:
        tags = [tag for known, tag in self.server.manifests if known == name and ":" not in tag]
        if not tags:
            self._json(404, {"errors": [{"code": "NAME_UNKNOWN", "message": "repository name not known to registry"}]})
        elif "last=" in self.path or len(tags) == 1:
            self._json(200, {"name": name, "tags": tags[1:] or tags})
        else:
            link = f'</v2/{name}/tags/list?last={tags[0]}>; rel="next"'
            self._json(200, {"name": name, "tags": tags[:1]}, {"Link": link})

    def _json(self, status: int, body: Any, headers: dict[str, str] | None = None) -> None:
        self._send(status, json.dumps(body).encode(), {"Content-Type": "application/json", **(headers or {})})

    def _send(self, status: int, body: bytes, headers: dict[str, str]) -> None:
        self.send_response(status)
        for key, value in headers.items():
            self.send_header(key, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def log_message(self, *_: Any) -> None:
        pass


@pytest.fixture
def fake() -> Iterator[FakeRegistry]:
    server = FakeRegistry()
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    yield server
    server.shutdown()
    server.server_close()


def ref(fake: FakeRegistry, text: str) -> Reference:
    return parse(f"{fake.host}/{text}")


@pytest.mark.parametrize("media_type", [manifests.OCI_MANIFEST, manifests.DOCKER_MANIFEST])
def test_an_image(fake: FakeRegistry, media_type: str) -> None:
    image = fake.image("app", "latest", media_type=media_type)
    reference = ref(fake, "app:latest")
    registry = Registry()
    assert registry.resolve(reference) == ResolvedImage(reference, image.manifest_digest, image)
    assert image.size == 7
    by_digest = reference.with_digest(image.manifest_digest)
    assert registry.resolve(by_digest) == ResolvedImage(by_digest, image.manifest_digest, image)
    # The second time only the digest is asked for.
    assert [request.split()[0] for request in fake.requests] == ["HEAD", "GET", "GET", "HEAD"]


@pytest.mark.parametrize("media_type", [manifests.OCI_INDEX, manifests.DOCKER_LIST])
def test_a_list(fake: FakeRegistry, media_type: str) -> None:
    amd64, arm64 = fake.image("app", "amd64"), fake.image("app", "arm64", "arm64")
    described = [
        {"digest": "sha256:" + "0" * 64, "platform": {"os": "unknown", "architecture": "unknown"}},
        {"digest": amd64.manifest_digest, "platform": {"os": "linux", "architecture": "amd64"}},
        {"digest": arm64.manifest_digest, "platform": {"os": "linux", "architecture": "arm64", "variant": "v8"}},
    ]
    listed = fake.push("app", "latest", {"schemaVersion": 2, "manifests": described}, media_type)
    reference = ref(fake, "app:latest")
    registry = Registry()
    assert registry.resolve(reference) == ResolvedImage(reference, listed, amd64)
    assert registry.resolve(reference, Platform("linux", "arm64")) == ResolvedImage(reference, listed, arm64)
    with pytest.raises(errors.PlatformNotFoundError) as raised:
        registry.resolve(reference, Platform("linux", "s390x"))
    assert str(raised.value) == "no matching manifest for linux/s390x in the manifest list entries"


def test_a_mirror_is_asked_instead(fake: FakeRegistry) -> None:
    image = fake.image("library/app", "latest")
    registry = Registry({"docker.io": f"http://{fake.host}"})
    assert registry.resolve(parse("app:latest")).image == image
    with pytest.raises(errors.ManifestNotFoundError, match=r"^manifest for app:1 not found: manifest unknown: "):
        registry.resolve(parse("app:1"))
    with pytest.raises(errors.DeniedError) as raised:
        registry.resolve(parse("nosuch:latest"))
    assert str(raised.value) == (
        "pull access denied for nosuch, repository does not exist or may require 'docker login': "
        "denied: requested access to the resource is denied"
    )


def test_tags(fake: FakeRegistry) -> None:
    fake.image("app", "1")
    fake.image("app", "2")
    assert Registry().tags(ref(fake, "app")) == ["1", "2"]
    with pytest.raises(errors.RepositoryNotFoundError) as raised:
        Registry().tags(ref(fake, "nosuch"))
    assert str(raised.value) == (
        f"repository {fake.host}/nosuch not found: name unknown: repository name not known to registry"
    )


def test_missing(fake: FakeRegistry) -> None:
    with pytest.raises(errors.ManifestNotFoundError) as raised:
        Registry().resolve(ref(fake, "app:1"))
    assert str(raised.value) == f"manifest for {fake.host}/app:1 not found: manifest unknown: manifest unknown"


def test_basic(fake: FakeRegistry) -> None:
    image = fake.image("private/app", "latest")
    fake.mode = "basic"
    registry, reference = Registry(), ref(fake, "private/app:latest")
    assert registry.resolve(reference, credentials=LAB).image == image
    with pytest.raises(errors.NoCredentialsError) as raised:
        registry.resolve(reference)
    assert str(raised.value) == (
        f'Head "http://{fake.host}/v2/private/app/manifests/latest": no basic auth credentials'
    )
    with pytest.raises(errors.UnauthorizedError, match=r"^unauthorized: authentication required$"):
        registry.resolve(reference, credentials=Credentials("lab", "wrong"))


@pytest.mark.parametrize("credentials", [LAB, Credentials(identity_token="refresh")])
def test_bearer(fake: FakeRegistry, credentials: Credentials) -> None:
    image = fake.image("private/app", "latest")
    fake.mode = "bearer"
    registry, reference = Registry(), ref(fake, "private/app:latest")
    assert registry.resolve(reference, credentials=credentials).image == image
    assert registry.resolve(reference, credentials=credentials).image == image
    # The token serves until it ends.
    assert sum("/token" in request for request in fake.requests) == 1


def test_bearer_refusals(fake: FakeRegistry) -> None:
    fake.image("private/app", "latest")
    fake.mode = "bearer"
    registry, reference = Registry(), ref(fake, "private/app:latest")
    with pytest.raises(errors.DeniedError, match=r"^pull access denied for .*: denied: requested access"):
        registry.resolve(reference)
    with pytest.raises(errors.UnauthorizedError, match=r"^unauthorized: incorrect username or password$"):
        registry.resolve(reference, credentials=Credentials("lab", "wrong"))
    assert registry.resolve(reference, credentials=Credentials(registry_token="t0ken")).digest


@pytest.mark.parametrize(
    ("failure", "kind", "text"),
    [
        ((503, b"", {}), errors.UnreachableError, "received unexpected HTTP status: 503 Service Unavailable"),
        (
            (429, b'{"errors":[{"code":"TOOMANYREQUESTS","message":"slow down"}]}', {}),
            errors.RegistryError,
            "toomanyrequests: slow down",
        ),
        ((403, b"<html>", {}), errors.DeniedError, "pull access denied for "),
        ((404, b"", {}), errors.ManifestNotFoundError, "manifest for "),
        ((400, b"[]", {}), errors.RegistryError, "unexpected status from GET request to "),
        ((200, b"no", {}), errors.RegistryError, "the registry sent a manifest that is not a JSON object"),
        ((200, b'{"schemaVersion":1}', {}), errors.UnsupportedImageError, "Docker Image Format v1 and "),
        ((200, b'{"layers":[]}', {}), errors.UnsupportedImageError, "the registry sent a manifest without"),
        (
            (200, b'{"config":{"mediaType":"application/vnd.cncf.helm.config.v1+json","digest":"sha256:1"}}', {}),
            errors.UnsupportedImageError,
            'Encountered remote "application/vnd.cncf.helm.config.v1+json"',
        ),
        ((200, b'{"manifests":[1]}', {}), errors.RegistryError, "the registry sent a manifest whose manifests cannot"),
        ((200, b"x" * (4 * 1024 * 1024 + 1), {}), errors.RegistryError, "Get 'http://"),
    ],
)
def test_failures(
    fake: FakeRegistry, failure: tuple[int, bytes, dict[str, str]], kind: type[Exception], text: str
) -> None:
    fake.failure = failure
    with pytest.raises(errors.RegistryError) as raised:
        Registry().resolve(ref(fake, "app:1"))
    assert type(raised.value) is kind
    assert str(raised.value).startswith(text)


def test_content_that_is_not_what_its_digest_says(fake: FakeRegistry) -> None:
    image = fake.image("app", "1")
    fake.blobs[image.id] = b"{}"
    with pytest.raises(errors.RegistryError, match=rf"^config verification failed for digest {image.id}$"):
        Registry().resolve(ref(fake, "app:1"))
    fake.manifests["app", image.manifest_digest] = (manifests.OCI_MANIFEST, b"{}")
    with pytest.raises(errors.RegistryError, match=r"^manifest verification failed for digest "):
        Registry().resolve(ref(fake, f"app@{image.manifest_digest}"))


def test_nobody_there() -> None:
    with pytest.raises(errors.UnreachableError) as raised:
        Registry().resolve(parse("127.0.0.1:1/app:1"))
    assert str(raised.value) == (
        'Head "http://127.0.0.1:1/v2/app/manifests/1": dial tcp 127.0.0.1:1: connect: connection refused'
    )


def test_an_unknown_host() -> None:
    failure = urllib3.exceptions.NameResolutionError("r.invalid", None, OSError())  # type: ignore[arg-type]
    found = transport._failure("HEAD", "https://r.invalid/v2/", failure)
    assert type(found) is errors.UnknownHostError
    assert str(found) == 'Head "https://r.invalid/v2/": dial tcp: lookup r.invalid: no such host'


def test_concurrent_callers_share_one_request(fake: FakeRegistry) -> None:
    fake.image("app", "1")
    fake.gate.clear()
    registry, reference = Registry(), ref(fake, "app:1")
    with ThreadPoolExecutor(4) as pool:
        running = [pool.submit(registry.resolve, reference) for _ in range(4)]
        fake.gate.set()
        assert len({result.result().digest for result in running}) == 1
    assert [request.split()[0] for request in fake.requests][:3] == ["HEAD", "GET", "GET"]


def test_a_waiting_caller_takes_over_from_one_that_left() -> None:
    shared: Shared[str] = Shared()
    started, leave = threading.Event(), threading.Event()

    def left() -> str:
        started.set()
        leave.wait(10)
        raise SystemExit

    def first() -> None:
        with pytest.raises(SystemExit):
            shared.call("key", left)

    with ThreadPoolExecutor(2) as pool:
        leader = pool.submit(first)
        assert started.wait(10)
        follower = pool.submit(shared.call, "key", lambda: "done")
        leave.set()
        leader.result(10)
        assert follower.result(10) == "done"


def test_recent_keeps_what_was_used_last() -> None:
    recent: Recent[int] = Recent(2)
    recent.put("a", 1)
    recent.put("b", 2)
    assert recent.get("a") == 1
    recent.put("c", 3)
    assert (recent.get("a"), recent.get("b"), recent.get("c"), len(recent)) == (1, None, 3, 2)


def test_registry_auth() -> None:
    def header(document: Any) -> str:
        return base64.urlsafe_b64encode(json.dumps(document).encode()).decode()

    full = {"username": "u", "Password": "p>?", "identitytoken": "i", "serveraddress": "x", "registrytoken": "r"}
    assert auth.decode(header(full)) == Credentials("u", "p>?", "i", "r")
    assert auth.decode(header({"username": "u"}).rstrip("=")) == Credentials("u")
    for junk in ("", "e30=", "%%%", header([1]), header({"username": 1}), "é", "x" * 100_000):
        assert auth.decode(junk) == auth.ANONYMOUS
    assert "secret" not in repr(LAB)
    assert LAB.fingerprint != Credentials("lab", "other").fingerprint


def test_challenges() -> None:
    text = r'Bearer realm="https://a/token",service="s",scope="repository:x:pull,push", Basic realm="l \"ab\""'
    assert auth.challenges(text) == [
        Challenge("bearer", {"realm": "https://a/token", "service": "s", "scope": "repository:x:pull,push"}),
        Challenge("basic", {"realm": 'l "ab"'}),
    ]
    assert auth.challenges("Negotiate") == []


def test_settings() -> None:
    assert Registry.from_config(Config.from_environment({"D2K_REGISTRY": "off"})) is None
    assert isinstance(Registry.from_config(Config()), Registry)
    assert [is_loopback(host) for host in ("localhost:5", "127.1.2.3", "[::1]:5000", "10.0.0.1:5", "a.b")] == [
        True,
        True,
        True,
        False,
        False,
    ]

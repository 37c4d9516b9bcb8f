"""The client of image registries: which image does a name stand for, and what does its config say.

Nothing of an image's layers is fetched. The protocol is the OCI Distribution Specification's pull part, which is
Docker's Registry HTTP API v2.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Mapping
from dataclasses import dataclass

from d2k.config import Config
from d2k.registry import manifests
from d2k.registry.auth import ANONYMOUS, Credentials
from d2k.registry.errors import (
    ManifestNotFoundError,
    RegistryError,
    RepositoryNotFoundError,
    UnknownHostError,
    UnreachableError,
)
from d2k.registry.manifests import Image, Manifest
from d2k.registry.refusals import denied, refusal
from d2k.registry.sharing import Recent, Shared
from d2k.registry.tokens import Authenticator
from d2k.registry.transport import Answer, Transport
from d2k.translate.platforms import LINUX_AMD64, Platform
from d2k.translate.references import DOCKER_HUB, LATEST, Reference

MANIFEST_LIMIT = 4 * 1024 * 1024
CONFIG_LIMIT = 8 * 1024 * 1024
TAGS_LIMIT = 4 * 1024 * 1024
"""The largest bodies, in bytes, that are accepted; the first is also the limit of the specification."""

_HUB_URL = "https://registry-1.docker.io"
_KEPT_IMAGES = 128
_TAG_PAGES = 50
_NEXT_PAGE = re.compile(r'<([^>]+)>\s*;\s*rel="?next"?')


@dataclass(frozen=True)
class ResolvedImage:
    """What a reference stood for when the registry was asked.

    `digest` is that of the list or the manifest that the tag names, as in Docker's RepoDigests; `image` is the one
    image behind it for the platform asked for.
    """

    reference: Reference
    digest: str
    image: Image


class Registry:
    """Asks registries; safe for any number of greenlets, which share requests for the same image."""

    def __init__(
        self,
        mirrors: Mapping[str, str] | None = None,
        plain_http: frozenset[str] = frozenset(),
        platform: Platform = LINUX_AMD64,
    ) -> None:
        """Take where registries are really asked (host → URL), and those that speak plain HTTP besides loopback.

        `platform` is the one chosen from a list when the caller names none.
        """
        self._mirrors = mirrors or {}
        self._plain_http = plain_http
        self._platform = platform
        self._transport = Transport()
        self._authenticator = Authenticator(self._transport)
        self._shared: Shared[ResolvedImage] = Shared()
        # By digest: what stands behind a digest never changes, so only who may see it is asked again.
        self._images: Recent[Image] = Recent(_KEPT_IMAGES)

    @classmethod
    def from_config(cls, config: Config) -> Registry | None:
        """Return the client that the settings ask for; None when registries are not to be asked."""
        if config.registry == "off":
            return None
        return cls(config.registry_mirrors, config.registry_plain_http)

    def resolve(
        self, reference: Reference, platform: Platform | None = None, credentials: Credentials = ANONYMOUS
    ) -> ResolvedImage:
        """Return the image that a tag or a digest stands for now. Raises a RegistryError of the kind that fits."""
        key = (reference, platform, credentials.fingerprint)
        return self._shared.call(key, lambda: self._resolve(reference, platform or self._platform, credentials))

    def tags(self, reference: Reference, credentials: Credentials = ANONYMOUS) -> list[str]:
        """Return every tag of a repository. Raises a RegistryError of the kind that fits."""
        repository = self._repository(reference, credentials)
        found: list[str] = []
        path = "tags/list"
        for _ in range(_TAG_PAGES):
            answer = repository.get(path, "application/json", TAGS_LIMIT)
            page = manifests.decode(answer.body, "list of tags").get("tags")
            found += [tag for tag in page if isinstance(tag, str)] if isinstance(page, list) else []
            following = _NEXT_PAGE.search(answer.headers.get("Link", ""))
            if not following:
                break
            # Only the query is taken over: the next page can be nowhere else.
            path = "tags/list?" + following[1].partition("#")[0].partition("?")[2]
        return found

    def _resolve(self, reference: Reference, platform: Platform, credentials: Credentials) -> ResolvedImage:
        repository = self._repository(reference, credentials)
        try:
            return self._look_up(repository, reference, platform)
        except ManifestNotFoundError:
            # Behind a mirror a missing repository looks like a missing tag; the Hub itself would tell them apart.
            if reference.registry == DOCKER_HUB and DOCKER_HUB in self._mirrors and not repository.exists():
                raise denied(reference) from None
            raise
        except UnknownHostError as error:
            # The Hub exists: not to find it means that this cluster does not see the internet.
            if reference.registry == DOCKER_HUB:
                raise UnreachableError(str(error)) from error
            raise

    def _look_up(self, repository: _Repository, reference: Reference, platform: Platform) -> ResolvedImage:
        target = reference.digest or reference.tag or LATEST
        digest = repository.digest(target)
        image = self._images.get((digest, platform)) if digest else None
        if image is None:
            manifest = repository.manifest(target, reference.digest)
            digest = manifest.digest
            image = _image(repository, manifest, platform)
            self._images.put((digest, platform), image)
        return ResolvedImage(reference, digest, image)

    def _repository(self, reference: Reference, credentials: Credentials) -> _Repository:
        return _Repository(self._transport, self._authenticator, self._base(reference.registry), reference, credentials)

    def _base(self, registry: str) -> str:
        """Return the URL under which a registry's API is asked."""
        mirror = self._mirrors.get(registry)
        if mirror:
            return mirror
        if registry == DOCKER_HUB:
            return _HUB_URL
        plain = registry in self._plain_http or is_loopback(registry)
        return f"{'http' if plain else 'https'}://{registry}"


class _Repository:
    """Requests about one repository with one set of credentials."""

    def __init__(
        self,
        transport: Transport,
        authenticator: Authenticator,
        base: str,
        reference: Reference,
        credentials: Credentials,
    ) -> None:
        self._transport = transport
        self._authenticator = authenticator
        self._base = base
        self._reference = reference
        self._credentials = credentials

    def digest(self, target: str) -> str:
        """Return the digest that the registry names for a tag or a digest; empty when it does not, or refuses.

        A refusal to HEAD has no body that would say why: the GET that follows has.
        """
        answer = self._send("HEAD", f"manifests/{target}", manifests.ACCEPT, 0)
        return answer.headers.get("Docker-Content-Digest", "") if answer.status == 200 else ""

    def manifest(self, target: str, expected: str = "") -> Manifest:
        """Return the manifest of a tag or a digest. Raises RegistryError when it is not the one `expected`."""
        answer = self.get(f"manifests/{target}", manifests.ACCEPT, MANIFEST_LIMIT)
        if expected:
            _verify(answer.body, expected, "manifest")
        manifest = manifests.read_manifest(answer.body, answer.headers.get("Content-Type", ""))
        return Manifest(manifest.body, manifest.media_type, expected or manifest.digest)

    def config(self, digest: str) -> manifests.Document:
        """Return an image's config."""
        answer = self.get(f"blobs/{digest}", "*/*", CONFIG_LIMIT)
        _verify(answer.body, digest, "config")
        return manifests.decode(answer.body, "config")

    def exists(self) -> bool:
        """Say whether the registry knows the repository; yes when it does not tell."""
        try:
            self.get("tags/list?n=1", "application/json", TAGS_LIMIT)
        except RepositoryNotFoundError:
            return False
        except RegistryError:
            return True
        return True

    def get(self, path: str, accept: str, limit: int) -> Answer:
        """Return the answer to a GET below the repository. Raises a RegistryError when it is a refusal."""
        answer = self._send("GET", path, accept, limit)
        if answer.status >= 400:
            raise refusal(answer, self._reference)
        return answer

    def _send(self, method: str, path: str, accept: str, limit: int) -> Answer:
        url = f"{self._base}/v2/{self._reference.repository}/{path}"
        who = (self._base, self._reference, self._credentials)
        header = self._authenticator.known(*who)
        answer = self._transport.send(method, url, _headers(accept, header), limit=limit)
        if answer.status == 401:
            header = self._authenticator.answer(*who, answer)
            answer = self._transport.send(method, url, _headers(accept, header), limit=limit)
        return answer


def is_loopback(registry: str) -> bool:
    """Say whether a registry (host[:port]) is on this machine's loopback, where plain HTTP is the rule."""
    host = registry.rpartition("]")[0].lstrip("[") if registry.startswith("[") else registry.partition(":")[0]
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _image(repository: _Repository, manifest: Manifest, platform: Platform) -> Image:
    if manifest.is_list:
        digest = manifests.choose(manifest, platform)
        manifest = repository.manifest(digest, digest)
        if manifest.is_list:
            raise RegistryError("the registry sent a list of manifests within another one")
    identity = manifests.config_of(manifest)
    return Image(
        manifest_digest=manifest.digest,
        media_type=manifest.media_type,
        id=identity,
        config=repository.config(identity),
        layers=manifests.layers_of(manifest),
    )


def _verify(body: bytes, digest: str, what: str) -> None:
    algorithm = digest.partition(":")[0]
    actual = manifests.digest_of(body, algorithm)
    if actual != digest:
        raise RegistryError(f"{what} verification failed for digest {digest}")


def _headers(accept: str, authorization: str) -> dict[str, str]:
    headers = {"Accept": accept}
    if authorization:
        headers["Authorization"] = authorization
    return headers

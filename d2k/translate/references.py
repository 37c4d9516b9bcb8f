"""The names of images, read and normalised as the Docker Engine does (the grammar of distribution/reference).

A person writes the familiar form (`busybox`); the normalised form (`docker.io/library/busybox:latest`) says where the
image comes from. Errors have the Engine's words.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

from d2k.errors import InvalidParameter

DOCKER_HUB = "docker.io"
LATEST = "latest"

_HUB_ALIAS = "index.docker.io"
_OFFICIAL = "library/"
_LONGEST_PATH = 255
_INVALID = "invalid reference format"

_WORD = r"[a-z0-9]+(?:(?:[._]|__|-+)[a-z0-9]+)*"
_LABEL = r"(?:[a-zA-Z0-9]|[a-zA-Z0-9][a-zA-Z0-9-]*[a-zA-Z0-9])"
_HOST = rf"(?:{_LABEL}(?:\.{_LABEL})*|\[(?:[a-fA-F0-9:]+)\])(?::[0-9]+)?"
_TAG_TEXT = r"[a-zA-Z0-9_][a-zA-Z0-9_.-]{0,127}"
_DIGEST_TEXT = r"[A-Za-z][A-Za-z0-9]*(?:[-_+.][A-Za-z][A-Za-z0-9]*)*:[0-9a-fA-F]{32,}"

_REFERENCE = re.compile(rf"({_HOST})/({_WORD}(?:/{_WORD})*)(?::({_TAG_TEXT}))?(?:@({_DIGEST_TEXT}))?")
_TAG = re.compile(_TAG_TEXT)
_IDENTIFIER = re.compile(r"[a-f0-9]{64}")
_DIGEST = re.compile(r"([a-z0-9]+(?:[+._-][a-z0-9]+)*):([a-zA-Z0-9=_-]+)")
_DIGEST_LENGTHS = {"sha256": 64, "sha384": 96, "sha512": 128}


@dataclass(frozen=True)
class Reference:
    """A normalised name of an image: its registry, its repository there, and a tag, a digest, both or neither."""

    registry: str
    repository: str
    tag: str = ""
    digest: str = ""

    @property
    def name(self) -> str:
        """The normalised name without tag and digest: `docker.io/library/busybox`."""
        return f"{self.registry}/{self.repository}"

    @property
    def familiar_name(self) -> str:
        """The name as people write it, without tag and digest: `busybox`."""
        if self.registry != DOCKER_HUB:
            return self.name
        official = self.repository.removeprefix(_OFFICIAL)
        return self.repository if "/" in official else official

    def familiar(self) -> str:
        """Return the whole reference as people write it: `busybox:latest`, `busybox@sha256:…`."""
        return self.familiar_name + self._suffix()

    def __str__(self) -> str:
        return self.name + self._suffix()

    def _suffix(self) -> str:
        return (f":{self.tag}" if self.tag else "") + (f"@{self.digest}" if self.digest else "")

    def tagged(self) -> Reference:
        """Return the reference, with the tag `latest` if it has neither tag nor digest."""
        return self if self.tag or self.digest else replace(self, tag=LATEST)

    def with_tag(self, tag: str) -> Reference:
        """Return the reference with this tag. Raises InvalidParameter."""
        if _TAG.fullmatch(tag) is None:
            raise InvalidParameter("invalid tag format")
        return replace(self, tag=tag)

    def with_digest(self, digest: str) -> Reference:
        """Return the same repository with this digest and no tag."""
        return replace(self, tag="", digest=digest)


def parse(text: str) -> Reference:
    """Read a reference in its familiar or its normalised form. Raises InvalidParameter with the Engine's text."""
    if _IDENTIFIER.fullmatch(text):
        raise InvalidParameter(f"invalid repository name ({text}), cannot specify 64-byte hexadecimal strings")
    registry, path = _split(text)
    # The tag may have capitals, so only what is in front of it is looked at.
    name = path.partition(":")[0]
    if name != name.lower():
        raise InvalidParameter(f"{_INVALID}: repository name ({name}) must be lowercase")
    match = _REFERENCE.fullmatch(f"{registry}/{path}")
    if match is None:
        raise InvalidParameter(_INVALID)
    host, repository, tag, digest = match.groups(default="")
    if len(repository) > _LONGEST_PATH:
        raise InvalidParameter(f"repository name must not be more than {_LONGEST_PATH} characters")
    if digest and (problem := digest_problem(digest)):
        raise InvalidParameter(problem)
    return Reference(host, repository, tag, digest)


def parse_any(text: str) -> Reference | str:
    """Read a reference, or the full id of an image: that comes back as `sha256:<64 hex digits>`.

    Raises InvalidParameter with the Engine's text.
    """
    if _IDENTIFIER.fullmatch(text):
        return f"sha256:{text}"
    if is_digest(text):
        return text
    return parse(text)


def for_pull(image: str, tag: str = "") -> Reference:
    """Return what pull's parameters `fromImage` and `tag` name; the tag may be a digest.

    Neither tag nor digest means every tag of the repository. Raises InvalidParameter.
    """
    # `docker pull --all-tags` of old clients leaves a colon at the end.
    reference = parse(image.removesuffix(":"))
    if not tag:
        return reference
    return reference.with_digest(tag) if is_digest(tag) else reference.with_tag(tag)


def for_tag(repository: str, tag: str = "") -> Reference:
    """Return the name that tag's parameters `repo` and `tag` ask for. Raises InvalidParameter."""
    reference = parse(repository)
    if reference.digest:
        raise InvalidParameter("cannot import digest reference")
    if tag:
        reference = reference.with_tag(tag)
    if reference.familiar_name == "sha256":
        raise InvalidParameter("refusing to create an ambiguous tag using digest algorithm as name")
    return reference.tagged()


def is_digest(text: str) -> bool:
    """Say whether this is a well-formed digest of a known algorithm, such as `sha256:…`."""
    return not digest_problem(text)


def digest_problem(text: str) -> str:
    """Return what is wrong with a digest in the Engine's words, or the empty string."""
    match = _DIGEST.fullmatch(text)
    if match is None:
        return "invalid checksum digest format"
    algorithm, encoded = match.groups()
    length = _DIGEST_LENGTHS.get(algorithm)
    if length is None:
        return "unsupported digest algorithm"
    if len(encoded) != length:
        return "invalid checksum digest length"
    return "" if re.fullmatch("[a-f0-9]+", encoded) else "invalid checksum digest format"


def _split(text: str) -> tuple[str, str]:
    """Return the registry and the rest: the first part is a registry only if it cannot be a user's name on the Hub."""
    first, slash, rest = text.partition("/")
    if not slash or not (re.search("[.:]", first) or first == "localhost" or first != first.lower()):
        registry, path = DOCKER_HUB, text
    else:
        registry, path = first, rest
    if registry == _HUB_ALIAS:
        registry = DOCKER_HUB
    if registry == DOCKER_HUB and "/" not in path:
        path = _OFFICIAL + path
    return registry, path

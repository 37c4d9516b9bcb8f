"""Platforms such as `linux/amd64` and `linux/arm/v7`, read and normalised as containerd/platforms does."""

from __future__ import annotations

import re
from dataclasses import dataclass

import orjson

from d2k.errors import InvalidParameter

_PART = re.compile(r"[A-Za-z0-9_.-]+")
_OS_PART = re.compile(r"([A-Za-z0-9_-]+)(?:\(([A-Za-z0-9_.%-]*)((?:\+[A-Za-z0-9_.%-]+)*)\))?")
_OS_RULE = r"^([A-Za-z0-9_-]+)(?:\\(([A-Za-z0-9_.%-]*)((?:\\+[A-Za-z0-9_.%-]+)*)\\))?$"
_SYSTEMS = frozenset(("darwin", "freebsd", "linux", "netbsd", "openbsd", "solaris", "wasip1", "windows"))
_ARCHITECTURES = frozenset(
    ("386", "amd64", "arm", "arm64", "loong64", "mips64", "mips64le", "ppc64", "ppc64le", "riscv64", "s390x", "wasm")
)
_ALIASES = {"i386": "386", "x86_64": "amd64", "x86-64": "amd64", "aarch64": "arm64", "armhf": "arm", "armel": "arm"}
_ALIAS_VARIANTS = {"armhf": "v7", "armel": "v6"}
# What an image means that leaves the variant out.
_DEFAULT_VARIANTS = {"arm": "v7", "arm64": "v8"}


@dataclass(frozen=True)
class Platform:
    """An operating system, a processor's architecture and its variant (empty for the usual one)."""

    os: str = "linux"
    architecture: str = "amd64"
    variant: str = ""

    def __str__(self) -> str:
        return "/".join(filter(None, (self.os, self.architecture, self.variant)))

    def matches(self, other: Platform) -> bool:
        """Say whether an image for `other` is one for this platform; a variant that is left out is the usual one."""
        return (self.os, self.architecture, self._variant) == (other.os, other.architecture, other._variant)

    @property
    def _variant(self) -> str:
        return self.variant or _DEFAULT_VARIANTS.get(self.architecture, "")


LINUX_AMD64 = Platform()


def parse(text: str) -> Platform:
    """Read `os/architecture[/variant]`, or one of the first two alone. Raises InvalidParameter."""
    if "*" in text:
        raise InvalidParameter(f'"{text}": wildcards not yet supported: invalid argument')
    parts = text.split("/")
    if len(parts) > 3:
        raise InvalidParameter(f'"{text}": cannot parse platform specifier: invalid argument')
    _check(parts, text)
    lowered = [part.lower() for part in parts]
    if len(parts) == 1:
        if lowered[0] in _SYSTEMS:
            return Platform(lowered[0])
        if lowered[0] in _ALIASES or lowered[0] in _ARCHITECTURES:
            return normalised("linux", lowered[0])
        raise InvalidParameter(f'"{text}": unknown operating system or architecture: invalid argument')
    return normalised(*lowered)


def from_json(text: str) -> Platform:
    """Read an OCI platform as JSON: `{"os":"linux","architecture":"arm64"}`. Raises InvalidParameter."""
    try:
        document = orjson.loads(text)
    except orjson.JSONDecodeError as error:
        raise InvalidParameter(f"failed to parse platform: {error.msg}") from error
    values = document if isinstance(document, dict) else {}
    parts = [values.get(key) or "" for key in ("os", "architecture", "variant")]
    if not all(isinstance(part, str) for part in parts) or not parts[0] or not parts[1]:
        raise InvalidParameter("failed to parse platform: both OS and Architecture must be provided")
    return normalised(*parts)


def normalised(system: str, architecture: str, variant: str = "") -> Platform:
    """Return the platform under its usual names: `x86_64` is amd64, `armhf` is arm/v7."""
    variant = _ALIAS_VARIANTS.get(architecture, variant)
    architecture = _ALIASES.get(architecture, architecture)
    if architecture in ("arm", "arm64") and variant.isdigit():
        variant = f"v{variant}"
    return Platform("darwin" if system == "macos" else system, architecture, variant)


def _check(parts: list[str], text: str) -> None:
    if _OS_PART.fullmatch(parts[0]) is None:
        raise InvalidParameter(
            f'"{parts[0]}" is an invalid OS component of "{text}": '
            f'OSAndVersion specifier component must match "{_OS_RULE}": invalid argument'
        )
    for part in parts[1:]:
        if _PART.fullmatch(part) is None:
            raise InvalidParameter(
                f'"{part}" is an invalid component of "{text}": '
                f'platform specifier component must match "^{_PART.pattern}$": invalid argument'
            )


def mismatch(name: str, actual: Platform, wanted: Platform) -> str:
    """Return the Engine's sentence about an image that is there for another platform."""
    return (
        f"image with reference {name} was found but its platform ({actual}) does not match "
        f"the specified platform ({wanted})"
    )

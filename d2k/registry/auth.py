"""Credentials, and the two ways in which registries ask for them: `Basic`, and `Bearer` tokens of a token service."""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
from dataclasses import dataclass, field
from typing import Any

import orjson

_CHALLENGE = re.compile(
    r'([A-Za-z][A-Za-z0-9!#$&^_.+-]*)\s+((?:[A-Za-z_]+\s*=\s*(?:"(?:[^"\\]|\\.)*"|[^\s,"]*)\s*,?\s*)*)'
)
_PARAMETER = re.compile(r'([A-Za-z_]+)\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s,"]*))')
_LONGEST_HEADER = 16 * 1024


@dataclass(frozen=True)
class Credentials:
    """What a client sent in `X-Registry-Auth`; the secret parts never appear in its representation."""

    username: str = ""
    password: str = field(default="", repr=False)
    identity_token: str = field(default="", repr=False)
    registry_token: str = field(default="", repr=False)

    def __bool__(self) -> bool:
        return bool(self.username or self.identity_token or self.registry_token)

    @property
    def basic(self) -> str:
        """The value of an `Authorization` header of the Basic scheme."""
        return "Basic " + base64.b64encode(f"{self.username}:{self.password}".encode()).decode()

    @property
    def fingerprint(self) -> str:
        """A hash that tells credentials apart where the credentials themselves must not be kept."""
        parts = (self.username, self.password, self.identity_token, self.registry_token)
        return hashlib.sha256("\0".join(parts).encode("utf-8", "surrogatepass")).hexdigest()


ANONYMOUS = Credentials()


def decode(header: str) -> Credentials:
    """Read the header `X-Registry-Auth`: base64url of a JSON object.

    As in the Engine's pull, anything that is not that means no credentials, and no error.
    """
    if not header or len(header) > _LONGEST_HEADER:
        return ANONYMOUS
    try:
        text = base64.b64decode(header + "=" * (-len(header) % 4), altchars=b"-_", validate=True)
        document = orjson.loads(text)
    except (binascii.Error, ValueError):
        return ANONYMOUS
    if not isinstance(document, dict):
        return ANONYMOUS
    return Credentials(*(_text(document, key) for key in ("username", "password", "identitytoken", "registrytoken")))


def _text(document: dict[str, Any], key: str) -> str:
    # Go decodes keys without regard to case.
    for name, value in document.items():
        if name.lower() == key and isinstance(value, str):
            return value
    return ""


@dataclass(frozen=True)
class Challenge:
    """One entry of `WWW-Authenticate`: the scheme in lower case, and its parameters."""

    scheme: str
    parameters: dict[str, str]


def challenges(header: str) -> list[Challenge]:
    """Read the header `WWW-Authenticate`; what cannot be read is left out."""
    found = []
    for scheme, parameters in _CHALLENGE.findall(header[:_LONGEST_HEADER]):
        values = {
            name.lower(): re.sub(r"\\(.)", r"\1", quoted) or plain
            for name, quoted, plain in _PARAMETER.findall(parameters)
        }
        found.append(Challenge(scheme.lower(), values))
    return found

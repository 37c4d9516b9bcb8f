"""Docker's identifiers: making them, deriving stable ones, and finding the object that a reference means."""

from __future__ import annotations

import hashlib
import ipaddress
import secrets
from collections.abc import Callable, Iterable
from typing import TypeVar

from d2k.errors import InvalidParameter, NotFound

Value = TypeVar("Value")

ID_LENGTH = 64
"""The number of hexadecimal digits of an identifier."""


def new_id() -> str:
    """Return a fresh identifier of 64 hexadecimal digits; the one function here that is not pure.

    As in the engine, the short form of an id is never a plain number, which programs take for something else.
    """
    while True:
        identifier = secrets.token_hex(32)
        if not identifier[:12].isdigit():
            return identifier


def derived_id(*parts: str) -> str:
    """Return 64 hexadecimal digits that depend on these parts alone, for what must keep its id without being stored.

    Each part is preceded by its length, so that no two lists of parts give the same input to the hash.
    """
    digest = hashlib.sha256()
    for part in parts:
        encoded = part.encode("utf-8", "surrogatepass")
        digest.update(b"%d:" % len(encoded) + encoded)
    return digest.hexdigest()


def resolve(
    reference: str,
    candidates: Iterable[tuple[str, str, Value]],
    missing: Callable[[str], str],
    ambiguous: Callable[[str, int], str] | None = None,
) -> Value:
    """Return the value whose (id, name, value) the reference means, in the engine's order of preference.

    That order is: the whole id; the whole name, its leading slash optional; the only id that starts so.
    Raises InvalidParameter when several ids start so (`ambiguous` makes the text out of the reference and the number
    of ids, the engine's text for containers without it), NotFound with `missing(reference)` when nothing fits.
    """
    plain = reference.removeprefix("/")
    named: list[Value] = []
    prefixed: list[Value] = []
    for identifier, name, value in candidates:
        if identifier == reference:
            return value
        if plain and name.removeprefix("/") == plain:
            named.append(value)
        elif reference and identifier.startswith(reference):
            prefixed.append(value)
    if named:
        return named[0]
    if len(prefixed) > 1:
        raise InvalidParameter((ambiguous or _ambiguous)(reference, len(prefixed)))
    if not prefixed:
        raise NotFound(missing(reference))
    return prefixed[0]


def _ambiguous(reference: str, _matches: int) -> str:
    return f"multiple IDs found with provided prefix: {reference}"


def mac_address(ip: str) -> str:
    """Return the hardware address that Docker's bridge gives to this IPv4 address, such as `02:42:ac:11:00:02`.

    Raises ValueError for anything but an IPv4 address.
    """
    return "02:42:" + ipaddress.IPv4Address(ip).packed.hex(":")

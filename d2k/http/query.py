"""The values of a query string, read as the Engine reads them and refused with its words."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, overload

import orjson

from d2k.errors import InvalidParameter

_FALSE = frozenset(("", "0", "no", "false", "none"))
_INT64 = 2**63
_UINT32 = 2**32
_FRACTION_DIGITS = 20


def boolean(args: Mapping[str, str], name: str, default: bool = False) -> bool:
    """Return a switch: empty, `0`, `no`, `false` and `none` in any case mean no, everything else means yes."""
    if name not in args:
        return default
    return args[name].strip().lower() not in _FALSE


@overload
def integer(args: Mapping[str, str], name: str) -> int | None: ...
@overload
def integer(args: Mapping[str, str], name: str, default: int) -> int: ...
@overload
def integer(args: Mapping[str, str], name: str, default: None) -> int | None: ...
def integer(args: Mapping[str, str], name: str, default: int | None = None) -> int | None:
    """Return a whole number of 64 bits; absent or empty means `default`.

    Raises InvalidParameter with the text of Go's `strconv.Atoi`.
    """
    value = args.get(name, "")
    if not value:
        return default
    number, problem = _parse(value, -_INT64, _INT64)
    if problem:
        raise InvalidParameter(f"strconv.Atoi: parsing {_quoted(value)}: {problem}")
    return number


def dimensions(args: Mapping[str, str]) -> tuple[int, int]:
    """Return the height and the width of a terminal (`h` and `w`), in characters.

    Raises InvalidParameter when one of them is missing or no unsigned 32-bit number.
    """
    sizes = []
    for name, word in (("h", "height"), ("w", "width")):
        value = args.get(name, "")
        number, problem = _parse(value, 0, _UINT32)
        if value[:1] in ("+", "-"):
            problem = "invalid syntax"
        if problem:
            raise InvalidParameter(f"invalid resize {word} {_quoted(value)}: {problem}")
        sizes.append(number)
    return sizes[0], sizes[1]


def filters(args: Mapping[str, str], name: str = "filters") -> dict[str, list[str]]:
    """Return the filters: each key with its values, in the order sent; keys without a value are left out.

    Both encodings are read: a map of maps (`{"label":{"a=b":true}}`, Go's clients) and a map of lists
    (`{"label":["a=b"]}`, the older one, still docker-py's). Raises InvalidParameter with the Engine's `invalid filter`.
    """
    value = args.get(name, "")
    if not value:
        return {}
    try:
        decoded = orjson.loads(value)
    except orjson.JSONDecodeError:
        raise InvalidParameter("invalid filter") from None
    if decoded is None:
        return {}
    if not isinstance(decoded, dict):
        raise InvalidParameter("invalid filter")
    values = _map_of_maps(decoded)
    if values is None:
        values = _map_of_lists(decoded)
    if values is None:
        raise InvalidParameter("invalid filter")
    return {key: items for key, items in values.items() if items}


def timestamp(args: Mapping[str, str], name: str, *, keep_zero: bool = False) -> int | None:
    """Return a moment in nanoseconds since 1970, sent as `seconds` or `seconds.fraction`; None when there is none.

    `0` is no moment either, unless `keep_zero`: only `since` of events means 1970 by it. A negative number of seconds
    is a moment before 1970 to which the fraction is added, as in the Engine. Only numbers are read: clients convert
    dates and durations themselves. Raises InvalidParameter with the Engine's text.
    """
    value = args.get(name, "")
    if not value or (value == "0" and not keep_zero):
        return None
    whole, _, fraction = value.partition(".")
    seconds, problem = _parse(whole, -_INT64, _INT64)
    if problem:
        problem = f"invalid seconds {_quoted(whole)}: {problem}"
    elif fraction_problem := _fraction_problem(fraction):
        problem = f"invalid nanoseconds: {fraction_problem}"
    if problem:
        raise InvalidParameter(f"invalid value for {_quoted(name)}: invalid timestamp {_quoted(value)}: {problem}")
    return seconds * 1_000_000_000 + int(fraction.ljust(9, "0")[:9])


def _parse(value: str, low: int, high: int) -> tuple[int, str]:
    """Return a decimal number with low <= number < high, or Go's words for what is wrong with it."""
    digits = value[1:] if value[:1] in ("+", "-") else value
    if not digits.isascii() or not digits.isdigit():
        return 0, "invalid syntax"
    # The length is looked at first: Python refuses to convert numbers of thousands of digits.
    if len(digits.lstrip("0")) > 19 or not low <= int(value) < high:
        return 0, "value out of range"
    return int(value), ""


def _fraction_problem(fraction: str) -> str:
    if len(fraction.encode()) > _FRACTION_DIGITS:
        return f"length {len(fraction.encode())} exceeds maximum {_FRACTION_DIGITS}"
    for position, character in enumerate(fraction):
        if character not in "0123456789":
            return f"invalid character '{character}' at position {position}"
    return ""


def _map_of_maps(decoded: dict[str, Any]) -> dict[str, list[str]] | None:
    for values in decoded.values():
        if values is None:
            continue
        if not isinstance(values, dict) or not all(flag is None or isinstance(flag, bool) for flag in values.values()):
            return None
    return {key: list(values or ()) for key, values in decoded.items()}


def _map_of_lists(decoded: dict[str, Any]) -> dict[str, list[str]] | None:
    for values in decoded.values():
        if values is None:
            continue
        if not isinstance(values, list) or not all(item is None or isinstance(item, str) for item in values):
            return None
    return {key: [item or "" for item in values or ()] for key, values in decoded.items()}


def _quoted(value: str) -> str:
    return json.dumps(value, ensure_ascii=False)

"""Points in time and lengths of time, as Go and therefore Docker and Kubernetes write them; all in nanoseconds."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from fractions import Fraction
from functools import lru_cache

SECOND = 1_000_000_000
ZERO = "0001-01-01T00:00:00Z"

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_RFC3339 = re.compile(
    r"([0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2})(?:\.([0-9]{1,9})[0-9]*)?(Z|[+-][0-9]{2}:[0-9]{2})"
)
_UNITS = {
    "ns": 1,
    "us": 1_000,
    "µs": 1_000,
    "μs": 1_000,
    "ms": 1_000_000,
    "s": SECOND,
    "m": 60 * SECOND,
    "h": 3_600 * SECOND,
}
_LONGEST = 2**63


def _whole_seconds(seconds: int) -> str:
    return (_EPOCH + timedelta(seconds=seconds)).isoformat()[:19]


def rfc3339(ns: int) -> str:
    """Return nanoseconds since 1970 as Go's RFC3339Nano: UTC, and no trailing zeros in the fraction."""
    seconds, fraction = divmod(ns, SECOND)
    digits = f"{fraction:09d}".rstrip("0")
    return f"{_whole_seconds(seconds)}{'.' if digits else ''}{digits}Z"


def fixed_nanos(ns: int) -> str:
    """Return nanoseconds since 1970 with all nine digits of the fraction, as in front of a log line."""
    seconds, fraction = divmod(ns, SECOND)
    return f"{_whole_seconds(seconds)}.{fraction:09d}Z"


@lru_cache(maxsize=4096)
def parse_rfc3339(text: str) -> int:
    """Return the nanoseconds since 1970 of an RFC 3339 time; digits beyond the ninth do not count.

    Raises ValueError for anything else.
    """
    match = _RFC3339.fullmatch(text)
    if match is None:
        raise ValueError(f"not an RFC 3339 time: {text!r}")
    moment, fraction, zone = match.groups()
    since = datetime.fromisoformat(f"{moment}{'+00:00' if zone == 'Z' else zone}") - _EPOCH
    return (since.days * 86_400 + since.seconds) * SECOND + int((fraction or "").ljust(9, "0"))


_PIECE = re.compile(r"([0-9]*)(\.?)([0-9]*)([^0-9.]*)")


def go_duration(text: str) -> int:
    """Return the nanoseconds of a Go duration such as `1h30m`, `1.5s` or `-10ms`.

    Raises ValueError with the text of Go's `time.ParseDuration`.
    """
    sign, rest = (text[0], text[1:]) if text[:1] in ("-", "+") else ("", text)
    if rest == "0":
        return 0
    if not rest:
        raise ValueError(f'time: invalid duration "{text}"')
    total = 0
    while rest:
        match = _PIECE.match(rest)
        if match is None or not (match[1] or match[3]):
            raise ValueError(f'time: invalid duration "{text}"')
        total += _piece(match, text)
        rest = rest[match.end() :]
    if total > _LONGEST or (total == _LONGEST and sign != "-"):
        raise ValueError(f'time: invalid duration "{text}"')
    return -total if sign == "-" else total


def _piece(match: re.Match[str], text: str) -> int:
    whole, _, fraction, unit = match.groups()
    if not unit:
        raise ValueError(f'time: missing unit in duration "{text}"')
    if unit not in _UNITS:
        raise ValueError(f'time: unknown unit "{unit}" in duration "{text}"')
    if len(whole.lstrip("0")) > 19:
        raise ValueError(f'time: invalid duration "{text}"')
    fraction = fraction[:18]
    return int(Fraction(int(f"0{whole}{fraction}"), 10 ** len(fraction)) * _UNITS[unit])


def format_duration(ns: int) -> str:
    """Return nanoseconds as Go prints a duration: `1h30m0s`, `1.5s`, `100ms`, `0s`."""
    sign, rest = ("-", -ns) if ns < 0 else ("", ns)
    if rest == 0:
        return "0s"
    for unit, size in (("ns", 1), ("µs", 1_000), ("ms", 1_000_000)):
        if rest < size * 1_000:
            return f"{sign}{_decimal(rest, size)}{unit}"
    minutes, seconds = divmod(rest, 60 * SECOND)
    hours, minutes = divmod(minutes, 60)
    front = f"{hours}h{minutes}m" if hours else f"{minutes}m" if minutes else ""
    return f"{sign}{front}{_decimal(seconds, SECOND)}s"


def _decimal(amount: int, size: int) -> str:
    whole, rest = divmod(amount, size)
    digits = str(rest).rjust(len(str(size)) - 1, "0").rstrip("0") if rest else ""
    return f"{whole}.{digits}" if digits else str(whole)


def human_duration(seconds: float) -> str:
    """Return a length of time in seconds in the words of `docker ps`: `About an hour`, `3 weeks`.

    The thresholds are those of go-units' HumanDuration: hours are rounded, everything else is cut off.
    """
    whole = int(seconds)
    hours = int(seconds / 3600 + 0.5)
    if whole < 60:
        return "Less than a second" if whole < 1 else "1 second" if whole == 1 else f"{whole} seconds"
    if whole < 3600:
        return "About a minute" if whole < 120 else f"{whole // 60} minutes"
    if hours < 48:
        return "About an hour" if hours == 1 else f"{hours} hours"
    if hours < 24 * 7 * 2:
        return f"{hours // 24} days"
    if hours < 24 * 30 * 2:
        return f"{hours // 24 // 7} weeks"
    if hours < 24 * 365 * 2:
        return f"{hours // 24 // 30} months"
    return f"{whole // 3600 // 24 // 365} years"

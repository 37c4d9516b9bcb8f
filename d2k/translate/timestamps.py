"""The times that Docker's users write in `since`, `until` and prune filters, with the engine's own complaints."""

from __future__ import annotations

import re
from datetime import UTC, datetime

from d2k.errors import InvalidParameter
from d2k.translate.times import SECOND, go_duration

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_DATE = ("2006", "-", "01", "-", "02")
_ELEMENTS = {
    "2006": re.compile(r"[0-9]{4}"),
    "01": re.compile(r"[0-9]{2}"),
    "02": re.compile(r"[0-9]{2}"),
    "15": re.compile(r"[0-9]{1,2}"),
    "04": re.compile(r"[0-9]{2}"),
    "05": re.compile(r"[0-9]{2}(?:[.,][0-9]+)?"),
    "Z07:00": re.compile(r"Z|[+-][0-9]{2}:[0-9]{2}"),
}
# The day is not among them: Go compares it with the month's length after it has read everything.
_RANGES = {"01": ("month", 1, 12), "15": ("hour", 0, 23), "04": ("minute", 0, 59), "05": ("second", 0, 59)}


def timestamp(text: str, now_ns: int) -> int:
    """Return the nanoseconds since 1970 of a user's time.

    It is a Go duration back from `now_ns` (in whole seconds, as in the engine), a date or time of RFC 3339 in which
    the end and the zone may be absent (UTC then), or seconds since 1970 with an optional fraction.
    Raises InvalidParameter with the engine's text.
    """
    if not text:
        raise _failure("value is empty")
    if text != "0":
        try:
            return (now_ns - go_duration(text)) // SECOND * SECOND
        except ValueError:
            pass
    try:
        return _date(text, _layout(text))
    except ValueError as error:
        if "-" in text:
            raise InvalidParameter(str(error)) from None
    return _unix(text)


def _failure(reason: str) -> InvalidParameter:
    return InvalidParameter(f"failed to parse value as time or duration: {reason}")


def _unix(text: str) -> int:
    """Return the nanoseconds of `seconds[.fraction]`."""
    seconds, _, fraction = text.partition(".")
    if re.fullmatch(r"[+-]?[0-9]+", seconds) is None:
        raise _failure(f'invalid seconds "{seconds}": invalid syntax')
    if abs(int(seconds[:25])) >= 2**63:
        raise _failure(f'invalid seconds "{seconds}": value out of range')
    wrong = re.search(r"[^0-9]", fraction)
    if wrong:
        raise _failure(f"invalid nanoseconds: invalid character '{wrong[0]}' at position {wrong.start()}")
    return int(seconds) * SECOND + int(fraction[:9].ljust(9, "0"))


def _layout(text: str) -> tuple[str, ...]:
    """Choose Go's layout for the text as the engine does: by the characters that occur in it."""
    zoned = re.search("[zZ+]", text) is not None or text.count("-") == 3
    zone = ("Z07:00",) if zoned else ()
    if "." in text:
        return (*_DATE, "T", "15", ":", "04", ":", "05", ".999999999", *zone)
    if "T" not in text:
        return (*_DATE, *zone)
    colons = text.count(":")
    if zoned and re.search("[zZ]", text) is None and colons:
        colons -= 1
    parts = ("T", "15", ":", "04", ":", "05")
    return (*_DATE, *parts[: 2 + 2 * min(colons, 2)], *zone)


def _date(text: str, layout: tuple[str, ...]) -> int:
    """Return the nanoseconds of the text in this layout; raises ValueError with the text of Go's `time.Parse`."""
    found: dict[str, str] = {}
    rest = text
    for element in layout:
        if element.startswith("."):
            continue  # the seconds have taken the fraction along, as Go's parser does
        pattern = _ELEMENTS.get(element)
        match = pattern.match(rest) if pattern else re.match(re.escape(element), rest)
        if match is None:
            raise ValueError(f'parsing time "{text}" as "{"".join(layout)}": cannot parse "{rest}" as "{element}"')
        name, lowest, highest = _RANGES.get(element, ("", 0, 0))
        if name and not lowest <= int(match[0][:2].rstrip(".,")) <= highest:
            raise ValueError(f'parsing time "{text}": {name} out of range')
        found[element] = match[0]
        rest = rest[match.end() :]
    if rest:
        raise ValueError(f'parsing time "{text}": extra text: "{rest}"')
    return _moment(text, found)


def _moment(text: str, found: dict[str, str]) -> int:
    second, _, fraction = found.get("05", "00").replace(",", ".").partition(".")
    try:
        day = datetime(int(found["2006"]), int(found["01"]), int(found["02"]), tzinfo=UTC)
    except ValueError:
        raise ValueError(f'parsing time "{text}": day out of range') from None
    minutes = int(found.get("15", "0")) * 60 + int(found.get("04", "0")) - _offset(text, found.get("Z07:00", "Z"))
    seconds = (day - _EPOCH).days * 86_400 + minutes * 60 + int(second)
    return seconds * SECOND + int(fraction[:9].ljust(9, "0"))


def _offset(text: str, zone: str) -> int:
    """Return the minutes that a zone is ahead of UTC, within Go's limits."""
    if zone == "Z":
        return 0
    hours, minutes = int(zone[1:3]), int(zone[4:6])
    for name, value, highest in (("hour", hours, 24), ("minute", minutes, 60)):
        if value > highest:
            raise ValueError(f'parsing time "{text}": time zone offset {name} out of range')
    return (hours * 60 + minutes) * (-1 if zone[0] == "-" else 1)

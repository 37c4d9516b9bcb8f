from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from d2k.translate.times import (
    ZERO,
    fixed_nanos,
    format_duration,
    go_duration,
    human_duration,
    parse_rfc3339,
    rfc3339,
)

YEAR_1 = -62_135_596_800 * 10**9
YEAR_9999 = 253_402_300_799 * 10**9
INSTANTS = st.integers(YEAR_1, YEAR_9999)
MINUTE, HOUR, DAY = 60, 3600, 86400


@pytest.mark.parametrize(
    ("ns", "short", "fixed"),
    [
        (0, "1970-01-01T00:00:00Z", "1970-01-01T00:00:00.000000000Z"),
        (1, "1970-01-01T00:00:00.000000001Z", "1970-01-01T00:00:00.000000001Z"),
        (1_500_000_000, "1970-01-01T00:00:01.5Z", "1970-01-01T00:00:01.500000000Z"),
        (-1, "1969-12-31T23:59:59.999999999Z", "1969-12-31T23:59:59.999999999Z"),
        (YEAR_1, ZERO, "0001-01-01T00:00:00.000000000Z"),
        (1_763_930_524_008_934_420, "2025-11-23T20:42:04.00893442Z", "2025-11-23T20:42:04.008934420Z"),
    ],
)
def test_times_as_go_prints_them(ns, short, fixed):
    assert (rfc3339(ns), fixed_nanos(ns)) == (short, fixed)


@given(INSTANTS)
def test_times_come_back(ns):
    assert parse_rfc3339(rfc3339(ns)) == ns
    assert parse_rfc3339(fixed_nanos(ns)) == ns
    assert not rfc3339(ns).removesuffix("Z").endswith(".")


@given(st.integers(0, 4_102_444_800 * 10**6))
def test_times_agree_with_datetime(microseconds):
    moment = datetime.fromtimestamp(microseconds // 10**6, UTC).replace(microsecond=microseconds % 10**6)
    assert parse_rfc3339(moment.isoformat().replace("+00:00", "Z")) == microseconds * 1000


@pytest.mark.parametrize(
    ("text", "ns"),
    [
        ("2025-11-23T20:42:04Z", 1_763_930_524_000_000_000),
        ("2025-11-23T20:42:04.008934Z", 1_763_930_524_008_934_000),
        ("2025-11-23T21:42:04+01:00", 1_763_930_524_000_000_000),
        ("2025-11-23T18:12:04.5-02:30", 1_763_930_524_500_000_000),
        ("2025-11-23T20:42:04.1234567891Z", 1_763_930_524_123_456_789),
    ],
)
def test_parse_rfc3339(text, ns):
    assert parse_rfc3339(text) == ns


@pytest.mark.parametrize(
    "text", ["", "2025-11-23", "2025-11-23T20:42:04", "2025-13-23T20:42:04Z", "2025-11-23T20:42:04.Z", "x"]
)
def test_parse_rfc3339_refuses(text):
    with pytest.raises(ValueError, match=r"\w"):
        parse_rfc3339(text)


@pytest.mark.parametrize(
    ("text", "ns"),
    [
        ("0", 0),
        ("10m", 600 * 10**9),
        ("1h30m", 5400 * 10**9),
        ("1.5h", 5400 * 10**9),
        ("-10ms", -(10**7)),
        ("+.5s", 5 * 10**8),
        ("1.s", 10**9),
        ("3us2µs1μs4ns", 6004),
        ("1m1m", 120 * 10**9),
        ("-9223372036854775808ns", -(2**63)),
    ],
)
def test_go_durations(text, ns):
    assert go_duration(text) == ns


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", 'time: invalid duration ""'),
        ("-", 'time: invalid duration "-"'),
        ("foo", 'time: invalid duration "foo"'),
        (".s", 'time: invalid duration ".s"'),
        ("12", 'time: missing unit in duration "12"'),
        ("1d", 'time: unknown unit "d" in duration "1d"'),
        ("1h ", 'time: unknown unit "h " in duration "1h "'),
        ("9223372036854775808ns", 'time: invalid duration "9223372036854775808ns"'),
        ("99999999999999999999999h", 'time: invalid duration "99999999999999999999999h"'),
    ],
)
def test_go_durations_refused(text, message):
    with pytest.raises(ValueError, match=r"^time") as caught:
        go_duration(text)
    assert str(caught.value) == message


@pytest.mark.parametrize(
    ("ns", "text"),
    [
        (0, "0s"),
        (1, "1ns"),
        (1_100, "1.1µs"),
        (2_200_000, "2.2ms"),
        (100_000_000, "100ms"),
        (1_500_000_000, "1.5s"),
        (60 * 10**9, "1m0s"),
        (5400 * 10**9, "1h30m0s"),
        (3_600 * 10**9, "1h0m0s"),
        (-(2**63), "-2562047h47m16.854775808s"),
    ],
)
def test_durations_as_go_prints_them(ns, text):
    assert format_duration(ns) == text


@given(st.integers(-(2**63), 2**63 - 1))
def test_durations_come_back(ns):
    assert go_duration(format_duration(ns)) == ns


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (-5, "Less than a second"),
        (0.9, "Less than a second"),
        (1, "1 second"),
        (1.9, "1 second"),
        (2, "2 seconds"),
        (59.9, "59 seconds"),
        (MINUTE, "About a minute"),
        (2 * MINUTE - 0.1, "About a minute"),
        (2 * MINUTE, "2 minutes"),
        (HOUR - 1, "59 minutes"),
        (HOUR, "About an hour"),
        (1.49 * HOUR, "About an hour"),
        (1.5 * HOUR, "2 hours"),
        (47 * HOUR, "47 hours"),
        (47.4 * HOUR, "47 hours"),
        (47.5 * HOUR, "2 days"),
        (13 * DAY, "13 days"),
        (14 * DAY, "2 weeks"),
        (59 * DAY, "8 weeks"),
        (60 * DAY, "2 months"),
        (729 * DAY, "24 months"),
        (730 * DAY, "2 years"),
        (730 * DAY - 0.4 * HOUR, "1 years"),
    ],
)
def test_human_durations(seconds, text):
    assert human_duration(seconds) == text

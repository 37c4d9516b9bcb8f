import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from d2k.errors import InvalidParameter
from d2k.translate.times import fixed_nanos, rfc3339
from d2k.translate.timestamps import timestamp

NOW = 1_700_000_000_900_000_000
SECOND = 10**9
DAY = 1_357_084_800  # 2013-01-02


@pytest.mark.parametrize(
    ("text", "ns"),
    [
        ("10m", (1_700_000_000 - 600) * SECOND),
        ("1h30m", (1_700_000_000 - 5400) * SECOND),
        ("-5m", (1_700_000_000 + 300) * SECOND),
        ("0", 0),
        ("12.5", 12 * SECOND + 5 * 10**8),
        ("5.", 5 * SECOND),
        ("+5", 5 * SECOND),
        ("1.1234567899", SECOND + 123_456_789),
        ("2013-01-02", DAY * SECOND),
        ("2013-01-02Z", DAY * SECOND),
        ("2013-01-02+01:00", (DAY - 3600) * SECOND),
        ("2013-01-02T05", (DAY + 5 * 3600) * SECOND),
        ("2013-01-02T5:00", (DAY + 5 * 3600) * SECOND),
        ("2013-01-02T05:06", (DAY + 5 * 3600 + 360) * SECOND),
        ("2013-01-02T05:06:07", (DAY + 5 * 3600 + 367) * SECOND),
        ("2013-01-02T05:06:07.25", (DAY + 5 * 3600 + 367) * SECOND + SECOND // 4),
        ("2013-01-02T05:06:07Z", (DAY + 5 * 3600 + 367) * SECOND),
        ("2013-01-02T05:06-07:00", (DAY + 12 * 3600 + 360) * SECOND),
    ],
)
def test_timestamps(text, ns):
    assert timestamp(text, NOW) == ns


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "failed to parse value as time or duration: value is empty"),
        ("foo", 'failed to parse value as time or duration: invalid seconds "foo": invalid syntax'),
        ("1d", 'failed to parse value as time or duration: invalid seconds "1d": invalid syntax'),
        (".5", 'failed to parse value as time or duration: invalid seconds "": invalid syntax'),
        (
            "99999999999999999999",
            'failed to parse value as time or duration: invalid seconds "99999999999999999999": value out of range',
        ),
        (
            "12.x",
            "failed to parse value as time or duration: invalid nanoseconds: invalid character 'x' at position 0",
        ),
        (
            "1.5.",
            "failed to parse value as time or duration: invalid nanoseconds: invalid character '.' at position 1",
        ),
        ("2013-01", 'parsing time "2013-01" as "2006-01-02": cannot parse "" as "-"'),
        ("20x-02-01", 'parsing time "20x-02-01" as "2006-01-02": cannot parse "20x-02-01" as "2006"'),
        ("2013-13-02", 'parsing time "2013-13-02": month out of range'),
        ("2013-00-01", 'parsing time "2013-00-01": month out of range'),
        ("2013-02-30", 'parsing time "2013-02-30": day out of range'),
        ("2013-02-01T25:00", 'parsing time "2013-02-01T25:00": hour out of range'),
        ("2013-02-01 05:00:00", 'parsing time "2013-02-01 05:00:00": extra text: " 05:00:00"'),
        ("2013-02-01T05:00:00.5x", 'parsing time "2013-02-01T05:00:00.5x": extra text: "x"'),
        (
            "2013-02-01T05:00:00.123-07",
            'parsing time "2013-02-01T05:00:00.123-07" as "2006-01-02T15:04:05.999999999Z07:00": '
            'cannot parse "-07" as "Z07:00"',
        ),
        (
            "2013-02-01T05.5-07:00",
            'parsing time "2013-02-01T05.5-07:00" as "2006-01-02T15:04:05.999999999Z07:00": '
            'cannot parse ".5-07:00" as ":"',
        ),
        (
            "2013-02-01T05:00:00-25:00",
            'parsing time "2013-02-01T05:00:00-25:00": time zone offset hour out of range',
        ),
    ],
)
def test_timestamps_refused(text, message):
    with pytest.raises(InvalidParameter) as caught:
        timestamp(text, NOW)
    assert str(caught.value) == message


@given(st.integers(0, 4_102_444_800 * SECOND))
def test_written_times_are_read(ns):
    assert timestamp(fixed_nanos(ns), NOW) == ns
    assert timestamp(rfc3339(ns), NOW) == ns
    assert timestamp(f"{ns // SECOND}.{ns % SECOND:09d}", NOW) == ns


@given(st.one_of(st.text(), st.text("0123456789-:T.Z+hms", max_size=30)))
def test_only_a_docker_error_comes_out(text):
    with contextlib.suppress(InvalidParameter):
        assert isinstance(timestamp(text, NOW), int)

from __future__ import annotations

import json
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from d2k.errors import InvalidParameter
from d2k.http.query import boolean, dimensions, filters, integer, timestamp


@pytest.mark.parametrize("value", ["", "0", "no", "No", "FALSE", "none", " false "])
def test_words_for_no(value: str) -> None:
    assert boolean({"all": value}, "all", True) is False


@pytest.mark.parametrize("value", ["1", "true", "True", "yes", "maybe", "2"])
def test_everything_else_is_yes(value: str) -> None:
    assert boolean({"all": value}, "all") is True


def test_an_absent_switch_has_its_default() -> None:
    assert (boolean({}, "all"), boolean({}, "all", True)) == (False, True)


@given(st.integers(-(2**63), 2**63 - 1))
def test_integers_of_64_bits(number: int) -> None:
    assert integer({"t": str(number)}, "t") == number


def test_integer_defaults_and_signs() -> None:
    assert (integer({}, "t"), integer({"t": ""}, "t", 10), integer({"t": "+1"}, "t")) == (None, 10, 1)


@pytest.mark.parametrize(
    ("value", "problem"),
    [
        ("abc", "invalid syntax"),
        ("1_0", "invalid syntax"),
        (" 1", "invalid syntax"),
        ("٣", "invalid syntax"),
        ("--1", "invalid syntax"),
        ("99999999999999999999", "value out of range"),
        ("9" * 5000, "value out of range"),
    ],
)
def test_bad_integers_are_refused_in_the_words_of_the_engine(value: str, problem: str) -> None:
    with pytest.raises(InvalidParameter) as error:
        integer({"t": value}, "t")
    assert str(error.value) == f'strconv.Atoi: parsing "{value}": {problem}'


def test_dimensions() -> None:
    assert dimensions({"h": "24", "w": "80"}) == (24, 80)


@pytest.mark.parametrize(
    ("args", "message"),
    [
        ({}, 'invalid resize height "": invalid syntax'),
        ({"h": "1"}, 'invalid resize width "": invalid syntax'),
        ({"h": "-1", "w": "1"}, 'invalid resize height "-1": invalid syntax'),
        ({"h": "1", "w": "4294967296"}, 'invalid resize width "4294967296": value out of range'),
    ],
)
def test_bad_dimensions(args: dict[str, str], message: str) -> None:
    with pytest.raises(InvalidParameter) as error:
        dimensions(args)
    assert str(error.value) == message


@given(st.dictionaries(st.text(), st.lists(st.text(), min_size=1, unique=True)))
def test_both_encodings_of_filters_mean_the_same(wanted: dict[str, list[str]]) -> None:
    maps = {key: dict.fromkeys(values, True) for key, values in wanted.items()}
    assert filters({"filters": json.dumps(maps)}) == wanted
    assert filters({"filters": json.dumps(wanted)}) == wanted


@pytest.mark.parametrize("value", ["", "null", "{}", '{"label":null}', '{"label":{}}', '{"label":[]}'])
def test_no_filters(value: str) -> None:
    assert filters({"filters": value}) == {}


def test_a_filter_counts_whatever_its_flag() -> None:
    assert filters({"filters": '{"label":{"a=b":false}}'}) == {"label": ["a=b"]}


@pytest.mark.parametrize(
    "value",
    [
        "abc",
        "[]",
        '"x"',
        "{",
        '{"label":1}',
        '{"label":"x"}',
        '{"label":[1]}',
        '{"label":{"a":1}}',
        '{"label":["a"],"name":{"x":true}}',
    ],
)
def test_bad_filters(value: str) -> None:
    with pytest.raises(InvalidParameter, match=r"^invalid filter$"):
        filters({"filters": value})


@pytest.mark.parametrize(
    ("value", "moment"),
    [
        ("", None),
        ("0", None),
        ("0.0", 0),
        ("1.", 1_000_000_000),
        ("+5", 5_000_000_000),
        ("-1.5", -500_000_000),
        ("1.1234567890123", 1_123_456_789),
        ("1700000000.000000001", 1_700_000_000_000_000_001),
    ],
)
def test_moments(value: str, moment: int | None) -> None:
    assert timestamp({"since": value}, "since") == moment


def test_zero_can_mean_1970() -> None:
    assert (timestamp({"since": "0"}, "since", keep_zero=True), timestamp({}, "since", keep_zero=True)) == (0, None)


@given(st.integers(1, 2**40), st.text("0123456789", max_size=20))
def test_fractions_are_cut_to_nanoseconds(seconds: int, fraction: str) -> None:
    exact = Fraction(f"{seconds}.{fraction or '0'}") * 10**9
    assert timestamp({"until": f"{seconds}.{fraction}"}, "until") == exact // 1


@pytest.mark.parametrize(
    ("value", "problem"),
    [
        ("abc", 'invalid seconds "abc": invalid syntax'),
        (".5", 'invalid seconds "": invalid syntax'),
        ("10m", 'invalid seconds "10m": invalid syntax'),
        ("99999999999999999999", 'invalid seconds "99999999999999999999": value out of range'),
        ("1.2.3", "invalid nanoseconds: invalid character '.' at position 1"),
        ("1.-5", "invalid nanoseconds: invalid character '-' at position 0"),
        ("1." + "1" * 21, "invalid nanoseconds: length 21 exceeds maximum 20"),
    ],
)
def test_bad_moments_are_refused_in_the_words_of_the_engine(value: str, problem: str) -> None:
    with pytest.raises(InvalidParameter) as error:
        timestamp({"since": value}, "since")
    assert str(error.value) == f'invalid value for "since": invalid timestamp "{value}": {problem}'

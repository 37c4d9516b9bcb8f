import contextlib
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from d2k.errors import InvalidParameter
from d2k.translate.quantities import cpu_from_quota, cpus, memory, parse_docker_size, parse_quantity


def test_memory():
    assert memory(6_291_457) == "6291457"


@pytest.mark.parametrize(
    ("nano", "text"),
    [
        (1_500_000_000, "1500m"),
        (2_000_000_000, "2"),
        (1_000_000, "1m"),
        (1, "1m"),
        (1_000_001, "2m"),
        (999_999_999, "1"),
    ],
)
def test_cpus(nano, text):
    assert cpus(nano) == text


@given(st.integers(1, 10**13))
def test_cpus_round_up_by_less_than_a_thousandth(nano):
    assert 0 <= parse_quantity(cpus(nano)) - Fraction(nano, 10**9) < Fraction(1, 1000)


@pytest.mark.parametrize(
    ("period", "quota", "text"),
    [
        (100_000, 50_000, "500m"),
        (0, 50_000, "500m"),
        (50_000, 100_000, "2"),
        (100_000, 0, None),
        (100_000, -1, None),
        (300_000, 1_000, "4m"),
    ],
)
def test_cpu_from_quota(period, quota, text):
    assert cpu_from_quota(period, quota) == text


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1Gi", 2**30),
        ("500m", Fraction(1, 2)),
        ("1e3", 1000),
        ("1E3", 1000),
        ("1E", 10**18),
        ("1Ei", 2**60),
        (".5", Fraction(1, 2)),
        ("5.", 5),
        ("+1.5k", 1500),
        ("-2M", -2_000_000),
        ("12e-3", Fraction(12, 1000)),
        ("100n", Fraction(1, 10**7)),
        ("3u", Fraction(3, 10**6)),
        ("0", 0),
    ],
)
def test_parse_quantity(text, value):
    assert parse_quantity(text) == value


@pytest.mark.parametrize("text", ["", ".", "x", "1K", "1ki", "1 Gi", "1e", "1e9999", "1GiB", "1\n"])
def test_parse_quantity_refuses(text):
    with pytest.raises(ValueError, match="not a Kubernetes quantity"):
        parse_quantity(text)


@pytest.mark.parametrize(
    ("text", "quantity"),
    [
        ("5Gi", "5Gi"),
        ("1.5Gi", "1.5Gi"),
        ("1024Mi", "1024Mi"),
        ("5g", "5Gi"),
        ("5G", "5Gi"),
        ("5GB", "5Gi"),
        ("5GiB", "5Gi"),
        ("5 gb", "5Gi"),
        ("500m", "500Mi"),
        ("1024", "1Ki"),
        ("1000", "1000"),
        ("1000b", "1000"),
        ("1.5g", "1536Mi"),
        ("1e3", "1000"),
        ("2048k", "2Mi"),
        ("1t", "1Ti"),
        ("0.1k", "102"),
    ],
)
def test_parse_docker_size(text, quantity):
    assert parse_docker_size(text) == quantity


@pytest.mark.parametrize(
    "text", ["", "x", "-5g", "0", "0Gi", "0.1b", "5gg", "5gbb", "5Gi ", "g", "5e", "9999999p", "5E"]
)
def test_parse_docker_size_refuses(text):
    with pytest.raises(InvalidParameter) as caught:
        parse_docker_size(text)
    assert str(caught.value) == (
        f"invalid size: '{text}': use a number of bytes with an optional unit, such as 500m or 5Gi"
    )


@given(st.integers(1, 2**63 - 1))
def test_sizes_in_bytes_lose_nothing(size):
    assert parse_quantity(parse_docker_size(str(size))) == size


@given(st.text("0123456789.+-eEkKmMgGtTpPibB ", max_size=12))
def test_sizes_give_a_quantity_or_a_docker_error(text):
    with contextlib.suppress(InvalidParameter):
        assert parse_quantity(parse_docker_size(text)) > 0

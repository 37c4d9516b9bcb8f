"""Sizes and shares: Docker's bytes, CPU numbers and `size=` options, and Kubernetes' quantities."""

from __future__ import annotations

import re
from fractions import Fraction

from d2k.errors import InvalidParameter

DEFAULT_PERIOD = 100_000  # microseconds; the kernel's CFS period when the request names none

_BINARY = {"Ki": 1, "Mi": 2, "Gi": 3, "Ti": 4, "Pi": 5, "Ei": 6}
_DECIMAL = {"n": -9, "u": -6, "m": -3, "": 0, "k": 3, "M": 6, "G": 9, "T": 12, "P": 15, "E": 18}
_QUANTITY = re.compile(r"([+-]?)([0-9]+(?:\.[0-9]*)?|\.[0-9]+)([KMGTPE]i|[numkMGTPE]?|[eE][+-]?[0-9]{1,3})")
_KUBERNETES_SIZE = re.compile(r"[0-9]+(?:\.[0-9]+)?[KMGTPE]i")
_DOCKER_SIZE = re.compile(r"\+?([0-9]+\.?[0-9]*|\.[0-9]+)((?:e[+-]?[0-9]{1,2})?) ?(b|[kmgtp](?:i?b)?)?", re.IGNORECASE)
_LARGEST = 2**63 - 1


def memory(size: int) -> str:
    """Return a limit in bytes as a Kubernetes quantity: the plain number, which loses nothing."""
    return str(size)


def cpus(nano_cpus: int) -> str:
    """Return billionths of a CPU as a Kubernetes quantity such as `1500m` or `2`, rounded up to a thousandth."""
    return _millis(-(-nano_cpus // 1_000_000))


def cpu_from_quota(period: int, quota: int) -> str | None:
    """Return the Kubernetes quantity of a CFS quota in microseconds per period; None for no limit.

    A period of 0 is the kernel's own of 100 milliseconds; a quota of 0 or less sets no limit.
    """
    if quota <= 0:
        return None
    return _millis(-(-quota * 1_000 // (period if period > 0 else DEFAULT_PERIOD)))


def _millis(amount: int) -> str:
    amount = max(amount, 1)
    whole, rest = divmod(amount, 1_000)
    return f"{amount}m" if rest else str(whole)


def parse_quantity(text: str) -> Fraction:
    """Return the exact value of any Kubernetes quantity: `1Gi`, `500m`, `1e3`, `.5`.

    Raises ValueError for anything else.
    """
    match = _QUANTITY.fullmatch(text)
    if match is None:
        raise ValueError(f"not a Kubernetes quantity: {text!r}")
    sign, digits, suffix = match.groups()
    number = _number(digits) * (-1 if sign == "-" else 1)
    if suffix in _BINARY:
        return number * Fraction(1024 ** _BINARY[suffix])
    exponent = _DECIMAL[suffix] if suffix in _DECIMAL else int(suffix[1:])
    return number * _ten(exponent)


def _number(digits: str) -> Fraction:
    whole, _, fraction = digits.partition(".")
    return Fraction(int(f"0{whole}{fraction}"), 10 ** len(fraction))


def _ten(exponent: int) -> Fraction:
    return Fraction(10**exponent) if exponent >= 0 else Fraction(1, 10**-exponent)


def parse_docker_size(text: str) -> str:
    """Return the Kubernetes quantity of a volume's `size` option.

    It is read as Docker reads sizes, where every unit is a power of 1024 and case does not count: `500m`, `5g`, `5GB`
    and `5GiB`, `1024`. Kubernetes' binary forms such as `5Gi`, which Docker lacks, are kept as they are.
    Raises InvalidParameter for anything else, and for a size below one byte or above what a quantity holds.
    """
    size = parse_quantity(text) if _KUBERNETES_SIZE.fullmatch(text) else _docker_bytes(text)
    if not 1 <= size <= _LARGEST:
        raise _bad_size(text)
    return text if _KUBERNETES_SIZE.fullmatch(text) else _binary(int(size))


def _docker_bytes(text: str) -> Fraction:
    match = _DOCKER_SIZE.fullmatch(text)
    if match is None:
        raise _bad_size(text)
    digits, exponent, unit = match.groups()
    power = "bkmgtp".index((unit or "b")[0].lower())
    return _number(digits) * _ten(int(exponent[1:] or "0")) * Fraction(1024**power)


def _bad_size(text: str) -> InvalidParameter:
    return InvalidParameter(f"invalid size: '{text}': use a number of bytes with an optional unit, such as 500m or 5Gi")


def _binary(size: int) -> str:
    """Return bytes with the largest binary unit that needs no fraction."""
    for suffix in reversed(_BINARY):
        whole, rest = divmod(size, 1024 ** _BINARY[suffix])
        if whole and not rest:
            return f"{whole}{suffix}"
    return str(size)

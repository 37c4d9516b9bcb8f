"""Docker's filters: the checks of the engine's and what each common kind of filter matches.

A filter is `dict[str, list[str]]`: the values of one key are alternatives, except those of `label`.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping
from functools import lru_cache

from d2k.errors import InvalidParameter
from d2k.translate.timestamps import timestamp

Filters = Mapping[str, list[str]]

_TRUE = {"1", "true"}
_FALSE = {"0", "false"}

# The POSIX classes of Go's regular expressions, which Python's lack.
_CLASSES = {
    "alnum": "0-9A-Za-z",
    "alpha": "A-Za-z",
    "digit": "0-9",
    "lower": "a-z",
    "upper": "A-Z",
    "word": "0-9A-Za-z_",
    "xdigit": "0-9A-Fa-f",
    "punct": r"!-/:-@\[-`{-~",
    "space": r"\t\n\v\f\r ",
}
# What Python's expressions have and Go's have not: looking around, references back, conditions, possessive repeats.
_NOT_GO = re.compile(r"\(\?(?:[=!>(#]|<[=!]|P=)|\\[1-9]|[*+?}]\+")


def check(filters: Filters, allowed: Collection[str]) -> None:
    """Raise InvalidParameter for the first key that the call does not know, with the engine's text."""
    for key in filters:
        if key not in allowed:
            raise InvalidParameter(f"invalid filter '{key}'")


def labels_match(wanted: Iterable[str], labels: Mapping[str, str]) -> bool:
    """Say whether all of `key` (present, whatever its value) and `key=value` hold."""
    return all(_label_matches(one, labels) for one in wanted)


def labels_exclude(unwanted: Iterable[str], labels: Mapping[str, str]) -> bool:
    """Say whether a prune's `label!` values keep this object: they do when all of them hold for it.

    The engine gathers several values of `label!` with AND before it negates, as it does for `label`.
    """
    values = list(unwanted)
    return bool(values) and labels_match(values, labels)


def _label_matches(wanted: str, labels: Mapping[str, str]) -> bool:
    key, equals, value = wanted.partition("=")
    return key in labels and (not equals or labels[key] == value)


def name_matches(patterns: Collection[str], names: Iterable[str]) -> bool:
    """Say whether one of the patterns fits one of the names, or there is no pattern at all.

    As in the engine a pattern is the name itself or a regular expression that is found anywhere in it. A name with a
    leading slash is looked at with and without it, so that `^/web$` and `^web$` both find the container `/web`.
    An expression that does not compile matches nothing, and is no error.
    """
    if not patterns:
        return True
    forms = {form for name in names for form in (name, name.removeprefix("/"))}
    return any(pattern in forms or _found(pattern, forms) for pattern in patterns)


def _found(pattern: str, forms: Iterable[str]) -> bool:
    expression = _expression(pattern)
    return expression is not None and any(expression.search(form) for form in forms)


@lru_cache(maxsize=128)
def _expression(pattern: str) -> re.Pattern[str] | None:
    """Compile an expression of Go's dialect; None for one that Go would refuse."""
    if _NOT_GO.search(pattern):
        return None
    spelled = re.sub(r"\[:([a-z]+):\]", lambda found: _CLASSES.get(found[1], found[0]), pattern)
    try:
        return re.compile(spelled, re.ASCII)
    except (re.error, OverflowError, RecursionError):
        return None


def ids_matching(prefixes: Iterable[str], ids: Collection[str]) -> set[str]:
    """Return the ids that the `id` filter of containers picks: a value counts when exactly one id starts so.

    Networks take their `id` filter as an expression instead; `name_matches` does that.
    """
    found = ([one for one in ids if one.startswith(prefix)] for prefix in prefixes)
    return {matches[0] for matches in found if len(matches) == 1}


def boolean_value(filters: Filters, key: str, default: bool = False) -> bool:
    """Return a filter that is true or false, such as `dangling` of images and volumes; `default` without it.

    Raises InvalidParameter as the engine does: for no value, for several different ones and for any other word.
    """
    values = filters.get(key)
    if values is None:
        return default
    if not values:
        raise InvalidParameter(f"invalid filter '{key}'")
    truths = {_truth(value) for value in values}
    if len(truths) != 1 or None in truths:
        raise InvalidParameter(f"invalid filter '{key}=[{' '.join(values)}]'")
    return truths == {True}


def _truth(value: str) -> bool | None:
    return True if value in _TRUE else False if value in _FALSE else None


def dangling_networks(filters: Filters) -> bool | None:
    """Return the `dangling` filter of networks, whose complaints differ from all others; None without it.

    Raises InvalidParameter for several values and for any other word than a boolean.
    """
    values = filters.get("dangling")
    if not values:
        return None
    if len(values) > 1:
        raise InvalidParameter('got more than one value for filter key "dangling"')
    truth = _truth(values[0])
    if truth is None:
        raise InvalidParameter('invalid value for filter \'dangling\': must be "true" (or "1"), or "false" (or "0")')
    return truth


def until(
    filters: Filters, now_ns: int, prefix: str = "", several: str = "more than one until filter specified"
) -> int | None:
    """Return the `until` filter as nanoseconds since 1970; None without it.

    `prefix` goes before the complaint about a bad value (images say `invalid value for 'until' filter: ` there);
    `several` is the complaint about more than one value (networks have their own).
    Raises InvalidParameter for several values or a value that is no time.
    """
    values = filters.get("until")
    if not values:
        return None
    if len(values) > 1:
        raise InvalidParameter(several)
    try:
        return timestamp(values[0], now_ns)
    except InvalidParameter as error:
        raise InvalidParameter(f"{prefix}{error}") from error

import pytest
from hypothesis import given
from hypothesis import strategies as st

from d2k.errors import InvalidParameter
from d2k.translate import filters as f

NOW = 1_700_000_000_000_000_000
LABELS = st.dictionaries(st.text("ab", min_size=1, max_size=2), st.text("=xy", max_size=2))


def message(call, *arguments):
    with pytest.raises(InvalidParameter) as caught:
        call(*arguments)
    return str(caught.value)


def test_check():
    f.check({}, {"name"})
    f.check({"name": ["x"], "id": []}, {"name", "id"})
    assert message(f.check, {"name": [], "foo": []}, {"name"}) == "invalid filter 'foo'"


@pytest.mark.parametrize(
    ("wanted", "expected"),
    [
        ([], True),
        (["a"], True),
        (["a=1"], True),
        (["a=1", "b"], True),
        (["b="], True),
        (["a=1", "a=2"], False),
        (["c"], False),
        (["a="], False),
        (["d=x=y"], True),
    ],
)
def test_labels(wanted, expected):
    assert f.labels_match(wanted, {"a": "1", "b": "", "d": "x=y"}) is expected


def test_labels_exclude():
    labels = {"a": "1"}
    assert f.labels_exclude(["a"], labels) is True
    assert f.labels_exclude(["a", "b"], labels) is False  # as the engine: all of them must hold
    assert f.labels_exclude([], labels) is False


@given(LABELS)
def test_an_object_matches_its_own_labels(labels):
    assert f.labels_match([*labels, *(f"{key}={value}" for key, value in labels.items())], labels)


@pytest.mark.parametrize(
    ("patterns", "expected"),
    [
        ([], True),
        ([""], True),
        (["web"], True),
        (["eb"], True),
        (["/web"], True),
        (["^/web$"], True),
        (["^web$"], True),
        (["^eb"], False),
        (["WEB"], False),
        (["(?i)WEB"], True),
        (["("], False),
        (["(", "web"], True),
        ([r"\d"], False),
        (["^[[:alpha:]]+$"], True),
        (["^[[:digit:]]+$"], False),
        (["w(?=e)"], False),  # not in Go's dialect
        (["x", "^w.b$"], True),
    ],
)
def test_name_matches(patterns, expected):
    assert f.name_matches(patterns, ["/web"]) is expected


def test_name_matches_without_a_slash():
    assert f.name_matches(["^/net$"], ["net"]) is False
    assert f.name_matches(["^net$"], ["other", "net"]) is True


@given(st.text(), st.text())
def test_name_matches_never_fails(pattern, name):
    assert f.name_matches([pattern], [name]) in (True, False)
    assert f.name_matches([name], [name]) is True


def test_ids_matching():
    ids = ["abc1", "abd2", "fff3"]
    assert f.ids_matching(["abc", "f", "ab", "bc", "x"], ids) == {"abc1", "fff3"}


@pytest.mark.parametrize(
    ("given_filters", "default", "expected"),
    [
        ({}, False, False),
        ({}, True, True),
        ({"dangling": ["true"]}, False, True),
        ({"dangling": ["1"]}, False, True),
        ({"dangling": ["0"]}, True, False),
        ({"dangling": ["false", "0"]}, True, False),
    ],
)
def test_boolean_value(given_filters, default, expected):
    assert f.boolean_value(given_filters, "dangling", default) is expected


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        (["maybe"], "invalid filter 'dangling=[maybe]'"),
        (["True"], "invalid filter 'dangling=[True]'"),
        (["true", "false"], "invalid filter 'dangling=[true false]'"),
        ([], "invalid filter 'dangling'"),
    ],
)
def test_boolean_value_refuses(values, expected):
    assert message(f.boolean_value, {"dangling": values}, "dangling") == expected


def test_dangling_networks():
    assert f.dangling_networks({}) is None
    assert f.dangling_networks({"dangling": []}) is None
    assert f.dangling_networks({"dangling": ["1"]}) is True
    assert f.dangling_networks({"dangling": ["false"]}) is False
    assert message(f.dangling_networks, {"dangling": ["true", "1"]}) == (
        'got more than one value for filter key "dangling"'
    )
    assert message(f.dangling_networks, {"dangling": ["maybe"]}) == (
        'invalid value for filter \'dangling\': must be "true" (or "1"), or "false" (or "0")'
    )


def test_until():
    assert f.until({}, NOW) is None
    assert f.until({"until": []}, NOW) is None
    assert f.until({"until": ["10m"]}, NOW) == NOW - 600 * 10**9
    assert message(f.until, {"until": ["1h", "2h"]}, NOW) == "more than one until filter specified"
    assert message(f.until, {"until": ["1h", "2h"]}, NOW, "", "other") == "other"
    assert message(f.until, {"until": ["foo"]}, NOW, "invalid value for 'until' filter: ") == (
        "invalid value for 'until' filter: failed to parse value as time or duration: "
        'invalid seconds "foo": invalid syntax'
    )

"""Labels against Kubernetes' own rules (Kubernetes, "Labels and Selectors", syntax and character set)."""

import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from d2k.translate.labels import (
    container_label,
    is_label_key,
    is_label_value,
    is_reserved_key,
    owned,
    usable_labels,
)

ALNUM = string.ascii_letters + string.digits
LOWER = string.ascii_lowercase + string.digits


def right_name(text):
    """The rule in words: 1 to 63 characters, alphanumeric at both ends, with dashes, underscores and dots between."""
    inner = set(ALNUM + "-_.")
    return 1 <= len(text) <= 63 and text[0] in ALNUM and text[-1] in ALNUM and set(text) <= inner


def right_prefix(text):
    """A DNS subdomain: lower case, parts joined by dots, 253 characters at most."""
    parts = text.split(".")
    return len(text) <= 253 and all(
        part and part[0] in LOWER and part[-1] in LOWER and set(part) <= set(LOWER + "-") for part in parts
    )


texts = st.one_of(st.text(max_size=70), st.text(alphabet="aZ9-_./\n", max_size=70))


@given(texts)
def test_label_values(text):
    assert is_label_value(text) is (text == "" or right_name(text))


@given(texts)
def test_label_keys(text):
    prefix, slash, name = text.rpartition("/")
    assert is_label_key(text) is (right_name(name) and (not slash or right_prefix(prefix)))


@pytest.mark.parametrize(
    ("key", "right"),
    [
        ("com.docker.compose.project", True),
        ("a" * 63, True),
        ("a" * 64, False),
        ("example.com/name", True),
        ("/name", False),
        ("example.com/", False),
        ("a/b/c", False),
        ("Example.com/name", False),
        (f"{'a' * 253}/b", True),
        (f"{'a' * 254}/b", False),
        ("", False),
        ("ü", False),
    ],
)
def test_examples_of_keys(key, right):
    assert is_label_key(key) is right


@pytest.mark.parametrize(
    ("key", "reserved"),
    [
        ("d2k.io/kind", True),
        ("app.kubernetes.io/name", True),
        ("kubernetes.io/metadata.name", True),
        ("node.k8s.io/x", True),
        ("example.com/d2k.io", False),
        ("d2k.io", False),
    ],
)
def test_reserved_keys(key, reserved):
    assert is_reserved_key(key) is reserved


def test_usable_labels():
    given_labels = {
        "com.example/team": "web",
        "empty": "",
        "bad key": "x",
        "long": "v" * 64,
        "d2k.io/managed-by": "me",
        "app.kubernetes.io/name": "me",
    }
    assert usable_labels(given_labels) == {"com.example/team": "web", "empty": ""}
    assert owned("volume", given_labels) == {
        "com.example/team": "web",
        "empty": "",
        "d2k.io/managed-by": "d2k",
        "d2k.io/kind": "volume",
    }
    assert owned("network") == {"d2k.io/managed-by": "d2k", "d2k.io/kind": "network"}


@given(st.dictionaries(texts, texts, max_size=5))
def test_what_is_used_is_right_and_unchanged(labels):
    used = usable_labels(labels)
    assert used.items() <= labels.items()
    assert all(is_label_key(key) and is_label_value(value) for key, value in used.items())


def test_an_id_becomes_a_label():
    assert container_label("f" * 64) == "f" * 63
    assert is_label_value(container_label("0" * 64))

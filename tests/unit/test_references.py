from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from d2k.errors import InvalidParameter
from d2k.translate import references
from d2k.translate.references import Reference, for_pull, for_tag, parse, parse_any

DIGEST = "sha256:" + "1a" * 32


@pytest.mark.parametrize(
    ("text", "expected", "familiar"),
    [
        ("busybox", Reference("docker.io", "library/busybox"), "busybox"),
        ("busybox:1.36", Reference("docker.io", "library/busybox", "1.36"), "busybox:1.36"),
        ("library/busybox", Reference("docker.io", "library/busybox"), "busybox"),
        ("docker.io/busybox", Reference("docker.io", "library/busybox"), "busybox"),
        ("index.docker.io/a/b", Reference("docker.io", "a/b"), "a/b"),
        ("a/b:C", Reference("docker.io", "a/b", "C"), "a/b:C"),
        ("docker.io/library/a/b", Reference("docker.io", "library/a/b"), "library/a/b"),
        ("localhost/x", Reference("localhost", "x"), "localhost/x"),
        ("Host/x", Reference("Host", "x"), "Host/x"),
        ("[::1]:5000/a", Reference("[::1]:5000", "a"), "[::1]:5000/a"),
        (
            f"127.0.0.1:15000/x/y:z@{DIGEST}",
            Reference("127.0.0.1:15000", "x/y", "z", DIGEST),
            f"127.0.0.1:15000/x/y:z@{DIGEST}",
        ),
    ],
)
def test_parse(text: str, expected: Reference, familiar: str) -> None:
    assert (parse(text), parse(text).familiar()) == (expected, familiar)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "invalid reference format"),
        ("busy:::", "invalid reference format"),
        ("web:la/t", "invalid reference format"),
        ("web@sha256:00", "invalid reference format"),
        ("a..b", "invalid reference format"),
        ("-a", "invalid reference format"),
        ("a\n", "invalid reference format"),
        ("Busybox", "invalid reference format: repository name (library/Busybox) must be lowercase"),
        ("x.y/Foo:T", "invalid reference format: repository name (Foo) must be lowercase"),
        ("ab" * 32, f"invalid repository name ({'ab' * 32}), cannot specify 64-byte hexadecimal strings"),
        (f"a@md5:{'1' * 32}", "unsupported digest algorithm"),
        (f"a@sha256:{'1' * 40}", "invalid checksum digest length"),
        (f"a@sha256:{'A' * 64}", "invalid checksum digest format"),
        ("a/" + "b" * 254, "repository name must not be more than 255 characters"),
    ],
)
def test_parse_refuses(text: str, message: str) -> None:
    with pytest.raises(InvalidParameter) as raised:
        parse(text)
    assert str(raised.value) == message


def test_parse_any_tells_ids_from_names() -> None:
    assert parse_any("ab" * 32) == "sha256:" + "ab" * 32
    assert parse_any(DIGEST) == DIGEST
    assert parse_any("sha256:abc") == Reference("docker.io", "library/sha256", "abc")


def test_for_pull() -> None:
    assert for_pull("busybox:") == Reference("docker.io", "library/busybox")
    assert for_pull("busybox:1", "2") == Reference("docker.io", "library/busybox", "2")
    assert for_pull("busybox:1", DIGEST) == Reference("docker.io", "library/busybox", "", DIGEST)
    with pytest.raises(InvalidParameter, match=r"^invalid tag format$"):
        for_pull("busybox", "a:b")


@pytest.mark.parametrize(
    ("repository", "tag", "message"),
    [
        (f"foo@{DIGEST}", "", "cannot import digest reference"),
        ("sha256", "abc", "refusing to create an ambiguous tag using digest algorithm as name"),
        ("foo", "x:y", "invalid tag format"),
    ],
)
def test_for_tag_refuses(repository: str, tag: str, message: str) -> None:
    with pytest.raises(InvalidParameter) as raised:
        for_tag(repository, tag)
    assert str(raised.value) == message


def test_for_tag() -> None:
    assert for_tag("foo") == Reference("docker.io", "library/foo", "latest")
    assert for_tag("foo:a", "b") == Reference("docker.io", "library/foo", "b")


_WORD = st.from_regex(r"[a-z0-9]+((\.|_|__|-{1,3})[a-z0-9]+){0,2}", fullmatch=True)
_HOST = st.from_regex(r"[a-zA-Z0-9]([a-zA-Z0-9-]{0,8}[a-zA-Z0-9])?\.[a-z]{2,5}(:[0-9]{1,5})?", fullmatch=True)
_TAG = st.from_regex(r"[a-zA-Z0-9_][a-zA-Z0-9_.-]{0,20}", fullmatch=True)


@given(
    st.one_of(st.just("docker.io"), _HOST),
    st.lists(_WORD, min_size=1, max_size=3).map("/".join),
    st.one_of(st.just(""), _TAG),
    st.sampled_from(["", DIGEST]),
)
def test_both_forms_read_back(registry: str, repository: str, tag: str, digest: str) -> None:
    if registry == "docker.io" and "/" not in repository:
        repository = f"library/{repository}"
    reference = Reference(registry, repository, tag, digest)
    assert parse(str(reference)) == reference
    # A user of the Hub whose name looks like a host has no familiar form of his own, in Docker neither.
    looks_like_a_host = "." in repository.partition("/")[0] or repository.startswith("localhost/")
    if registry != "docker.io" or not looks_like_a_host:
        assert parse(reference.familiar()) == reference


@given(st.text(max_size=40))
def test_any_text_is_read_or_refused(text: str) -> None:
    try:
        reference = parse(text)
    except InvalidParameter:
        return
    assert references.parse(str(reference)) == reference

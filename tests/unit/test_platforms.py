from __future__ import annotations

import pytest

from d2k.errors import InvalidParameter
from d2k.translate.platforms import Platform, from_json, mismatch, parse


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("linux/amd64", Platform("linux", "amd64")),
        ("Linux/x86_64", Platform("linux", "amd64")),
        ("linux", Platform("linux", "amd64")),
        ("aarch64", Platform("linux", "arm64")),
        ("linux/arm64/v8", Platform("linux", "arm64", "v8")),
        ("linux/arm/7", Platform("linux", "arm", "v7")),
        ("armhf", Platform("linux", "arm", "v7")),
    ],
)
def test_parse(text: str, expected: Platform) -> None:
    assert parse(text) == expected


@pytest.mark.parametrize(
    ("text", "start"),
    [
        ("linux/xyz/1/2", '"linux/xyz/1/2": cannot parse platform specifier: invalid argument'),
        ("xyz", '"xyz": unknown operating system or architecture: invalid argument'),
        ("linux/", '"" is an invalid component of "linux/": platform specifier component must match'),
        ("x y", '"x y" is an invalid OS component of "x y": OSAndVersion specifier component must match'),
        ("*", '"*": wildcards not yet supported'),
    ],
)
def test_parse_refuses(text: str, start: str) -> None:
    with pytest.raises(InvalidParameter) as raised:
        parse(text)
    assert str(raised.value).startswith(start)


def test_a_variant_left_out_is_the_usual_one() -> None:
    assert parse("linux/arm64").matches(parse("linux/arm64/v8"))
    assert parse("linux/arm").matches(parse("linux/arm/v7"))
    assert not parse("linux/arm/v6").matches(parse("linux/arm"))
    assert not parse("linux/amd64").matches(parse("linux/arm64"))


def test_from_json() -> None:
    assert from_json('{"architecture":"arm64","os":"linux","variant":"v8"}') == Platform("linux", "arm64", "v8")
    for text in ("x", "[]", '{"os":"linux"}', '{"os":1,"architecture":"a"}'):
        with pytest.raises(InvalidParameter, match=r"^failed to parse platform: "):
            from_json(text)


def test_mismatch() -> None:
    assert mismatch("busybox", parse("linux/amd64"), parse("linux/arm64")) == (
        "image with reference busybox was found but its platform (linux/amd64) does not match the specified platform "
        "(linux/arm64)"
    )

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from d2k.translate.loglines import Line, LineSplitter, Resume, Tail, for_terminal, parse, window

T = [b"2026-01-01T00:00:0%d.000000000Z" % second for second in range(6)]


@given(st.lists(st.binary(max_size=20).filter(lambda text: b"\n" not in text)), st.integers(1, 50), st.booleans())
def test_lines_survive_any_cut(texts: list[bytes], size: int, ended: bool) -> None:
    lines = [Line(T[0], text + b"\n") for text in texts]
    if not ended and texts and texts[-1]:
        lines[-1] = Line(T[0], texts[-1])
    wire = b"".join(line.stamp + b" " + line.text for line in lines)
    splitter = LineSplitter()
    got = [line for start in range(0, len(wire), size) for line in splitter.feed(wire[start : start + size])]
    assert got + list(splitter.finish()) == lines


def test_long_lines_come_in_pieces() -> None:
    splitter = LineSplitter()
    got = [*splitter.feed(T[0] + b" " + b"x" * 70_000), *splitter.feed(b"yy\n" + T[1] + b" z\n")]
    assert got == [Line(T[0], b"x" * 70_000), Line(T[0], b"yy\n", first=False), Line(T[1], b"z\n")]


def test_stamps() -> None:
    assert parse(b"2026-01-01T02:00:01.5+02:00 a b\n") == Line(b"2026-01-01T00:00:01.500000000Z", b"a b\n")
    assert parse(b"unable to retrieve logs\n") == Line(b"", b"unable to retrieve logs\n")


def test_window() -> None:
    lines = [Line(stamp, b"x\n") for stamp in T]
    begin = 1767225600 * 10**9
    assert [line.stamp for line in window(lines, begin + 10**9, begin + 3 * 10**9)] == T[1:4]
    assert list(window(lines, None, None)) == lines


def test_resume_lets_every_line_through_once() -> None:
    first = [Line(T[0], b"a\n"), Line(T[1], b"b\n"), Line(T[1], b"b\n")]
    more = [Line(T[1], b"c\n"), Line(T[2], b"d\n")]
    resume = Resume()
    assert list(filter(resume.passes, first)) == first
    resume.reopen()
    assert list(filter(resume.passes, [*first, *more])) == more
    resume.reopen()
    assert list(filter(resume.passes, more)) == []


def test_tail() -> None:
    tail = Tail(10)
    for number in range(5):
        tail.add(Line(b"", b"%dxx\n" % number))
    assert [line.text for line in tail] == [b"3xx\n", b"4xx\n"]


def test_for_terminal() -> None:
    assert [for_terminal(Line(b"", text)).text for text in (b"a\n", b"a\r\n", b"a")] == [b"a\r\n", b"a\r\n", b"a"]

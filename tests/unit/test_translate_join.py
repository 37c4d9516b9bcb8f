from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from d2k.translate.join import Delivered, LineCollector, Seam, find_seam, without

OUT, ERR = 1, 2


@given(st.lists(st.tuples(st.sampled_from([OUT, ERR])), max_size=30), st.data())
def test_unlike_lines_are_each_shown_once(streams: list[tuple[int]], data: st.DataObject) -> None:
    lines = [(stream, b"line %d\n" % number) for number, (stream,) in enumerate(streams)]
    begin = data.draw(st.integers(0, len(lines)))
    attached = lines[begin:]
    if not attached:
        return
    end = data.draw(st.integers(begin + 1, len(lines)))
    shown = data.draw(st.integers(0, end))
    logged = [text for _, text in lines[:end]]
    seam = find_seam(logged, attached, shown)
    assert seam == Seam(begin)
    after = without(attached, logged[begin:shown])
    assert logged[: max(shown, begin)] + [text for _, text in after] == [text for _, text in lines]


def test_order_of_streams_may_differ() -> None:
    assert find_seam([b"a\n", b"o\n", b"e\n"], [(ERR, b"e\n"), (OUT, b"o\n")], 1) == Seam(1)


def test_equal_lines_are_aligned_at_the_end() -> None:
    assert find_seam([b"tick\n"] * 3, [(OUT, b"tick\n")] * 2, 2) == Seam(1)


def test_a_log_ahead_of_attach() -> None:
    assert find_seam([b"1\n", b"2\n", b"3\n", b"4\n"], [(OUT, b"2\n")], 1) == Seam(1)


def test_a_torn_line_gets_its_beginning() -> None:
    assert find_seam([b"first\n", b"part more\n"], [(OUT, b"more\n")], 1) == Seam(1, b"part ")


def test_lost_carriage_returns_do_not_matter() -> None:
    assert find_seam([b"a\r\n", b"b\n"], [(OUT, b"a\r\r\n"), (OUT, b"b\r\n")], 0) == Seam(0)


def test_collector() -> None:
    collector = LineCollector()
    assert collector.feed(OUT, b"a\nb") == [(OUT, b"a\n")]
    assert collector.feed(ERR, b"x\n") == [(ERR, b"x\n")]
    assert collector.feed(OUT, b"c\n\nd") == [(OUT, b"bc\n"), (OUT, b"\n")]
    assert collector.partial() == [(OUT, b"d")]


def test_missing_lines() -> None:
    delivered = Delivered(100, 1000)
    delivered.add(b"a\n")
    delivered.add(b"to")
    delivered.add(b"rn\n")
    assert list(delivered.missing([b"a\n", b"torn\n", b"b\n", b"end"], [b"end"])) == [b"b\n"]


def test_only_the_end_is_compared_when_not_all_is_remembered() -> None:
    delivered = Delivered(4, 1000)
    for number in range(10):
        delivered.add(b"%d\n" % number)
    assert not delivered.complete
    assert list(delivered.missing([b"2\n", b"8\n", b"9\n", b"10\n"])) == [b"10\n"]
    assert list(delivered.missing([b"x\n"])) == []


def test_a_first_line_without_its_beginning_is_not_missing() -> None:
    delivered = Delivered(100, 1000)
    delivered.torn = True
    delivered.add(b"more\n")
    assert list(delivered.missing([b"part more\n", b"b\n"])) == [b"b\n"]


def test_a_log_goes_on_where_attach_broke_off() -> None:
    delivered = Delivered(100, 1000)
    for text in (b"a\n", b"tick\n", b"tick\n"):
        delivered.add(text)
    log = [b"tick\n", b"a\n", b"tick\n", b"tick\n", b"half", b"b\n"]
    assert list(delivered.unseen(log, [b"half"])) == [b"tick\n", b"b\n"]


def test_a_long_log_goes_on_behind_the_last_lines_that_were_delivered() -> None:
    delivered = Delivered(50, 1000)
    lines = [b"%d\n" % (number % 30) for number in range(100)]
    for text in lines[:90]:
        delivered.add(text)
    assert not delivered.complete
    assert list(delivered.unseen(lines[60:])) == lines[90:]
    assert list(delivered.unseen(lines[80:])) == []

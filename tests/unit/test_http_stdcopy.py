from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from d2k.http.stdcopy import STDERR, STDOUT, Demultiplexer, Frame, FrameError, frame, frames


def test_a_frame_is_the_stream_three_zeros_and_the_length_then_the_payload() -> None:
    assert frame(STDERR, b"oops\n") == b"\x02\x00\x00\x00\x00\x00\x00\x05oops\n"


@given(st.lists(st.tuples(st.integers(0, 3), st.binary(max_size=50))), st.lists(st.integers(1, 20)))
def test_any_chunking_gives_the_same_frames(sent: list[tuple[int, bytes]], cuts: list[int]) -> None:
    data = b"".join(frame(*item) for item in sent)
    demultiplexer, received = Demultiplexer(), []
    for cut in cuts:
        received += demultiplexer.feed(data[:cut])
        data = data[cut:]
    received += demultiplexer.feed(data)
    assert received == sent
    assert demultiplexer.pending == 0


@given(st.binary(max_size=300), st.integers(1, 64))
def test_big_payloads_are_split_without_loss(payload: bytes, limit: int) -> None:
    received = Demultiplexer().feed(b"".join(frames(STDOUT, payload, limit)))
    assert b"".join(item.payload for item in received) == payload
    assert all(item.stream == STDOUT and 0 < len(item.payload) <= limit for item in received)


def test_a_long_payload_is_cut_into_frames() -> None:
    assert [len(item) for item in frames(STDOUT, b"x" * 40000)] == [8 + 32768, 8 + 40000 - 32768]


def test_a_frame_cut_short_is_pending() -> None:
    demultiplexer = Demultiplexer()
    assert demultiplexer.feed(frame(STDOUT, b"ab") + frame(STDERR, b"abc")[:-1]) == [Frame(STDOUT, b"ab")]
    assert demultiplexer.pending == 10


def test_an_unknown_stream_is_an_error() -> None:
    with pytest.raises(FrameError, match="no stream has the number 72"):
        Demultiplexer().feed(b"HTTP/1.1 200 OK\r\n")

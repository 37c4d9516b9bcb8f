from __future__ import annotations

import socket

import pytest
from hypothesis import given
from hypothesis import strategies as st

from d2k.cluster.channels import STDOUT, V5, Channels, ChannelsError, Outcome, parse_status
from d2k.cluster.frames import BINARY, CLOSE, PING, FrameDecoder, FrameError, encode


def _server_frame(opcode: int, payload: bytes, fin: bool = True) -> bytes:
    masked = encode(opcode, payload, b"\0\0\0\0")
    head = bytearray(masked[: len(masked) - len(payload) - 4])
    head[1] &= 0x7F
    if not fin:
        head[0] &= 0x7F
    return bytes(head) + payload


@given(st.lists(st.binary(max_size=70_000), max_size=6), st.lists(st.integers(1, 40_000), min_size=1))
def test_messages_survive_any_cut(messages: list[bytes], cuts: list[int]) -> None:
    wire = b"".join(_server_frame(BINARY, message) for message in messages)
    decoder, got, current, turn = FrameDecoder(), [], b"", 0
    while wire:
        size = cuts[turn % len(cuts)]
        turn += 1
        for piece in decoder.feed(wire[:size]):
            current = (b"" if piece.first else current) + bytes(piece.payload)
            if piece.last:
                got.append(current)
        wire = wire[size:]
    assert got == messages


def test_a_fragmented_message_is_one_and_a_ping_may_come_between() -> None:
    wire = _server_frame(BINARY, b"\1ab", fin=False) + _server_frame(PING, b"p") + _server_frame(0, b"cd")
    pieces = [(p.opcode, bytes(p.payload), p.first, p.last) for p in FrameDecoder().feed(wire)]
    assert pieces == [(BINARY, b"\1ab", True, False), (PING, b"p", True, True), (BINARY, b"cd", False, True)]


def test_masked_or_long_control_frames_are_refused() -> None:
    with pytest.raises(FrameError):
        list(FrameDecoder().feed(encode(BINARY, b"x", b"abcd")))
    with pytest.raises(FrameError):
        list(FrameDecoder().feed(_server_frame(CLOSE, b"x" * 126)))


@given(st.binary(max_size=300), st.binary(min_size=4, max_size=4))
def test_a_mask_is_undone_by_itself(payload: bytes, key: bytes) -> None:
    frame = encode(BINARY, payload, key)
    masked = frame[len(frame) - len(payload) :]
    assert bytes(b ^ key[i % 4] for i, b in enumerate(masked)) == payload


def test_status() -> None:
    code = b'{"status":"Failure","reason":"NonZeroExitCode","details":{"causes":[{"reason":"ExitCode","message":"7"}]}}'
    assert [parse_status(text) for text in (b'{"status":"Success"}', code, b'{"message":"no"}', b"odd")] == [
        Outcome(0),
        Outcome(7),
        Outcome(None, "no"),
        Outcome(None, "odd"),
    ]


def test_a_session_with_a_broken_frame_ends_without_an_outcome() -> None:
    ours, theirs = socket.socketpair()
    with theirs, Channels(ours, V5) as channels:
        theirs.sendall(_server_frame(BINARY, b"\x01hi") + b"\xf2\x00")
        assert list(channels) == [(STDOUT, b"hi")]
        with pytest.raises(ChannelsError):
            _ = channels.outcome

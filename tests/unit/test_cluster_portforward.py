import struct

import gevent
import pytest
from gevent import socket
from hypothesis import given, settings
from hypothesis import strategies as st

from d2k.cluster import frames
from d2k.cluster.portforward import WRITE_SIZE, PortForward


def message(payload, opcode=frames.BINARY):
    """A frame as a server sends it."""
    size = len(payload)
    length = struct.pack("!B", size) if size < 126 else struct.pack("!BH", 126, size)
    return struct.pack("!B", 0x80 | opcode) + length + payload


HEADS = message(b"\0\x50\0") + message(b"\1\x50\0")


def received(wire, cuts=()):
    """Everything that comes out of a connection on which the server sends `wire`, cut at these places."""
    ours, theirs = socket.socketpair()
    forward = PortForward(ours)

    def serve():
        before = 0
        for cut in [*sorted(cuts), len(wire)]:
            theirs.sendall(wire[before:cut])
            before = cut
            gevent.sleep(0)
        theirs.shutdown(socket.SHUT_WR)

    server = gevent.spawn(serve)
    out = b""
    try:
        while data := forward.recv():
            out += data
    finally:
        server.kill()
        forward.close()
        theirs.close()
    return out


@settings(max_examples=30, deadline=None)
@given(st.lists(st.binary(max_size=300)), st.lists(st.integers(0, 200)))
def test_only_the_port_s_bytes_come_out(parts, cuts):
    wire = HEADS + b"".join(message(b"\0" + part) for part in parts)
    assert received(wire, [cut for cut in cuts if cut < len(wire)]) == b"".join(parts)


def test_the_end_is_a_close_frame_too():
    assert received(HEADS + message(b"\0last") + message(b"", frames.CLOSE) + message(b"\0never")) == b"last"


def test_the_port_s_number_may_come_with_the_first_bytes():
    assert received(message(b"\0\x50\0now")) == b"now"


def test_a_port_that_nobody_listens_on():
    with pytest.raises(ConnectionError, match="connection refused"):
        received(HEADS + message(b"\1connection refused"))


def test_what_is_no_frame_breaks_the_connection():
    with pytest.raises(ConnectionError, match="protocol"):
        received(b"\xff\xff\xff")


def test_sending_and_answering_a_ping():
    ours, theirs = socket.socketpair()
    forward = PortForward(ours)
    data = bytes(range(256)) * (WRITE_SIZE // 128)
    theirs.sendall(HEADS + message(b"hey", frames.PING) + message(b"\0x"))
    assert forward.recv() == b"x"
    gevent.spawn(forward.sendall, data)
    got = b""
    while len(got) < len(data):
        opcode, payload = sent_by_client(theirs)
        if opcode == frames.PONG:
            assert payload == b"hey"
        else:
            assert (opcode, payload[:1]) == (frames.BINARY, b"\0")
            got += payload[1:]
    assert got == data
    forward.close()
    theirs.close()


def sent_by_client(sock):
    head = exactly(sock, 2)
    size = head[1] & 0x7F
    if size == 126:
        [size] = struct.unpack("!H", exactly(sock, 2))
    key = exactly(sock, 4)
    return head[0] & 0x0F, bytes(byte ^ key[at % 4] for at, byte in enumerate(exactly(sock, size)))


def exactly(sock, size):
    data = b""
    while len(data) < size:
        data += sock.recv(size - len(data))
    return data


def test_after_the_client_s_end_silence_is_the_end(monkeypatch):
    monkeypatch.setattr("d2k.cluster.portforward.SILENCE_SECONDS", 0.05)
    ours, theirs = socket.socketpair()
    forward = PortForward(ours)
    theirs.sendall(HEADS + message(b"\0late"))
    forward.end()
    assert (forward.recv(), forward.recv()) == (b"late", b"")
    theirs.close()

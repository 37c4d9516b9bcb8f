"""Hijacked and guarded streams under a real gunicorn with its gevent worker."""

from __future__ import annotations

import json
import os
import signal
import socket
import struct
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

APP = Path(__file__).with_name("http_stream_app.py")
UPGRADE = b"Connection: Upgrade\r\nUpgrade: tcp\r\n"


@pytest.fixture(scope="module")
def port(tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    """The port of a server whose log must be free of tracebacks, but for the one that a test provokes."""
    log = tmp_path_factory.mktemp("server") / "log"
    with socket.create_server(("127.0.0.1", 0), backlog=64) as listener, log.open("wb") as out:
        environment = os.environ | {"PYTHONPATH": str(APP.parents[2])}
        server = subprocess.Popen(
            [sys.executable, str(APP), str(listener.fileno())],
            pass_fds=[listener.fileno()],
            stdout=out,
            stderr=out,
            env=environment,
        )
        yield listener.getsockname()[1]
        server.send_signal(signal.SIGINT)
        server.wait(20)
    written = log.read_text()
    assert written.count("Traceback") == written.count("RuntimeError: on purpose"), written


@contextmanager
def request(
    port: int, line: str, body: bytes = b"", headers: bytes = b"", more: bytes = b""
) -> Iterator[socket.socket]:
    with socket.create_connection(("127.0.0.1", port), timeout=10) as connection:
        length = f"Content-Length: {len(body)}\r\n".encode()
        connection.sendall(f"{line} HTTP/1.1\r\nHost: d2k\r\n".encode() + length + headers + b"\r\n" + body + more)
        yield connection


def read_until(connection: socket.socket, end: bytes) -> bytes:
    data = b""
    while end not in data:
        chunk = connection.recv(65536)
        assert chunk, data
        data += chunk
    return data


def read_all(connection: socket.socket) -> bytes:
    return b"".join(iter(lambda: connection.recv(65536), b""))


def notes(port: int) -> list[str]:
    with request(port, "GET /notes", headers=b"Connection: close\r\n") as connection:
        answer: list[str] = json.loads(read_all(connection).partition(b"\r\n\r\n")[2])
    return answer


def test_an_upgrade_is_answered_with_101(port: int) -> None:
    with request(port, "POST /v1.45/echo", b"hi", UPGRADE) as connection:
        head = connection.recv(65536)
        assert head.split(b"\r\n") == [
            b"HTTP/1.1 101 UPGRADED",
            b"Content-Type: application/vnd.docker.multiplexed-stream",
            b"Connection: Upgrade",
            b"Upgrade: tcp",
            b"Api-Version: 1.51",
            b"Docker-Experimental: false",
            b"Ostype: linux",
            b"Server: Docker/0.1.0 (linux)",
            b"",
            b"",
        ]
        assert read_until(connection, b">") == b"<hi>"


def test_output_goes_on_after_the_half_close(port: int) -> None:
    with request(port, "POST /echo", b"hi", UPGRADE) as connection:
        read_until(connection, b"<hi>")
        connection.sendall(b"typed")
        connection.shutdown(socket.SHUT_WR)
        assert read_all(connection) == b"typed<closed False>" + b"x" * 300_000


def test_bytes_sent_right_after_the_body_are_stdin(port: int) -> None:
    with request(port, "POST /echo", b"hi", UPGRADE, b"early") as connection:
        connection.shutdown(socket.SHUT_WR)
        output = read_all(connection).partition(b"\r\n\r\n")[2]
        assert output == b"<hi>early<closed False>" + b"x" * 300_000


def test_bytes_after_a_chunked_body_are_stdin(port: int) -> None:
    with socket.create_connection(("127.0.0.1", port), timeout=10) as connection:
        head = b"POST /echo HTTP/1.1\r\nHost: d2k\r\nTransfer-Encoding: chunked\r\n" + UPGRADE + b"\r\n"
        connection.sendall(head + b"2\r\nhi\r\n0\r\n\r\nearly")
        connection.shutdown(socket.SHUT_WR)
        assert read_all(connection).partition(b"\r\n\r\n")[2].startswith(b"<hi>early<closed False>xxx")


def test_without_upgrade_the_answer_is_200_and_raw(port: int) -> None:
    with request(port, "POST /echo", b"hi") as connection:
        head = connection.recv(65536)
        assert head.startswith(b"HTTP/1.1 200 OK\r\nContent-Type: application/vnd.docker.raw-stream\r\nApi-Version:")
        assert head.endswith(b"\r\n\r\n")
        assert read_until(connection, b">") == b"<hi>"


def test_a_reset_is_noticed_without_a_reader(port: int) -> None:
    with request(port, "POST /wait", headers=UPGRADE) as connection:
        read_until(connection, b"ready")
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    assert notes(port)[-1] == "gone True"


def test_a_half_close_is_not_the_end(port: int) -> None:
    with request(port, "POST /wait", headers=UPGRADE) as connection:
        read_until(connection, b"ready")
        connection.shutdown(socket.SHUT_WR)
        assert notes(port)[-1] == "gone False"
        assert read_all(connection) == b""


def test_a_defect_in_a_session_ends_the_stream(port: int) -> None:
    with request(port, "POST /defect", headers=UPGRADE) as connection:
        assert read_all(connection).endswith(b"\r\n\r\nbefore")


@pytest.mark.parametrize("leave", ["close", "reset", "with a request in the pipe"])
def test_a_quiet_stream_is_cleaned_up_when_the_client_leaves(port: int, leave: str) -> None:
    with request(port, "GET /quiet") as connection:
        read_until(connection, b"first\n")
        if leave == "reset":
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        elif leave != "close":
            connection.sendall(b"GET /short HTTP/1.1\r\nHost: d2k\r\n\r\n")
    assert notes(port)[-1] == "cleaned"


def test_the_head_comes_before_the_first_chunk(port: int) -> None:
    with request(port, "GET /silent") as connection:
        head = read_until(connection, b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 200 OK\r\n")
        assert b"Content-Type: application/json\r\n" in head


def test_the_connection_serves_on_after_a_stream(port: int) -> None:
    with request(port, "GET /short") as connection:
        assert b"1\r\na\r\n1\r\nb\r\n" in read_until(connection, b"0\r\n\r\n")
        connection.sendall(b"GET /short HTTP/1.1\r\nHost: d2k\r\n\r\n")
        assert read_until(connection, b"0\r\n\r\n").startswith(b"HTTP/1.1 200 OK\r\n")

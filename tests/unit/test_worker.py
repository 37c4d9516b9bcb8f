"""SIGTERM under a real gunicorn with d2k's worker."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from test_http_streams import APP, read_until

HEAD = b"GET /notes-not HTTP/1.1\r\nHost: d2k\r\n\r\n"


@pytest.fixture
def server(tmp_path: Path) -> Iterator[tuple[subprocess.Popen[bytes], int]]:
    """A server whose log must be free of tracebacks."""
    log = tmp_path / "log"
    with socket.create_server(("127.0.0.1", 0), backlog=64) as listener, log.open("wb") as out:
        environment = os.environ | {"PYTHONPATH": str(APP.parents[2])}
        command = [sys.executable, str(APP), str(listener.fileno())]
        process = subprocess.Popen(
            command, pass_fds=[listener.fileno()], stdout=out, stderr=out, env=environment, start_new_session=True
        )
        yield process, listener.getsockname()[1]
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
    assert "Traceback" not in log.read_text(), log.read_text()


def idle(port: int) -> socket.socket:
    """A connection that has had its answer and is kept open."""
    connection = socket.create_connection(("127.0.0.1", port), timeout=10)
    connection.sendall(HEAD)
    assert b"404" in read_until(connection, b"</p>\n")
    return connection


def stop(process: subprocess.Popen[bytes]) -> float:
    """Send SIGTERM and return the seconds until the server has ended in order."""
    started = time.monotonic()
    process.send_signal(signal.SIGTERM)
    assert process.wait(25) == 0
    return time.monotonic() - started


def test_idle_connections_do_not_delay_the_end(server: tuple[subprocess.Popen[bytes], int]) -> None:
    process, port = server
    with idle(port) as one, idle(port), socket.create_connection(("127.0.0.1", port)):
        assert stop(process) < 8
        assert one.recv(1) == b""


def test_a_request_under_way_is_answered(server: tuple[subprocess.Popen[bytes], int]) -> None:
    process, port = server
    with idle(port), socket.create_connection(("127.0.0.1", port), timeout=10) as connection:
        connection.sendall(b"POST /echo HTTP/1.1\r\nHost: d2k\r\nConnection: Upgrade\r\nUpgrade: tcp\r\n\r\n")
        read_until(connection, b"<>")
        process.send_signal(signal.SIGTERM)
        time.sleep(3)
        connection.sendall(b"still here")
        read_until(connection, b"still here")
        connection.shutdown(socket.SHUT_WR)
        read_until(connection, b"x" * 300_000)
        assert stop(process) < 8


def test_a_request_that_has_just_arrived_is_answered(server: tuple[subprocess.Popen[bytes], int]) -> None:
    process, port = server
    with idle(port) as connection:
        # While the server stands still, both are there when it goes on.
        [worker] = children(process.pid)
        os.kill(worker, signal.SIGSTOP)
        connection.sendall(HEAD)
        os.kill(worker, signal.SIGTERM)
        os.kill(worker, signal.SIGCONT)
        assert b"404" in read_until(connection, b"</p>\n")
        assert stop(process) < 8


def test_ctrl_c_ends_at_once(server: tuple[subprocess.Popen[bytes], int]) -> None:
    process, port = server
    with idle(port):
        started = time.monotonic()
        os.killpg(process.pid, signal.SIGINT)
        assert process.wait(25) == 0
        assert time.monotonic() - started < 8


def children(pid: int) -> list[int]:
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from dataclasses import fields
from pathlib import Path

import pytest

from d2k import __version__, cli
from d2k.config import Config

ROOT = Path(__file__).parents[2]
WITH_APP = """
import sys, types
module = types.ModuleType("d2k.app")
class StartError(Exception): pass
def create_app(config):
    {body}
module.StartError, module.create_app = StartError, create_app
sys.modules["d2k.app"] = module
from d2k.cli import main
main([])
"""


def leave(arguments: list[str]) -> object:
    with pytest.raises(SystemExit) as stop:
        cli.main(arguments)
    return stop.value.code


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
    return port


def command(body: str, port: int) -> subprocess.Popen[str]:
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "D2K_PORT": str(port), "D2K_HOST": "127.0.0.1"}
    program = [sys.executable, "-c", WITH_APP.format(body=body)]
    return subprocess.Popen(program, env=environment, stderr=subprocess.PIPE, text=True)


def test_version(capsys: pytest.CaptureFixture[str]) -> None:
    assert leave(["--version"]) == 0
    assert capsys.readouterr().out == f"d2k {__version__}\n"


def test_help_lists_every_setting(capsys: pytest.CaptureFixture[str]) -> None:
    assert leave(["--help"]) == 0
    out = capsys.readouterr().out
    for setting in fields(Config):
        assert f"  {setting.metadata['env']} " in out
        assert setting.metadata["doc"] in out


def test_a_bad_setting_is_one_line(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setenv("D2K_PORT", "x")
    assert leave([]) == 2
    assert capsys.readouterr().err == "d2k: D2K_PORT='x' is not valid: it must be a whole number from 1 to 65535\n"


def test_a_cluster_that_cannot_be_used_is_one_line_and_status_1() -> None:
    server = command('raise StartError("no cluster here")', free_port())
    try:
        _, errors = server.communicate(timeout=30)
    finally:
        server.kill()
    assert server.returncode == 1
    assert [line.split(" ", 1)[1] for line in errors.splitlines()] == [
        "error d2k.server: d2k cannot start: no cluster here"
    ]


def test_the_server_serves_and_stops() -> None:
    port = free_port()
    body = 'return lambda environ, start: start("200 OK", [("Content-Length", "2")]) and [b"OK"]'
    server = command(body, port)
    assert server.stderr is not None
    started = server.stderr.readline()
    assert f"serves the namespace default on 127.0.0.1:{port}" in started
    with socket.create_connection(("127.0.0.1", port), timeout=10) as connection:
        long_line = b"GET /?filters=" + b"x" * 100_000 + b" HTTP/1.1\r\nHost: d2k\r\nConnection: close\r\n\r\n"
        connection.sendall(long_line)
        answer = b"".join(iter(lambda: connection.recv(65536), b""))
    assert answer.startswith(f"HTTP/1.1 200 OK\r\nServer: Docker/{__version__} (linux)\r\n".encode())
    assert answer.endswith(b"\r\n\r\nOK")
    assert answer.count(b"Server:") == 1
    server.send_signal(signal.SIGTERM)
    _, errors = server.communicate(timeout=30)
    assert (server.returncode, errors) == (0, "")

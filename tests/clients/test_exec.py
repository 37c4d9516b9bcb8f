"""`docker exec`: exit codes, streams, terminal, and what the command finds around it."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest
from harness.engine import Engine
from harness.terminal import Terminal
from harness.waits import eventually


@pytest.fixture
def running(engine: Engine) -> Iterator[str]:
    with engine.container("-e", "FROM_RUN=yes", "-w", "/tmp", "busybox", "sleep", "300") as name:
        yield name


def test_output_and_exit_codes(engine: Engine, running: str) -> None:
    ran = engine.docker("exec", running, "sh", "-c", "echo out; echo err >&2; exit 3").exits(3)
    assert (ran.stdout, ran.stderr) == (b"out\n", b"err\n")
    engine.docker("exec", running, "true").ok()
    engine.docker("exec", running, "sh", "-c", "exit 255").exits(255)
    engine.docker("exec", running, "sh", "-c", "kill -9 $$").exits(137)


def test_a_command_that_cannot_be_found(engine: Engine, running: str) -> None:
    assert "executable file not found" in "".join(_said(engine, running, "nosuchcommand", 127))
    assert "no such file or directory" in "".join(_said(engine, running, "/no/such", 127))
    assert "permission denied" in "".join(_said(engine, running, "/etc/passwd", 126))


def _said(engine: Engine, running: str, command: str, code: int) -> tuple[str, str]:
    ran = engine.docker("exec", running, command).exits(code)
    return ran.out, ran.err


def test_piped_input_both_ways_unchanged(engine: Engine, running: str) -> None:
    data = os.urandom(1 << 20)
    assert engine.docker("exec", "-i", running, "cat", stdin=data).ok().stdout == data
    assert (
        engine.docker("exec", "-i", running, "md5sum", stdin=b"")
        .ok()
        .out.startswith("d41d8cd98f00b204e9800998ecf8427e")
    )
    assert engine.docker("exec", running, "head", "-c", "3000000", "/dev/zero").ok().stdout == bytes(3_000_000)


def test_without_i_there_is_no_input(engine: Engine, running: str) -> None:
    assert engine.docker("exec", running, "wc", "-c", stdin=b"not sent").ok().out == "0"


def test_environment_and_directory(engine: Engine, running: str) -> None:
    ran = engine.docker(
        "exec",
        "-e",
        "ONE=1 'quoted' $HOME",
        "-e",
        "FROM_RUN=no",
        "-w",
        "/etc",
        running,
        "sh",
        "-c",
        'echo "$ONE|$FROM_RUN|$PWD"',
    )
    assert ran.ok().out == "1 'quoted' $HOME|no|/etc"
    assert engine.docker("exec", running, "sh", "-c", "echo $FROM_RUN $PWD").ok().out == "yes /tmp"


def test_a_directory_that_does_not_exist(engine: Engine, running: str) -> None:
    assert engine.docker("exec", "-w", "/no/such", running, "pwd").code in (126, 127, 128)


def test_words_arrive_as_they_are(engine: Engine, running: str) -> None:
    words = ["a b", "$HOME", "$(HOME)", "$$", "'", '"', "\\", "*", "", "ü", "two\nlines", "-n"]
    ran = engine.docker("exec", running, "sh", "-c", 'for word; do printf "<%s>" "$word"; done', "sh", *words).ok()
    assert ran.stdout.decode() == "".join(f"<{word}>" for word in words)


def test_a_terminal(engine: Engine, running: str) -> None:
    command = ["docker", "exec", "-it", running, "sh"]
    with Terminal(command, engine.docker.environment, 41, 119) as terminal:
        terminal.expect("# ")
        terminal.type("stty size; test -t 0 && echo is-$((1))\n")
        assert b"41 119" in terminal.expect("is-1")
        terminal.resize(20, 60)

        def follows() -> bool:
            terminal.type("stty size; echo end-$((1+1))\n")
            return b"20 60" in terminal.expect("end-2")

        eventually(follows)
        terminal.type("exit\n")
        assert terminal.wait() == 0


def test_exit_code_of_a_terminal_session(engine: Engine, running: str) -> None:
    with Terminal(["docker", "exec", "-it", running, "sh"], engine.docker.environment) as terminal:
        terminal.expect("# ")
        terminal.type("exit 7\n")
        assert terminal.wait() == 7


def test_detached(engine: Engine, running: str) -> None:
    ran = engine.docker("exec", "-d", running, "sh", "-c", "echo there > /tmp/made").ok()
    assert ran.stdout == b""
    eventually(lambda: engine.docker("exec", running, "cat", "/tmp/made").out == "there")


def test_inspect_of_an_exec(engine: Engine, running: str) -> None:
    body = {"Cmd": ["sh", "-c", "exit 6"], "AttachStdout": True, "AttachStderr": True}
    created = engine.api("POST", f"/containers/{running}/exec", body)
    assert created.status_code == 201
    identity = created.json()["Id"]
    before = engine.api("GET", f"/exec/{identity}/json").json()
    assert (before["Running"], before["ExitCode"]) == (False, None)
    assert (before["ProcessConfig"]["entrypoint"], before["ProcessConfig"]["arguments"]) == ("sh", ["-c", "exit 6"])
    assert engine.api("POST", f"/exec/{identity}/start", {"Detach": False}).status_code == 200
    after = engine.api("GET", f"/exec/{identity}/json").json()
    assert (after["Running"], after["ExitCode"]) == (False, 6)
    assert after["ContainerID"] == engine.docker.inspect(running, "{{json .Id}}")


def test_refusals(engine: Engine, running: str) -> None:
    assert engine.api("GET", "/exec/0123456789abcdef/json").json() == {
        "message": "No such exec instance: 0123456789abcdef"
    }
    assert engine.api("POST", f"/containers/{running}/exec", {}).status_code == 400
    engine.docker("kill", running).ok()
    refused = engine.docker("exec", running, "true").exits(1)
    assert "is not running" in refused.err
    assert engine.api("POST", f"/containers/{running}/exec", {"Cmd": ["true"]}).status_code == 409


def test_a_client_that_leaves_ends_nothing_else(engine: Engine, running: str) -> None:
    with engine.docker.open("exec", "-i", running, "sh", "-c", "echo up; cat") as process:
        assert process.stdout.readline() == b"up\n"
        process.kill()
    assert engine.docker("exec", running, "echo", "still").ok().out == "still"


def test_many_at_once(engine: Engine, running: str) -> None:
    open_ones = [engine.docker.open("exec", running, "sh", "-c", f"sleep 1; echo {number}") for number in range(12)]
    assert [process.communicate(timeout=60)[0] for process in open_ones] == [b"%d\n" % number for number in range(12)]

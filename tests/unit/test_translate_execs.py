from __future__ import annotations

import subprocess

import pytest

from d2k.translate.execs import Command, command, document, inspect, same_user, start_failure

ID, CONTAINER = "e" * 64, "c" * 64


def _run(config: dict[str, object], detached: bool = False) -> tuple[int, bytes]:
    done = subprocess.run(command(config, "", detached=detached).words, capture_output=True, check=False)
    return done.returncode, done.stdout


def test_a_plain_command_is_not_wrapped() -> None:
    assert command({"Cmd": ["a", "$b"]}, "0", detached=False) == Command(["a", "$b"], needs_shell=False)
    assert command({"Cmd": ["a"], "User": "root"}, "", detached=False) == Command(["a"], needs_shell=False)


def test_environment_and_folder() -> None:
    config = {
        "Cmd": ["sh", "-c", 'echo "$A|$PWD|${HOME-none}"; exit 9'],
        "Env": ["A=b c$d", "HOME"],
        "WorkingDir": "/usr",
    }
    assert _run(config) == (9, b"b c$d|/usr|none\n")
    assert _run({"Cmd": ["env"], "Env": ["x.y=z"]})[1].count(b"x.y=z\n") == 1


@pytest.mark.parametrize(
    ("config", "code", "reason"),
    [
        ({"Cmd": ["nosuch"], "Env": ["A=b"]}, 127, b'exec: "nosuch": executable file not found in $PATH'),
        ({"Cmd": ["ls"], "WorkingDir": "/nosuch"}, 127, b'chdir to cwd ("/nosuch") set in config.json failed: no such'),
        ({"Cmd": ["ls"], "WorkingDir": "rel"}, 128, b"Cwd must be an absolute path"),
        ({"Cmd": ["/etc"], "WorkingDir": "/"}, 126, b'exec: "/etc": is a directory'),
    ],
)
def test_the_wrapper_fails_as_the_engine(config: dict[str, object], code: int, reason: bytes) -> None:
    got, text = _run(config)
    assert got == code
    assert text.startswith(b"OCI runtime exec failed: exec failed: ")
    assert reason in text
    assert text.endswith(b": unknown\r\n") or b"no such" in text


def test_a_detached_command_says_when_it_starts() -> None:
    assert _run({"Cmd": ["sh", "-c", "echo lost; exit 4"]}, detached=True) == (4, b"+")


@pytest.mark.parametrize(
    ("wanted", "own", "same"),
    [("root", "", True), ("0:0", "root", True), ("1000", "1000", True), ("1000", "", False), ("0:5", "0", False)],
)
def test_same_user(wanted: str, own: str, same: bool) -> None:
    assert same_user(wanted, own) is same


def test_start_failure() -> None:
    text = 'OCI runtime exec failed: exec failed: unable to start container process: exec: "x": permission denied'
    assert start_failure(f"Internal error occurred: {text}", Command(["x"], needs_shell=False)) == (text, 126)
    missing = 'OCI runtime exec failed: exec: "sh": executable file not found in $PATH: unknown'
    assert "has no shell" in start_failure(missing, Command(["sh"], needs_shell=True))[0]


def test_inspect() -> None:
    config = {"Cmd": ["sh", "-c", "x"], "Tty": True, "AttachStdin": True, "User": "me", "DetachKeys": "ctrl-x"}
    assert inspect(document(ID, CONTAINER, config, "2026-01-01T00:00:00Z"), running=False) == {
        "ID": ID,
        "Running": False,
        "ExitCode": None,
        "ProcessConfig": {
            "tty": True,
            "entrypoint": "sh",
            "arguments": ["-c", "x"],
            "privileged": False,
            "user": "me",
        },
        "OpenStdin": True,
        "OpenStderr": False,
        "OpenStdout": False,
        "CanRemove": False,
        "ContainerID": CONTAINER,
        "DetachKeys": "GA==",
        "Pid": 0,
    }

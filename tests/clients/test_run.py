"""`docker run` in the foreground: output, exit code, standard input and the terminal."""

from __future__ import annotations

import os
import signal
import subprocess
import time

import pytest
from harness.cli import Docker
from harness.cluster import Namespace
from harness.engine import Engine
from harness.terminal import Terminal
from harness.waits import eventually

from d2k.cluster.resources import CLAIMS, DEPLOYMENTS, PODS, SERVICES


def test_output_and_exit_code_come_back(engine: Engine) -> None:
    # Kubernetes tells the two streams apart only while someone is attached to the running process; what a command
    # writes before that is in docs/compatibility.md.
    ran = engine.docker("run", "--rm", "busybox", "sh", "-c", "sleep 1; echo out; echo err >&2; exit 3").exits(3)
    assert (ran.stdout, ran.stderr) == (b"out\n", b"err\n")


def test_rm_leaves_nothing(docker: Docker, namespace: Namespace) -> None:
    docker("run", "--rm", "-v", "/data", "-p", "18099:80", "busybox", "sh", "-c", "echo hi; exit 3").exits(3)
    assert docker("ps", "-aq").out == ""
    for resource in (DEPLOYMENTS, PODS, SERVICES, CLAIMS):
        eventually(lambda resource=resource: namespace.names(resource) == [], 5)


def test_run_rm_is_quick(docker: Docker) -> None:
    started = time.monotonic()
    docker("run", "--rm", "busybox", "true").ok()
    assert time.monotonic() - started < 6


def test_the_exit_code_of_an_instant_command(engine: Engine) -> None:
    for code in (0, 1, 42, 255):
        engine.docker("run", "--rm", "busybox", "sh", "-c", f"exit {code}").exits(code)


def test_every_line_of_a_long_output_arrives_in_order(engine: Engine) -> None:
    # The pause: containerd 1.6 may lose what is still in the pipe when a process ends; then it is in no log either.
    ran = engine.docker("run", "--rm", "busybox", "sh", "-c", "seq 1 20000; sleep 0.5").ok()
    assert ran.stdout == b"".join(b"%d\n" % number for number in range(1, 20001))


def test_output_without_a_line_end(engine: Engine) -> None:
    assert engine.docker("run", "--rm", "busybox", "printf", "a\\nb").ok().stdout == b"a\nb"


def test_a_command_that_does_not_exist_is_127(engine: Engine) -> None:
    ran = engine.docker("run", "--rm", "busybox", "/no/such/command").exits(127)
    assert "no such file or directory" in ran.err
    ran = engine.docker("run", "--rm", "busybox", "nosuchcommand").exits(127)
    assert "executable file not found in $PATH" in ran.err


def test_a_command_that_cannot_be_executed_is_126(engine: Engine) -> None:
    assert "permission denied" in engine.docker("run", "--rm", "busybox", "/etc/passwd").exits(126).err


def test_piped_input_reaches_its_end(engine: Engine) -> None:
    ran = engine.docker("run", "--rm", "-i", "busybox", "cat", stdin=b"one\ntwo")
    assert (ran.ok().stdout, ran.stderr) == (b"one\ntwo", b"")


def test_no_input_is_an_end_at_once(engine: Engine) -> None:
    assert engine.docker("run", "--rm", "-i", "busybox", "wc", "-c", stdin=b"").ok().out == "0"


def test_a_mebibyte_goes_through_unchanged(engine: Engine) -> None:
    data = os.urandom(1 << 20)
    assert engine.docker("run", "--rm", "-i", "busybox", "cat", stdin=data).ok().stdout == data


def test_the_command_sees_its_input_before_the_end(engine: Engine) -> None:
    with engine.docker.open("run", "--rm", "-i", "busybox", "cat") as process:
        for word in (b"first\n", b"second\n"):
            process.stdin.write(word)
            process.stdin.flush()
            assert process.stdout.readline() == word
        process.stdin.close()
        assert process.wait(30) == 0


def test_a_terminal_is_a_terminal(engine: Engine) -> None:
    with Terminal(["docker", "run", "--rm", "-it", "busybox", "sh"], engine.docker.environment, 33, 101) as terminal:
        terminal.expect("# ")
        terminal.type("tty; stty size; echo done-$((6*7))\n")
        shown = terminal.expect("done-42")
        assert b"/dev/pts/0" in shown or b"/dev/console" in shown
        assert b"33 101" in shown
        terminal.type("exit 5\n")
        assert terminal.wait() == 5


def test_the_terminal_follows_its_window(engine: Engine) -> None:
    with Terminal(["docker", "run", "--rm", "-it", "busybox", "sh"], engine.docker.environment) as terminal:
        terminal.expect("# ")
        terminal.resize(50, 132)

        def follows() -> bool:
            terminal.type("stty size; echo end-$((1+1))\n")
            return b"50 132" in terminal.expect("end-2")

        eventually(follows)
        terminal.type("exit\n")
        assert terminal.wait() == 0


def test_ctrl_c_in_a_terminal_interrupts_the_command(engine: Engine) -> None:
    command = [
        "docker",
        "run",
        "--rm",
        "-it",
        "busybox",
        "sh",
        "-c",
        "trap 'exit 9' INT; echo up; while :; do sleep 1; done",
    ]
    with Terminal(command, engine.docker.environment) as terminal:
        terminal.expect("up")
        terminal.type("\x03")
        assert terminal.wait() == 9


def test_signals_of_the_client_reach_the_process(engine: Engine) -> None:
    script = "trap 'echo got; exit 7' TERM; echo up; while :; do sleep 0.1; done"
    with engine.docker.open("run", "--rm", "busybox", "sh", "-c", script) as process:
        assert process.stdout.readline() == b"up\n"
        process.send_signal(signal.SIGTERM)
        assert process.stdout.readline() == b"got\n"
        assert process.wait(30) == 7


def test_a_client_that_leaves_leaves_the_container(engine: Engine) -> None:
    name = engine.name()
    with engine.docker.open("run", "--name", name, "busybox", "sh", "-c", "echo up; sleep 60") as process:
        assert process.stdout.readline() == b"up\n"
        process.kill()
    assert engine.docker.inspect(name, "{{json .State.Running}}") is True


def test_detached_prints_the_id(engine: Engine) -> None:
    name = engine.name()
    ran = engine.docker("run", "-d", "--name", name, "busybox", "sleep", "60").ok()
    assert ran.out == engine.docker.inspect(name, "{{json .Id}}")


def test_run_pulls_an_image_that_it_does_not_know(docker: Docker) -> None:
    docker("rmi", "alpine").ok()
    ran = docker("run", "--rm", "alpine", "echo", "hi").ok()
    assert ran.out == "hi"
    assert "Unable to find image 'alpine:latest' locally" in ran.err
    assert "Status: Downloaded newer image for alpine:latest" in ran.err


def test_run_of_an_image_that_does_not_exist(docker: Docker) -> None:
    ran = docker("run", "--rm", "d2k-no-such-image", "true").exits(125)
    assert "Unable to find image 'd2k-no-such-image:latest' locally" in ran.err
    assert "pull access denied for d2k-no-such-image" in ran.err or "not found" in ran.err


def test_cidfile_and_quiet_pull(engine: Engine, tmp_path: os.PathLike[str]) -> None:
    cidfile = os.path.join(tmp_path, "cid")
    engine.docker("run", "--name", engine.name(), "--cidfile", cidfile, "busybox", "true").ok()
    with open(cidfile) as file:
        assert len(file.read()) == 64


def test_a_real_terminal_multiplexer_shows_a_shell_in_a_container(engine: Engine) -> None:
    """`docker exec -it` in tmux: what a person does all day."""
    if subprocess.run(["which", "tmux"], capture_output=True, check=False).returncode:
        pytest.skip("there is no tmux command")
    socket = engine.name()
    with engine.container("busybox", "sleep", "60") as name:
        tmux = ["tmux", "-L", socket]
        environment = {**engine.docker.environment, "TERM": "xterm"}
        command = f"docker exec -it {name} sh; echo left-$?; sleep 30"
        subprocess.run([*tmux, "new-session", "-d", "-x", "90", "-y", "30", command], env=environment, check=True)
        try:

            def screen() -> str:
                return subprocess.run([*tmux, "capture-pane", "-p"], capture_output=True, text=True, check=True).stdout

            eventually(lambda: "#" in screen(), what="the shell's prompt")
            subprocess.run([*tmux, "send-keys", "stty size; exit 4", "Enter"], check=True)
            eventually(lambda: "left-4" in screen(), what="the shell's end")
            assert "30 90" in screen()
        finally:
            subprocess.run([*tmux, "kill-server"], check=False)

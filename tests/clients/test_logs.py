"""`docker logs` and `docker attach`."""

from __future__ import annotations

import re
import time

from docker import APIClient
from harness.engine import Engine
from harness.waits import eventually

STAMP = re.compile(r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{9}Z ")


def test_logs_of_a_running_and_a_stopped_one(engine: Engine) -> None:
    script = "trap 'echo end; exit 0' TERM; seq 1 5; while :; do sleep 0.1; done"
    with engine.container("busybox", "sh", "-c", script) as name:
        eventually(lambda: engine.docker("logs", name).lines == ["1", "2", "3", "4", "5"])
        engine.docker("stop", name).ok()
        assert engine.docker("logs", name).ok().lines == ["1", "2", "3", "4", "5", "end"]


def test_tail(engine: Engine) -> None:
    name = engine.name()
    engine.docker("run", "--name", name, "busybox", "seq", "1", "10").ok()
    assert engine.docker("logs", "--tail", "3", name).ok().lines == ["8", "9", "10"]
    assert engine.docker("logs", "--tail", "0", name).ok().lines == []
    assert len(engine.docker("logs", "--tail", "all", name).ok().lines) == 10
    assert len(engine.docker("logs", "--tail", "100", name).ok().lines) == 10


def test_timestamps_since_and_until(engine: Engine) -> None:
    with engine.container("busybox", "sh", "-c", "echo early; sleep 2; echo late; sleep 60") as name:
        eventually(lambda: "late" in engine.docker("logs", name).out)
        early, late = engine.docker("logs", "--timestamps", name).ok().lines
        assert STAMP.match(early)
        assert (STAMP.sub("", early), STAMP.sub("", late)) == ("early", "late")
        stamp = late.split(" ")[0]
        assert engine.docker("logs", "--since", stamp, name).ok().lines == ["late"]
        assert engine.docker("logs", "--until", early.split(" ")[0][:19] + "Z", name).ok().lines == []
        between = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.strptime(early[:19], "%Y-%m-%dT%H:%M:%S"))
        assert engine.docker("logs", "--since", between, name).ok().lines == ["early", "late"]
        assert engine.docker("logs", "--since", "1h", name).ok().lines == ["early", "late"]


def test_follow_ends_with_the_container(engine: Engine) -> None:
    with engine.container("busybox", "sh", "-c", "for i in 1 2 3; do echo $i; sleep 0.5; done") as name:
        assert engine.docker("logs", "-f", name).ok().lines == ["1", "2", "3"]


def test_follow_delivers_at_once(engine: Engine) -> None:
    script = "echo one; sleep 1; echo two; sleep 60"
    with (
        engine.container("busybox", "sh", "-c", script) as name,
        engine.docker.open("logs", "-f", name) as process,
    ):
        assert process.stdout.readline() == b"one\n"
        assert process.stdout.readline() == b"two\n"
        process.kill()


def test_all_runs_in_order(engine: Engine) -> None:
    name = engine.name()
    engine.docker("run", "--name", name, "busybox", "sh", "-c", "echo run").ok()
    engine.docker("start", name).ok()
    engine.docker("wait", name).ok()
    engine.docker("start", "-a", name).ok()
    assert engine.docker("logs", name).ok().lines == ["run", "run", "run"]


def test_a_line_without_an_end_and_control_characters(engine: Engine) -> None:
    name = engine.name()
    engine.docker("run", "--name", name, "busybox", "printf", "\\001\\000x\\nlast").ok()
    assert engine.docker("logs", name).ok().stdout == b"\x01\x00x\nlast"


def test_a_long_line_stays_one(engine: Engine) -> None:
    name = engine.name()
    script = "head -c 100000 /dev/zero | tr '\\0' x; echo; echo end"
    engine.docker("run", "--name", name, "busybox", "sh", "-c", script).ok()
    assert engine.docker("logs", name).ok().stdout == b"x" * 100000 + b"\nend\n"


def test_logs_of_a_terminal_are_raw(engine: Engine) -> None:
    with engine.container("-t", "busybox", "sh", "-c", "echo hi; sleep 60") as name:
        eventually(lambda: engine.docker("logs", name).stdout == b"hi\r\n")


def test_logs_of_a_created_one_are_empty(engine: Engine) -> None:
    name = engine.name()
    engine.docker("create", "--name", name, "busybox", "true").ok()
    assert engine.docker("logs", name).ok().stdout == b""


def test_a_stream_must_be_chosen(engine: Engine) -> None:
    with engine.container("busybox", "sleep", "60") as name:
        answer = engine.api("GET", f"/containers/{name}/logs")
        assert answer.status_code == 400
        assert answer.json()["message"].count("at least one") == 1


def test_attach_reads_and_writes_and_leaves_the_input_open(engine: Engine) -> None:
    with engine.container("-i", "busybox", "sh", "-c", "while read line; do echo got $line; done; exit 5") as name:
        for word in (b"one", b"two"):
            with engine.docker.open("attach", name) as process:
                process.stdin.write(word + b"\n")
                process.stdin.flush()
                assert process.stdout.readline() == b"got " + word + b"\n"
                process.kill()
        assert engine.docker.inspect(name, "{{json .State.Running}}") is True


def test_attach_without_input_sees_the_exit_code(engine: Engine) -> None:
    with engine.container("busybox", "sh", "-c", "sleep 2; echo out; echo err >&2; exit 3") as name:
        ran = engine.docker("attach", "--no-stdin", name).exits(3)
        assert (ran.stdout, ran.stderr) == (b"out\n", b"err\n")


def test_attach_to_a_stopped_one_is_refused(engine: Engine) -> None:
    name = engine.name()
    engine.docker("run", "--name", name, "busybox", "true").ok()
    assert "cannot attach to a stopped container" in engine.docker("attach", name).exits(1).err


def test_the_detach_keys_leave_the_container_running(engine: Engine) -> None:
    # Through the API: the docker command of version 28 watches for the keys itself and hangs after them over TCP.
    with engine.container("-it", "busybox", "sh") as name:
        client = APIClient(base_url=engine.docker.host, timeout=30)
        opened = client.attach_socket(name, params={"stdin": 1, "stdout": 1, "stderr": 1, "stream": 1})
        connection = opened._sock
        connection.settimeout(30)
        connection.sendall(b"echo here-$((40+2))\n")
        seen = b""
        while b"here-42" not in seen:
            seen += connection.recv(4096)
        connection.sendall(b"\x10\x11")
        while connection.recv(4096):
            pass
        opened.close()
        client.close()
        assert engine.docker.inspect(name, "{{json .State.Running}}") is True


def test_start_with_attach(engine: Engine) -> None:
    name = engine.name()
    engine.docker("create", "-i", "--name", name, "busybox", "cat").ok()
    assert engine.docker("start", "-ai", name, stdin=b"to its end").ok().stdout == b"to its end"


def test_several_clients_see_the_same(engine: Engine) -> None:
    with engine.container("busybox", "sh", "-c", "sleep 2; seq 1 50") as name:
        watchers = [engine.docker.open("attach", "--no-stdin", name) for _ in range(3)]
        wanted = b"".join(b"%d\n" % number for number in range(1, 51))
        assert [process.communicate(timeout=60)[0] for process in watchers] == [wanted] * 3

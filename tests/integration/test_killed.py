"""d2k is killed and started again between any two commands: the user sees nothing of it."""

from __future__ import annotations

from harness.subject import Subject

COMMANDS = (
    ("network", "create", "net"),
    ("volume", "create", "--label", "a=b", "data"),
    ("create", "--name", "one", "--network", "net", "-v", "data:/data", "busybox", "sh", "-c",
     "trap 'exit 4' TERM; echo run >> /data/log; cat /data/log; while :; do sleep 0.1; done"),
    ("start", "one"),
    ("exec", "one", "sh", "-c", "cat /data/log; exit 3"),
    ("ps", "-a", "--format", "{{.Names}} {{.State}} {{.Image}} {{.Command}}"),
    ("rename", "one", "two"),
    ("stop", "two"),
    ("wait", "two"),
    ("logs", "two"),
    ("start", "two"),
    ("logs", "two"),
    ("inspect", "--format", "{{.Name}} {{.State.Status}} {{.State.ExitCode}} {{.RestartCount}}", "two"),
    ("kill", "two"),
    ("ps", "-a", "--format", "{{.Names}} {{.State}} {{.Image}}"),
    ("start", "-a", "nothing"),
    ("tag", "busybox", "mine:1"),
    ("run", "--name", "three", "mine:1", "sh", "-c", "echo three; exit 5"),
    ("logs", "three"),
    ("inspect", "--format", "{{.State.Status}} {{.State.ExitCode}}", "three"),
    ("network", "inspect", "--format", "{{.Name}} {{len .Containers}}", "net"),
    ("volume", "ls", "--format", "{{.Name}} {{.Labels}}"),
    ("rm", "two", "three"),
    ("rmi", "mine:1"),
    ("volume", "rm", "data"),
    ("network", "rm", "net"),
    ("ps", "-a", "--format", "{{.Names}}"),
)  # fmt: skip


def test_killed_between_any_two_commands(under_test: Subject) -> None:
    plain = [_seen(under_test, command) for command in COMMANDS]
    under_test.sweep()
    killed = []
    for command in COMMANDS:
        under_test.server.restart()
        killed.append(_seen(under_test, command))
    assert killed == plain


def _seen(subject: Subject, command: tuple[str, ...]) -> tuple[tuple[str, ...], int, str, str]:
    ran = subject.docker(*command)
    # An id is another one each time.
    words = [line if len(line) != 64 else "ID" for line in ran.lines]
    if command[0] in ("rmi", "tag"):
        words = words[:1]
    return command, ran.code, "\n".join(words), ran.err


def test_a_start_that_was_cut_off_goes_on(under_test: Subject) -> None:
    docker = under_test.docker
    docker("create", "--name", "cut", "busybox", "sh", "-c", "echo once; sleep 300").ok()
    with docker.open("start", "cut") as process:
        under_test.server.kill()
        process.wait(30)
    under_test.server.start()
    docker("start", "cut").ok()
    assert docker.inspect("cut", "{{json .State.Running}}") is True


def test_a_removal_that_was_cut_off_goes_on(under_test: Subject) -> None:
    docker = under_test.docker
    docker(
        "run", "-d", "--name", "cut", "busybox", "sh", "-c", "trap 'sleep 2; exit' TERM; while :; do sleep 0.1; done"
    ).ok()
    with docker.open("stop", "-t", "5", "cut") as process:
        under_test.server.kill()
        process.wait(30)
    under_test.server.start()
    docker("rm", "-f", "cut").ok()
    assert docker("ps", "-aq").ok().out == ""

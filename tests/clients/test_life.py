"""create, start, stop, kill, restart, rm, rename, wait, top, port, prune: the verbs and their refusals."""

from __future__ import annotations

import threading

import pytest
from harness.cli import Docker
from harness.cluster import Namespace
from harness.engine import Engine
from harness.waits import eventually

from d2k.cluster.resources import DEPLOYMENTS, PODS, SERVICES

# Ends at once on SIGTERM, as a well-behaved server does; a shell as process 1 would not.
SERVER = ("busybox", "sh", "-c", "trap 'exit 0' TERM; echo up; while :; do sleep 0.1; done")


def state(engine: Engine, name: str) -> dict[str, object]:
    return dict(engine.docker.inspect(name, "{{json .State}}"))


def test_create_start_stop_start_rm(engine: Engine) -> None:
    name = engine.name()
    created = engine.docker("create", "--name", name, *SERVER).ok().out
    assert len(created) == 64
    assert state(engine, name)["Status"] == "created"
    assert engine.docker("start", name).ok().out == name
    assert state(engine, name)["Running"] is True
    assert engine.docker("stop", name).ok().out == name
    ended = state(engine, name)
    assert (ended["Status"], ended["ExitCode"], ended["Running"]) == ("exited", 0, False)
    engine.docker("start", name).ok()
    assert state(engine, name)["Status"] == "running"
    assert engine.docker.inspect(name, "{{json .Id}}") == created
    assert engine.docker("rm", "-f", name).ok().out == name
    assert "No such container" in engine.docker("start", name).exits(1).err


def test_a_container_is_a_deployment(docker: Docker, namespace: Namespace, name: str) -> None:
    docker("run", "-d", "--name", name, *SERVER).ok()
    [deployment] = namespace.all(DEPLOYMENTS)
    assert (deployment["metadata"]["name"], deployment["spec"]["replicas"]) == (name, 1)
    assert namespace.names(SERVICES) == []
    docker("stop", name).ok()
    assert namespace.admin.get(DEPLOYMENTS, name)["spec"]["replicas"] == 0
    docker("start", name).ok()
    assert namespace.admin.get(DEPLOYMENTS, name)["spec"]["replicas"] == 1
    docker("rm", "-f", name).ok()
    assert namespace.names(DEPLOYMENTS) == []
    eventually(lambda: not namespace.names(PODS), 5, "the end of the last Pod")


def test_start_of_a_running_one_is_304(engine: Engine) -> None:
    with engine.container(*SERVER) as name:
        answer = engine.api("POST", f"/containers/{name}/start")
        assert (answer.status_code, answer.content) == (304, b"")
        engine.docker("start", name).ok()


def test_stop_of_a_stopped_one_is_304(engine: Engine) -> None:
    name = engine.name()
    engine.docker("create", "--name", name, "busybox", "true").ok()
    assert engine.api("POST", f"/containers/{name}/stop").status_code == 304
    engine.docker("stop", name).ok()


def test_stop_waits_for_the_process(engine: Engine) -> None:
    script = "trap 'echo bye; exit 9' TERM; echo up; while :; do sleep 0.1; done"
    with engine.container("busybox", "sh", "-c", script) as name:
        engine.docker("stop", "-t", "20", name).ok()
        assert state(engine, name)["ExitCode"] == 9
        assert engine.docker("logs", name).ok().lines == ["up", "bye"]


def test_stop_kills_after_its_timeout(engine: Engine) -> None:
    with engine.container("busybox", "sh", "-c", "trap '' TERM; while :; do sleep 0.1; done") as name:
        engine.docker("stop", "-t", "1", name).ok()
        ended = state(engine, name)
        assert (ended["Status"], ended["ExitCode"], ended["OOMKilled"]) == ("exited", 137, False)


def test_the_stop_timeout_of_the_container(engine: Engine) -> None:
    script = "trap '' TERM; while :; do sleep 0.1; done"
    with engine.container("--stop-timeout", "1", "busybox", "sh", "-c", script) as name:
        assert engine.docker.inspect(name, "{{json .Config.StopTimeout}}") == 1
        engine.docker("stop", name).ok()
        assert state(engine, name)["ExitCode"] == 137


def test_kill(engine: Engine) -> None:
    with engine.container("busybox", "sleep", "60") as name:
        engine.docker("kill", name).ok()
        ended = state(engine, name)
        assert (ended["Running"], ended["ExitCode"]) == (False, 137)
        refused = engine.docker("kill", name).exits(1)
        assert "is not running" in refused.err


def test_kill_with_a_signal(engine: Engine) -> None:
    script = "trap 'echo usr1' USR1; trap 'exit 5' HUP; echo up; while :; do sleep 0.1; done"
    with engine.container("busybox", "sh", "-c", script) as name:
        eventually(lambda: engine.docker("logs", name).out == "up")
        engine.docker("kill", "-s", "USR1", name).ok()
        eventually(lambda: engine.docker("logs", name).lines == ["up", "usr1"])
        engine.docker("kill", "-s", "1", name).ok()
        assert engine.docker("wait", name).ok().out == "5"


def test_kill_with_a_signal_that_does_not_exist(engine: Engine) -> None:
    with engine.container(*SERVER) as name:
        answer = engine.api("POST", f"/containers/{name}/kill", signal="SIGNOTHING")
        assert answer.status_code == 400
        assert "nvalid signal" in answer.json()["message"]


def test_restart(engine: Engine) -> None:
    with engine.container(*SERVER) as name:
        first = state(engine, name)["StartedAt"]
        engine.docker("restart", "-t", "5", name).ok()
        now = state(engine, name)
        assert now["Running"] is True
        assert now["StartedAt"] > first
        engine.docker("stop", name).ok()
        engine.docker("restart", name).ok()
        assert state(engine, name)["Running"] is True


def test_rm_of_a_running_one_needs_force(engine: Engine) -> None:
    with engine.container(*SERVER) as name:
        refused = engine.docker("rm", name).exits(1).err
        assert f'cannot remove container "{name}"' in refused or f'cannot remove container "/{name}"' in refused
        assert "stop the container before removing or force remove" in refused
        assert engine.api("DELETE", f"/containers/{name}").status_code == 409


def test_the_name_is_free_after_rm(engine: Engine) -> None:
    name = engine.name()
    for _ in range(2):
        engine.docker("run", "-d", "--name", name, "busybox", "sleep", "60").ok()
        engine.docker("rm", "-f", name).ok()


def test_two_containers_of_one_name_conflict(engine: Engine) -> None:
    with engine.container("busybox", "sleep", "60") as name:
        first = engine.docker.inspect(name, "{{json .Id}}")
        answer = engine.api("POST", "/containers/create", {"Image": "busybox", "Cmd": ["true"]}, name=name)
        assert answer.status_code == 409
        assert answer.json()["message"] == (
            f'Conflict. The container name "/{name}" is already in use by container "{first}". You have to remove (or '
            "rename) that container to be able to reuse that name."
        )


def test_a_container_that_does_not_exist(engine: Engine) -> None:
    name = engine.name()
    for method, path in (
        ("GET", "json"),
        ("POST", "start"),
        ("POST", "stop"),
        ("POST", "kill"),
        ("POST", "restart"),
        ("POST", "wait"),
        ("POST", "exec"),
        ("GET", "top"),
        ("GET", "logs"),
        ("POST", "attach"),
    ):
        body = {"Cmd": ["true"]} if path == "exec" else None
        answer = engine.api(method, f"/containers/{name}/{path}", body, **({"stdout": "1"} if path == "logs" else {}))
        assert answer.status_code == 404, path
        # The real engine's answer to attach is no JSON.
        assert f"No such container: {name}" in answer.text, path
    assert engine.api("DELETE", f"/containers/{name}").json() == {"message": f"No such container: {name}"}


def test_a_container_answers_to_name_id_and_prefix(engine: Engine) -> None:
    with engine.container("busybox", "sleep", "60") as name:
        identity = engine.docker.inspect(name, "{{json .Id}}")
        for reference in (name, f"/{name}", identity, identity[:12], identity[:20]):
            assert engine.docker.inspect(reference, "{{json .Name}}") == f"/{name}"


def test_rename(engine: Engine) -> None:
    other = engine.name()
    with engine.container("busybox", "sleep", "60") as name:
        identity = engine.docker.inspect(name, "{{json .Id}}")
        engine.docker("rename", name, other).ok()
        assert engine.docker.inspect(other, "{{json .Id}}") == identity
        assert "No such container" in engine.docker("rename", name, "x").exits(1).err
        engine.docker("create", "--name", name, "busybox", "true").ok()
        assert engine.api("POST", f"/containers/{name}/rename", name=other).status_code == 409
        assert engine.api("POST", f"/containers/{name}/rename", name="not/valid").status_code == 400
        engine.docker("rm", "-f", other).ok()


def test_names_that_kubernetes_would_not_take(engine: Engine) -> None:
    for suffix in ("_Under.Score", "-" + "x" * 70):
        name = engine.name() + suffix
        engine.docker("run", "-d", "--name", name, "busybox", "sleep", "60").ok()
        assert engine.docker("ps", "--filter", f"name=^/?{name}$", "--format", "{{.Names}}").ok().out == name
        engine.docker("rm", "-f", name).ok()


def test_an_invalid_name_is_refused(engine: Engine) -> None:
    answer = engine.api("POST", "/containers/create", {"Image": "busybox"}, name="a b")
    assert answer.status_code == 400
    assert answer.json()["message"] == "Invalid container name (a b), only [a-zA-Z0-9][a-zA-Z0-9_.-] are allowed"


def test_wait_gives_the_exit_code(engine: Engine) -> None:
    with engine.container("busybox", "sh", "-c", "sleep 1; exit 3") as name:
        assert engine.docker("wait", name).ok().out == "3"
        assert engine.docker("wait", name).ok().out == "3"


def test_wait_for_the_next_exit_and_the_removal(engine: Engine) -> None:
    name = engine.name()
    engine.docker("create", "--name", name, "busybox", "sh", "-c", "exit 4").ok()
    answers: dict[str, dict[str, int]] = {}

    def wait(condition: str) -> None:
        answers[condition] = engine.api("POST", f"/containers/{name}/wait", condition=condition).json()

    assert engine.api("POST", f"/containers/{name}/wait", condition="not-running").json()["StatusCode"] == 0
    threads = [threading.Thread(target=wait, args=(condition,)) for condition in ("next-exit", "removed")]
    for thread in threads:
        thread.start()
    # The engine answers the head of a wait at once, but a request of another connection may overtake it.
    threads[0].join(0.5)
    engine.docker("start", name).ok()
    threads[0].join(30)
    assert answers["next-exit"]["StatusCode"] == 4
    assert "removed" not in answers
    engine.docker("rm", name).ok()
    threads[1].join(30)
    assert answers["removed"]["StatusCode"] == 4


def test_an_unknown_condition_is_refused(engine: Engine) -> None:
    with engine.container("busybox", "sleep", "60") as name:
        answer = engine.api("POST", f"/containers/{name}/wait", condition="sometime")
        assert (answer.status_code, answer.json()["message"]) == (400, 'invalid condition: "sometime"')


def test_top_shows_the_processes(engine: Engine) -> None:
    with engine.container("busybox", "sleep", "61") as name:
        shown = engine.api("GET", f"/containers/{name}/top").json()
        assert "PID" in shown["Titles"]
        assert any("sleep 61" in " ".join(row) for row in shown["Processes"])
        assert "sleep 61" in engine.docker("top", name).ok().out
        engine.docker("kill", name).ok()
        assert engine.api("GET", f"/containers/{name}/top").status_code == 409


def test_container_prune(engine: Engine) -> None:
    mark = engine.name()
    ended, created = engine.name(), engine.name()
    engine.docker("run", "--name", ended, "--label", f"of={mark}", "busybox", "true").ok()
    engine.docker("create", "--name", created, "--label", f"of={mark}", "busybox", "true").ok()
    with engine.container("--label", f"of={mark}", "busybox", "sleep", "60") as running:
        gone = [engine.docker.inspect(name, "{{json .Id}}") for name in (ended, created)]
        assert engine.docker("container", "prune", "-f", "--filter", f"label=not-{mark}").ok().out.endswith("0B")
        shown = engine.docker("container", "prune", "-f", "--filter", f"label=of={mark}").ok().lines
        assert shown[0] == "Deleted Containers:"
        assert sorted(shown[1:3]) == sorted(gone)
        assert engine.docker.inspect(running, "{{json .State.Running}}") is True


@pytest.mark.parametrize("policy", ["always", "unless-stopped"])
def test_restart_policies_of_kubernetes(engine: Engine, policy: str) -> None:
    with engine.container("--restart", policy, "busybox", "sh", "-c", "echo run; sleep 1; exit 1") as name:
        eventually(lambda: engine.docker("logs", name).lines.count("run") >= 2, what="a second run")
        eventually(lambda: engine.docker.inspect(name, "{{json .RestartCount}}") >= 1)
        assert engine.docker.inspect(name, "{{json .HostConfig.RestartPolicy.Name}}") == policy
        engine.docker("stop", "-t", "1", name).ok()
        assert state(engine, name)["Status"] == "exited"


def test_on_failure_ends_with_success(engine: Engine) -> None:
    script = "echo run >> /data/log; test $(wc -l < /data/log) = 2"
    arguments = ("--restart", "on-failure:5", "-v", f"{engine.prefix}-v:/data", "busybox", "sh", "-c", script)
    with engine.container(*arguments) as name:
        eventually(lambda: state(engine, name)["Status"] == "exited", 40)
        assert (state(engine, name)["ExitCode"], engine.docker.inspect(name, "{{json .RestartCount}}")) == (0, 1)


def test_on_failure_gives_up(engine: Engine) -> None:
    with engine.container("--restart", "on-failure:1", "busybox", "sh", "-c", "echo run; exit 6") as name:
        eventually(lambda: state(engine, name)["Status"] == "exited", 60)
        assert state(engine, name)["ExitCode"] == 6
        assert engine.docker.inspect(name, "{{json .RestartCount}}") == 1
        # Kubernetes keeps the log of the last run only, of a process that fails faster than d2k can read it.
        lines = engine.docker("logs", name).ok().lines
        assert lines == ["run", "run"] if engine.kind == "reference" else lines in (["run"], ["run", "run"])


def test_a_crashing_container_shows_as_restarting(engine: Engine) -> None:
    with engine.container("--restart", "always", "busybox", "sh", "-c", "exit 1") as name:

        def shown() -> bool:
            row = engine.docker("ps", "-a", "--filter", f"name={name}", "--format", "{{.State}} {{.Status}}").ok().out
            return row.startswith("restarting Restarting (1)")

        eventually(shown, 40, "a restarting state")


def test_remove_while_it_starts_to_crash(engine: Engine) -> None:
    name = engine.name()
    engine.docker("run", "-d", "--restart", "always", "--name", name, "busybox", "sh", "-c", "exit 1").ok()
    engine.docker("rm", "-f", name).ok()
    assert engine.docker("ps", "-aq", "--filter", f"name={name}").out == ""

"""The options of `docker run`: what the process in the container sees of them."""

from __future__ import annotations

import pytest
from harness.cli import Docker
from harness.cluster import Namespace
from harness.engine import Engine
from harness.waits import eventually

from d2k.cluster.resources import DEPLOYMENTS


def said(engine: Engine, *arguments: str) -> str:
    return engine.docker("run", "--rm", *arguments).ok().out


def test_environment_is_byte_true(engine: Engine) -> None:
    values = {
        "PLAIN": "a b",
        "HOME_REF": "$(HOME) $HOME ${HOME}",
        "DOLLARS": "$$ $$$ $",
        "UNICODE": "ü € 漢 🐳 $é",
        "LINES": "one\ntwo\n",
        "QUOTES": "'\"\\",
        "EMPTY": "",
        "EQUALS": "a=b=c",
    }
    options = [part for key, value in values.items() for part in ("-e", f"{key}={value}")]
    script = "for key in {}; do printf '%s=<%s>;' $key \"$(eval printf %s '\"$'$key'\"'; echo .)\"; done".format(
        " ".join(values)
    )
    wanted = "".join(f"{key}=<{value}.>;" for key, value in values.items())
    assert said(engine, *options, "busybox", "sh", "-c", script) == wanted


def test_command_words_are_byte_true(engine: Engine) -> None:
    words = ["$(HOME)", "$$(HOME)", "$$", "a b", "", "ü", "two\nlines", "'"]
    ran = engine.docker("run", "--rm", "busybox", "sh", "-c", 'for w; do printf "<%s>" "$w"; done', "sh", *words).ok()
    assert ran.stdout.decode() == "".join(f"<{word}>" for word in words)


def test_an_environment_file_and_a_variable_of_the_client(engine: Engine, tmp_path: object) -> None:
    file = f"{tmp_path}/env"
    with open(file, "w") as text:
        text.write("FROM_FILE=1\n# a comment\nFROM_CLIENT\n")
    ran = engine.docker(
        "run", "--rm", "--env-file", file, "busybox", "sh", "-c", "echo $FROM_FILE $FROM_CLIENT", FROM_CLIENT="2"
    )
    assert ran.ok().out == "1 2"


def test_entrypoint_and_command(engine: Engine) -> None:
    assert said(engine, "entry") == "entry: default"
    assert said(engine, "entry", "other", "words") == "entry: other words"
    assert said(engine, "--entrypoint", "echo", "entry", "x") == "x"
    assert said(engine, "--entrypoint", "/bin/sh", "entry", "-c", "echo $FROM_IMAGE") == "yes"
    assert said(engine, "--entrypoint", "", "entry", "echo", "reset") == "reset"


def test_user(engine: Engine) -> None:
    assert said(engine, "--user", "1234:5678", "busybox", "sh", "-c", "id -u; id -g") == "1234\n5678"
    assert said(engine, "nonroot", "id", "-u") == "1000"
    assert said(engine, "--user", "0", "nonroot", "id", "-u") == "0"
    assert said(engine, "--group-add", "4321", "busybox", "id", "-G").split()[-1] == "4321"


def test_a_user_that_has_no_number_is_refused(docker: Docker) -> None:
    assert "needs a number" in docker("run", "--rm", "--user", "www-data", "busybox", "id").exits(125).err


def test_working_directory(engine: Engine) -> None:
    assert said(engine, "-w", "/etc", "busybox", "pwd") == "/etc"
    assert said(engine, "-w", "/made/here", "busybox", "pwd") == "/made/here"
    assert said(engine, "web", "pwd") == "/var/www"


def test_hostname(engine: Engine) -> None:
    assert said(engine, "--hostname", "my-host", "busybox", "hostname") == "my-host"
    name = engine.name()
    identity = engine.docker("run", "-d", "--name", name, "busybox", "sleep", "60").ok().out
    assert engine.docker("exec", name, "hostname").ok().out == identity[:12]


def test_extra_hosts(engine: Engine) -> None:
    assert "10.9.8.7" in said(engine, "--add-host", "far.away:10.9.8.7", "busybox", "cat", "/etc/hosts")


def test_read_only_and_tmpfs(engine: Engine) -> None:
    script = "touch /x 2>/dev/null && echo written; touch /scratch/x && grep -c ' /scratch tmpfs ' /proc/mounts"
    assert said(engine, "--read-only", "--tmpfs", "/scratch", "busybox", "sh", "-c", script) == "1"
    mount = "type=tmpfs,destination=/scratch"
    assert said(engine, "--mount", mount, "busybox", "sh", "-c", "touch /scratch/x; ls /scratch") == "x"


def test_memory_and_cpus(engine: Engine) -> None:
    # The paths of control groups, version 2 and version 1.
    script = "cd /sys/fs/cgroup; cat memory.max cpu.max || cat memory/memory.limit_in_bytes cpu/cpu.cfs_quota_us"
    shown = said(engine, "--memory", "64m", "--cpus", "0.5", "busybox", "sh", "-c", f"({script}) 2>/dev/null")
    assert shown.split()[:2] == [str(64 << 20), "50000"]


def test_the_limits_in_kubernetes(docker: Docker, namespace: Namespace, name: str) -> None:
    docker("create", "--name", name, "--memory", "64m", "--cpus", "0.25", "busybox", "true").ok()
    [main] = namespace.all(DEPLOYMENTS)[0]["spec"]["template"]["spec"]["containers"]
    assert main["resources"]["limits"] == {"memory": str(64 << 20), "cpu": "250m"}


def test_out_of_memory(engine: Engine) -> None:
    name = engine.name()
    script = "head -c 200m /dev/zero | tail"
    engine.docker(
        "run", "--name", name, "--memory", "16m", "--memory-swap", "16m", "busybox", "sh", "-c", f"exec {script}"
    )
    ended = engine.docker.inspect(name, "{{json .State}}")
    assert ended["ExitCode"] == 137


def test_gpus_ask_for_the_extended_resource(docker: Docker, namespace: Namespace, name: str) -> None:
    docker("create", "--name", name, "--gpus", "2", "busybox", "true").ok()
    [main] = namespace.all(DEPLOYMENTS)[0]["spec"]["template"]["spec"]["containers"]
    assert main["resources"]["limits"] == {"nvidia.com/gpu": "2"}


def test_capabilities(engine: Engine) -> None:
    script = "grep CapEff /proc/1/status"
    default = int(said(engine, "busybox", "sh", "-c", script).split()[1], 16)
    added = int(said(engine, "--cap-add", "NET_ADMIN", "busybox", "sh", "-c", script).split()[1], 16)
    dropped = int(said(engine, "--cap-drop", "CHOWN", "busybox", "sh", "-c", script).split()[1], 16)
    assert (added ^ default, default ^ dropped) == (1 << 12, 1)


def test_privileged_is_refused_unless_allowed(docker: Docker) -> None:
    assert "privileged containers are not allowed" in docker("run", "--privileged", "busybox").exits(125).err


@pytest.mark.parametrize("option", [("-v", "/etc:/etc"), ("--mount", "type=bind,source=/etc,target=/etc")])
def test_bind_mounts_are_refused_clearly(docker: Docker, option: tuple[str, str]) -> None:
    refused = docker("run", "--rm", *option, "busybox", "true").exits(125).err
    assert "bind mount" in refused.lower()
    assert "volume" in refused


def test_health(engine: Engine) -> None:
    health = "{{json .State.Health.Status}}"
    options = ("--health-interval", "1s", "--health-retries", "1", "--health-timeout", "2s")
    command = ("busybox", "sh", "-c", "sleep 2; touch /ready; sleep 60")
    with engine.container("--health-cmd", "test -e /ready", "--health-start-period", "20s", *options, *command) as name:
        assert engine.docker.inspect(name, health) == "starting"
        eventually(lambda: engine.docker.inspect(name, health) == "healthy", 30)
        assert "(healthy)" in engine.docker("ps", "--filter", f"name={name}", "--format", "{{.Status}}").out
        engine.docker("exec", name, "rm", "/ready").ok()
        eventually(lambda: engine.docker.inspect(name, health) == "unhealthy", 30)


def test_no_health_check(engine: Engine) -> None:
    with engine.container("--no-healthcheck", "web") as name:
        assert engine.docker.inspect(name, "{{json .State.Health}}") is None


def test_labels_of_any_form(engine: Engine) -> None:
    labels = {"plain": "yes", "com.example/with.dots": "a b\nc", "UPPER_case": "ü" * 100, "empty": ""}
    options = [part for key, value in labels.items() for part in ("--label", f"{key}={value}")]
    with engine.container(*options, "busybox", "sleep", "60") as name:
        assert engine.docker.inspect(name, "{{json .Config.Labels}}") == labels
        found = engine.docker("ps", "-q", "--no-trunc", "--filter", f"name={name}", "--filter", "label=UPPER_case").out
        assert found == engine.docker.inspect(name, "{{json .Id}}")


def test_group_of_dns_options(engine: Engine) -> None:
    shown = said(engine, "--dns", "10.1.1.1", "--dns-search", "example.org", "busybox", "cat", "/etc/resolv.conf")
    assert "nameserver 10.1.1.1" in shown
    assert "search example.org" in shown


def test_no_command(engine: Engine) -> None:
    answer = engine.api("POST", "/containers/create", {"Image": "busybox", "Entrypoint": [""], "Cmd": []})
    assert (answer.status_code, answer.json()["message"]) == (400, "no command specified")

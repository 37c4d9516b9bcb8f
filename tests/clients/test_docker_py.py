"""docker-py, as its users use it."""

from __future__ import annotations

import docker as docker_py_module
import pytest
from docker import errors
from docker.types import Healthcheck, LogConfig, Mount

Client = docker_py_module.DockerClient


def test_run_returns_output_and_raises_on_failure(docker_py: Client) -> None:
    assert docker_py.containers.run("busybox", ["echo", "hello"], remove=True) == b"hello\n"
    with pytest.raises(errors.ContainerError) as failure:
        docker_py.containers.run("busybox", ["sh", "-c", "exit 3"], remove=True)
    assert failure.value.exit_status == 3


def test_life(docker_py: Client, name: str) -> None:
    one = docker_py.containers.run(
        "busybox", ["sh", "-c", "echo up; sleep 300"], name=name, detach=True, labels={"a": "b"}
    )
    assert (one.name, one.labels) == (name, {"a": "b"})
    one.reload()
    assert one.status == "running"
    assert docker_py.containers.get(one.id[:12]).id == one.id
    assert [found.name for found in docker_py.containers.list(filters={"label": "a=b"})] == [name]
    assert one.top()["Titles"]
    code, output = one.exec_run(["sh", "-c", "echo $X; exit 4"], environment={"X": "1"})
    assert (code, output) == (4, b"1\n")
    out, err = one.exec_run(["sh", "-c", "echo out; echo err >&2"], demux=True).output
    assert (out, err) == (b"out\n", b"err\n")
    one.kill()
    assert one.wait()["StatusCode"] == 137
    assert one.logs() == b"up\n"
    one.rename(f"{name}-2")
    one.start()
    one.stop(timeout=1)
    one.remove()
    with pytest.raises(errors.NotFound):
        docker_py.containers.get(one.id)


def test_streams(docker_py: Client, name: str) -> None:
    one = docker_py.containers.run("busybox", ["sh", "-c", "for i in 1 2 3; do echo $i; done"], name=name, detach=True)
    assert b"".join(one.logs(stream=True, follow=True)) == b"1\n2\n3\n"
    assert list(one.logs(stream=True, tail=1)) == [b"3\n"]
    assert one.logs(timestamps=True).count(b"Z ") == 3


def test_exec_over_a_socket(docker_py: Client, name: str) -> None:
    one = docker_py.containers.run("busybox", ["sleep", "300"], name=name, detach=True)
    socket = one.exec_run(["cat"], stdin=True, socket=True).output
    socket._sock.sendall(b"ping\n")
    assert b"ping\n" in socket._sock.recv(100)
    socket.close()


def test_create_with_many_options(docker_py: Client, name: str) -> None:
    docker_py.networks.create(f"{name}-net")
    one = docker_py.containers.create(
        "busybox",
        ["sleep", "300"],
        name=name,
        environment=["A=1"],
        hostname="hosty",
        mem_limit="64m",
        nano_cpus=250_000_000,
        network=f"{name}-net",
        ports={"80/tcp": None},
        restart_policy={"Name": "on-failure", "MaximumRetryCount": 2},
        mounts=[Mount("/data", f"{name}-vol")],
        tmpfs={"/scratch": "size=1m"},
        healthcheck=Healthcheck(test=["CMD", "true"], interval=1_000_000_000),
        log_config=LogConfig(type="json-file", config={"max-size": "1m"}),
        user="1000:1000",
        working_dir="/tmp",
        stop_signal="SIGTERM",
        tty=True,
        stdin_open=True,
    )
    one.reload()
    config, host = one.attrs["Config"], one.attrs["HostConfig"]
    assert (config["Hostname"], config["User"], config["WorkingDir"], config["Tty"]) == (
        "hosty",
        "1000:1000",
        "/tmp",
        True,
    )
    assert "A=1" in config["Env"]
    assert (host["Memory"], host["NanoCpus"], host["Tmpfs"]) == (64 << 20, 250_000_000, {"/scratch": "size=1m"})
    assert host["RestartPolicy"] == {"Name": "on-failure", "MaximumRetryCount": 2}
    assert host["LogConfig"] == {"Type": "json-file", "Config": {"max-size": "1m"}}
    assert list(one.attrs["NetworkSettings"]["Networks"]) == [f"{name}-net"]


def test_images_volumes_and_networks(docker_py: Client, name: str) -> None:
    image = docker_py.images.pull("busybox", tag="latest")
    assert "busybox:latest" in image.tags
    with pytest.raises(errors.ImageNotFound):
        docker_py.images.get("d2k-no-such-image")
    with pytest.raises(errors.ImageNotFound):
        docker_py.containers.run("d2k-no-such-image")
    volume = docker_py.volumes.create(name, labels={"a": "b"})
    assert docker_py.volumes.get(name).attrs["Labels"] == {"a": "b"}
    volume.remove()
    network = docker_py.networks.create(name, driver="bridge")
    one = docker_py.containers.run("busybox", ["sleep", "300"], detach=True, name=name)
    network.connect(one, aliases=["x"])
    network.reload()
    assert [member.name for member in network.containers] == [name]
    network.disconnect(one)
    network.remove()


def test_info_version_and_ping(docker_py: Client) -> None:
    assert docker_py.ping() is True
    assert docker_py.version()["ApiVersion"] == "1.51"
    assert docker_py.info()["OSType"] == "linux"


def test_prune(docker_py: Client, name: str) -> None:
    one = docker_py.containers.create("busybox", ["true"], name=name)
    assert docker_py.containers.prune()["ContainersDeleted"] == [one.id]
    assert docker_py.containers.prune()["ContainersDeleted"] is None
    docker_py.networks.create(name)
    assert docker_py.networks.prune()["NetworksDeleted"] == [name]
    assert docker_py.volumes.prune()["VolumesDeleted"] in (None, [])

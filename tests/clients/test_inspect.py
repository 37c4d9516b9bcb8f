"""inspect gives back what was sent, and looks as the real engine's."""

from __future__ import annotations

from typing import Any

from harness.cli import Docker
from harness.http import Api
from harness.subject import Subject

# A create request with every field set to something that Kubernetes or d2k accepts.
FLAGS = (
    "--add-host", "far.away:10.9.8.7",
    "--annotation", "com.example.note=1",
    "--cap-add", "NET_ADMIN",
    "--cap-drop", "CHOWN",
    "--cpu-shares", "512",
    "--cpus", "0.5",
    "--dns", "10.1.1.1",
    "--dns-option", "ndots:1",
    "--dns-search", "example.org",
    "--entrypoint", "/bin/sleep",
    "--env", "A=1",
    "--expose", "81/udp",
    "--group-add", "4321",
    "--health-cmd", "true",
    "--health-interval", "5s",
    "--hostname", "hosty",
    "--interactive",
    "--label", "com.example/of=test",
    "--log-opt", "max-size=1m",
    "--memory", "64m",
    "--memory-reservation", "32m",
    "--memory-swap", "64m",
    "--mount", "type=tmpfs,destination=/tmpfs",
    "--oom-score-adj", "100",
    "--publish", "28471:80",
    "--read-only",
    "--restart", "on-failure:3",
    "--security-opt", "no-new-privileges",
    "--shm-size", "32m",
    "--stop-signal", "SIGTERM",
    "--stop-timeout", "5",
    "--tmpfs", "/scratch:size=1m",
    "--tty",
    "--ulimit", "nofile=1024:1024",
    "--user", "1000:1000",
    "--volume", "d2k-t-inspect:/data:ro",
    "--workdir", "/tmp",
)  # fmt: skip

# Path in the document → why it may differ. A path stands for everything below it.
DIFFERENT = {
    "Created": "a time",
    "GraphDriver": "the node's storage is Kubernetes' matter: no paths",
    "HostConfig.CgroupnsMode": "each engine's default: the host's where control groups are of version 1",
    "HostConfig.Runtime": "each engine's default",
    "HostnamePath": "a file on the engine's host",
    "HostsPath": "a file on the engine's host",
    "Id": "random",
    "Image": "the digest of the configuration: the two may pull from different registries",
    "LogPath": "a file on the engine's host",
    "Mounts.0.Source": "a path on the engine's host",
    "NetworkSettings.EndpointID": "random",
    "NetworkSettings.Gateway": "the Pod network's is not known",
    "NetworkSettings.IPAddress": "the Pod's",
    "NetworkSettings.IPPrefixLen": "the Pod network's is not known",
    "NetworkSettings.MacAddress": "random",
    "NetworkSettings.Networks.bridge.EndpointID": "random",
    "NetworkSettings.Networks.bridge.Gateway": "the Pod network's is not known",
    "NetworkSettings.Networks.bridge.IPAddress": "the Pod's",
    "NetworkSettings.Networks.bridge.IPPrefixLen": "the Pod network's is not known",
    "NetworkSettings.Networks.bridge.MacAddress": "random",
    "NetworkSettings.Networks.bridge.NetworkID": "each engine's own",
    "NetworkSettings.Ports.80/tcp": "the load balancer's address, and no second binding for IPv6",
    "NetworkSettings.SandboxID": "random",
    "NetworkSettings.SandboxKey": "a path on the engine's host",
    "ResolvConfPath": "a file on the engine's host",
    "State.Health": "times, and how far the checks are",
    "State.Pid": "the node's process number is not known",
    "State.StartedAt": "a time",
}  # fmt: skip

# Those that are the same when both engines pull from one registry, look at one moment, or have the same defaults.
SOMETIMES = {"HostConfig.CgroupnsMode", "HostConfig.Runtime", "Image", "State.Health"}


def flat(value: Any, path: str = "") -> dict[str, Any]:
    """Return a document as paths and plain values; empty lists and mappings are values."""
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    found: dict[str, Any] = {}
    for key, below in items:
        found.update(flat(below, f"{path}.{key}" if path else str(key)))
    return found or {path: value}


def differing(one: Any, other: Any) -> tuple[list[str], list[str]]:
    """Return the paths at which two documents differ and that no reason covers, and the reasons that cover nothing."""
    left, right = flat(one), flat(other)
    missing = object()
    paths = sorted(path for path in left | right if left.get(path, missing) != right.get(path, missing))
    covered = {path: [known for known in DIFFERENT if f"{path}.".startswith(f"{known}.")] for path in paths}
    used = {known for reasons in covered.values() for known in reasons}
    return [path for path in paths if not covered[path]], sorted(set(DIFFERENT) - used - SOMETIMES)


def test_inspect_of_thirty_flags_is_the_real_engines(under_test: Subject, reference: Docker) -> None:
    shown = []
    for docker in (under_test.docker, reference):
        docker("rm", "-f", "-v", "d2k-t-inspect")
        docker("run", "-d", "--name", "d2k-t-inspect", *FLAGS, "busybox", "300").ok()
        shown.append(docker.inspect("d2k-t-inspect"))
    reference("rm", "-f", "-v", "d2k-t-inspect").ok()
    reference("volume", "rm", "d2k-t-inspect").ok()
    own, real = flat(shown[0]), flat(shown[1])
    unlisted, unused = differing(*shown)
    told = {path: (own.get(path, "absent"), real.get(path, "absent")) for path in unlisted}
    assert (told, unused) == ({}, [])


def test_the_create_request_comes_back(docker: Docker, api: Api, name: str) -> None:
    docker("create", "--name", name, *FLAGS, "busybox", "300").ok()
    first = api("GET", f"/containers/{name}/json").json()
    # What inspect gives is a create request again: that is how Portainer duplicates a container.
    body = {**first["Config"], "HostConfig": first["HostConfig"]}
    again = api("POST", "/containers/create", body, name=f"{name}-again")
    assert again.status_code == 201, again.text
    second = api("GET", f"/containers/{name}-again/json").json()
    assert (second["Config"], second["HostConfig"]) == (first["Config"], first["HostConfig"])
    assert first["HostConfig"]["Ulimits"] == [{"Name": "nofile", "Hard": 1024, "Soft": 1024}]


def test_fields_that_d2k_does_not_know_come_back(api: Api, name: str) -> None:
    body = {
        "Image": "busybox",
        "Cmd": ["true"],
        "HostConfig": {"BlkioWeight": 300, "PidsLimit": 50, "CpusetCpus": "0", "Init": True},
    }
    created = api("POST", "/containers/create", body, name=name)
    assert created.status_code == 201
    assert len(created.json()["Warnings"]) == 4
    host = api("GET", f"/containers/{name}/json").json()["HostConfig"]
    assert {key: host[key] for key in body["HostConfig"]} == body["HostConfig"]

"""Named and anonymous volumes."""

from __future__ import annotations

from harness.cli import Docker
from harness.cluster import Namespace
from harness.engine import Engine
from harness.http import Api, filters

from d2k.cluster.resources import CLAIMS


def test_a_volume_keeps_its_content(engine: Engine) -> None:
    volume = engine.name()
    engine.docker("run", "--rm", "-v", f"{volume}:/data", "busybox", "sh", "-c", "echo kept > /data/file").ok()
    assert engine.docker("run", "--rm", "-v", f"{volume}:/data:ro", "busybox", "cat", "/data/file").ok().out == "kept"
    mount = f"type=volume,source={volume},target=/other,readonly"
    refused = engine.docker("run", "--rm", "--mount", mount, "busybox", "touch", "/other/x").exits(1)
    assert "Read-only file system" in refused.err + refused.out


def test_create_list_inspect_remove(engine: Engine) -> None:
    volume = engine.name()
    assert engine.docker("volume", "create", "--label", "a=b", volume).ok().out == volume
    assert engine.docker("volume", "create", volume).ok().out == volume
    shown = engine.docker("volume", "inspect", volume).ok().json[0]
    assert (shown["Name"], shown["Driver"], shown["Labels"], shown["Scope"]) == (volume, "local", {"a": "b"}, "local")
    assert shown["Mountpoint"]
    assert volume in engine.docker("volume", "ls", "-q").ok().lines
    assert engine.docker("volume", "rm", volume).ok().out == volume
    assert engine.docker("volume", "inspect", volume).exits(1).err.endswith(f"get {volume}: no such volume")
    assert engine.api("DELETE", f"/volumes/{volume}").status_code == 404
    assert engine.docker("volume", "rm", "-f", volume).code == 0


def test_filters(engine: Engine) -> None:
    used, free = engine.name() + "-used", engine.name() + "-free"
    engine.docker("volume", "create", "--label", f"of={engine.prefix}", free).ok()
    with engine.container("-v", f"{used}:/data", "busybox", "sleep", "60"):

        def listed(**given: list[str]) -> list[str]:
            given.setdefault("name", [engine.prefix])
            shown = engine.api("GET", "/volumes", filters=filters(**given)).json()["Volumes"] or []
            return sorted(volume["Name"] for volume in shown)

        assert listed() == sorted([used, free])
        assert listed(dangling=["true"]) == [free]
        assert listed(dangling=["false"]) == [used]
        assert listed(label=[f"of={engine.prefix}"]) == [free]
        assert listed(driver=["local"]) == sorted([used, free])
        assert engine.api("GET", "/volumes", filters=filters(nothing=["x"])).status_code == 400


def test_a_volume_is_a_claim(docker: Docker, namespace: Namespace, name: str) -> None:
    docker("volume", "create", name).ok()
    docker("volume", "create", "--opt", "size=5Gi", f"{name}-big").ok()

    def claims() -> list[tuple[str, list[str]]]:
        # One that is used goes a little after its Pod, also one of an earlier test.
        living = [claim for claim in namespace.all(CLAIMS) if "deletionTimestamp" not in claim["metadata"]]
        specs = [claim["spec"] for claim in living]
        return sorted((spec["resources"]["requests"]["storage"], spec["accessModes"]) for spec in specs)

    assert claims() == [("1Gi", ["ReadWriteOnce"]), ("5Gi", ["ReadWriteOnce"])]
    docker("volume", "rm", name, f"{name}-big").ok()
    assert claims() == []


def test_a_volume_in_use_stays(engine: Engine) -> None:
    volume = engine.name()
    with engine.container("-v", f"{volume}:/data", "busybox", "sleep", "60") as name:
        identity = engine.docker.inspect(name, "{{json .Id}}")
        answer = engine.api("DELETE", f"/volumes/{volume}")
        assert answer.status_code == 409
        assert answer.json()["message"] == f"remove {volume}: volume is in use - [{identity}]"
        [mount] = engine.docker.inspect(name, "{{json .Mounts}}")
        assert (mount["Type"], mount["Name"], mount["Destination"], mount["RW"]) == ("volume", volume, "/data", True)


def test_anonymous_volumes_go_with_rm_v(engine: Engine) -> None:
    name = engine.name()
    engine.docker("run", "-d", "--name", name, "-v", "/data", "busybox", "sleep", "60").ok()
    [mount] = engine.docker.inspect(name, "{{json .Mounts}}")
    assert len(mount["Name"]) == 64
    engine.docker("rm", "-f", "-v", name).ok()
    assert engine.api("GET", f"/volumes/{mount['Name']}").status_code == 404


def test_anonymous_volumes_of_the_image_stay_without_v(engine: Engine) -> None:
    name = engine.name()
    engine.docker("run", "-d", "--name", name, "web").ok()
    [mount] = engine.docker.inspect(name, "{{json .Mounts}}")
    assert mount["Destination"] == "/data"
    engine.docker("rm", "-f", name).ok()
    assert engine.api("GET", f"/volumes/{mount['Name']}").status_code == 200
    engine.docker("volume", "rm", mount["Name"]).ok()


def test_volumes_from(engine: Engine) -> None:
    volume = engine.name()
    with engine.container("-v", f"{volume}:/data", "busybox", "sh", "-c", "echo x > /data/f; sleep 60") as name:
        script = "until test -e /data/f; do sleep 0.1; done; cat /data/f"
        ran = engine.docker("run", "--rm", "--volumes-from", name, "busybox", "sh", "-c", script)
        assert ran.ok().out == "x"


def test_prune(docker: Docker, api: Api, name: str) -> None:
    docker("volume", "create", f"{name}-named").ok()
    docker("create", "--name", name, "-v", "/data", "busybox", "true").ok()
    anonymous = docker.inspect(name, "{{json .Mounts}}")[0]["Name"]
    docker("rm", name).ok()
    assert docker("volume", "prune", "-f").ok().lines[:2] == ["Deleted Volumes:", anonymous]
    assert [volume["Name"] for volume in api("GET", "/volumes").json()["Volumes"]] == [f"{name}-named"]
    assert f"{name}-named" in docker("volume", "prune", "-a", "-f").ok().out
    assert api("GET", "/volumes").json()["Volumes"] == []

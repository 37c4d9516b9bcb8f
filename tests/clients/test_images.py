"""pull, images, inspect, tag, rmi."""

from __future__ import annotations

from harness.cli import Docker
from harness.engine import Engine
from harness.http import Api, filters


def test_pull_shows_progress_and_ends(docker: Docker) -> None:
    docker("rmi", "alpine").ok()
    ran = docker("pull", "alpine").ok()
    assert ran.lines[0] == "Using default tag: latest"
    assert ran.lines[1] == "latest: Pulling from library/alpine"
    assert ran.lines[-2].startswith("Status: ")
    assert ran.lines[-1] == "docker.io/library/alpine:latest"
    assert any(line.startswith("Digest: sha256:") for line in ran.lines)
    assert "Image is up to date for alpine:latest" in docker("pull", "alpine").ok().out


def test_pull_of_a_missing_image(docker: Docker, api: Api) -> None:
    refused = docker("pull", "d2k-no-such-image").exits(1).err
    assert "pull access denied for d2k-no-such-image" in refused or "not found" in refused
    refused = docker("pull", "busybox:no-such-tag").exits(1).err
    assert "manifest for busybox:no-such-tag not found: manifest unknown" in refused
    answer = api("POST", "/images/create", fromImage="busybox", tag="no-such-tag")
    assert answer.status_code == 404


def test_create_with_an_image_that_is_not_known(engine: Engine) -> None:
    answer = engine.api("POST", "/containers/create", {"Image": "d2k-no-such-image", "Cmd": ["true"]})
    assert (answer.status_code, answer.json()) == (404, {"message": "No such image: d2k-no-such-image:latest"})


def test_images_and_their_filters(docker: Docker, api: Api) -> None:
    assert {"busybox:latest", "web:latest"} <= set(docker("images", "--format", "{{.Repository}}:{{.Tag}}").ok().lines)
    [web] = api("GET", "/images/json", filters=filters(reference=["web"])).json()
    assert web["RepoTags"] == ["web:latest"]
    assert web["Id"].startswith("sha256:")
    assert web["Size"] > 0
    listed = api("GET", "/images/json", filters=filters(label=["org.opencontainers.image.title"])).json()
    assert [image["RepoTags"] for image in listed] == [["web:latest"]]
    assert api("GET", "/images/json", filters=filters(dangling=["true"])).json() == []
    assert api("GET", "/images/json", filters=filters(nothing=["x"])).status_code == 400


def test_inspect_tells_what_the_image_says(engine: Engine) -> None:
    config = engine.docker.inspect("web", "{{json .Config}}")
    assert config["Cmd"] == ["httpd", "-f", "-p", "80", "-h", "/var/www"]
    assert config["ExposedPorts"] == {"80/tcp": {}}
    assert config["Volumes"] == {"/data": {}}
    assert config["WorkingDir"] == "/var/www"
    assert config["Healthcheck"]["Retries"] == 2
    image = engine.api("GET", "/images/entry/json").json()
    assert image["Config"]["Entrypoint"] == ["echo", "entry:"]
    assert (image["Os"], image["RepoTags"]) == ("linux", ["entry:latest"])
    for reference in (image["Id"], image["Id"].removeprefix("sha256:"), image["Id"][7:19], "docker.io/library/entry"):
        assert engine.api("GET", f"/images/{reference}/json").json()["Id"] == image["Id"], reference
    missing = engine.api("GET", "/images/d2k-no-such/json")
    assert (missing.status_code, missing.json()) == (404, {"message": "No such image: d2k-no-such:latest"})


def test_tag_and_rmi(engine: Engine) -> None:
    tag = f"{engine.prefix}:1"
    engine.docker("tag", "busybox", tag).ok()
    assert engine.docker.inspect(tag, "{{json .Id}}") == engine.docker.inspect("busybox", "{{json .Id}}")
    assert engine.docker("run", "--rm", tag, "echo", "tagged").ok().out == "tagged"
    with engine.container(tag, "sleep", "60") as name:
        assert engine.docker.inspect(name, "{{json .Config.Image}}") == tag
    assert engine.docker("rmi", tag).ok().lines == [f"Untagged: {tag}"]
    assert f"No such image: {tag}" in engine.docker("rmi", tag).exits(1).err


def test_an_image_in_use_stays(docker: Docker, name: str) -> None:
    docker("create", "--name", name, "alpine", "true").ok()
    refused = docker("rmi", "alpine").exits(1).err
    assert "conflict: unable to remove repository reference" in refused
    docker("rm", name).ok()


def test_what_an_image_ran_stays_what_it_was(docker: Docker, name: str) -> None:
    docker("run", "-d", "--name", name, "busybox", "sleep", "60").ok()
    assert docker.inspect(name, "{{json .Image}}") == docker.inspect("busybox", "{{json .Id}}")

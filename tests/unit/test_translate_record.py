from container_samples import CREATED, ID, IMAGE, KEY, RUNNING, container, image_with, pod, running

from d2k.translate import annotations as marks
from d2k.translate.record import Exit, is_gated, main_status

SPEC = {
    "Image": "web:1",
    "Tty": True,
    "Labels": {"a": "mine"},
    "HostConfig": {"AutoRemove": True, "Binds": ["data:/data"]},
}


def test_a_container_reads_back_what_create_wrote():
    found = container(SPEC, image=image_with(Cmd=["sh"], Labels={"a": "image", "b": "image"}))
    expected = {
        "id": ID,
        "key": KEY,
        "name": "front",
        "object_name": "front",
        "created": CREATED,
        "spec": SPEC,
        "host_config": SPEC["HostConfig"],
        "labels": {"a": "mine", "b": "image"},
        "networks": {"bridge": {"NetworkID": "f" * 64}},
        "run": 0,
        "desired": "created",
        "exit": None,
        "stop": {},
        "replicas": 0,
        "fallback": False,
        "restart_policy": "no",
        "gated": True,
        "auto_remove": True,
        "tty": True,
        "pod": None,
        "ordered_pods": [],
        "waiting_pod": None,
    }
    assert {name: getattr(found, name) for name in expected} == expected
    assert found.image == image_with(Cmd=["sh"], Labels={"a": "image", "b": "image"})
    assert [mount["Claim"] for mount in found.mounts] == ["claim-data"]


def test_a_container_in_its_second_run():
    end = Exit(1, 3, oom_killed=True, started_at="a", finished_at="b", error="c", restart_count=2)
    spec = {"HostConfig": {"RestartPolicy": {"Name": "always"}}}
    found = running(spec, run=2, desired="stopped", stop={"Grace": 5}, end=end, notes={marks.FALLBACK: "true"})
    assert (found.run, found.desired, found.stop, found.exit) == (2, "stopped", {"Grace": 5}, end)
    assert (found.restart_policy, found.gated, found.fallback, found.replicas) == ("always", False, True, 1)
    assert found.image == IMAGE


def test_an_exit_round_trip():
    end = Exit(7, 137, oom_killed=True, started_at="a", finished_at="b", error="c", restart_count=2)
    assert Exit.from_document(end.document()) == end
    assert set(end.document()) == {
        "Run",
        "ExitCode",
        "OOMKilled",
        "StartedAt",
        "FinishedAt",
        "Error",
        "RestartCount",
    }


def test_gates_and_statuses():
    assert is_gated(pod(gated=True)) is True
    assert is_gated(pod(state=RUNNING)) is False
    assert main_status(pod(state=RUNNING)) == {"name": "main", "state": RUNNING, "restartCount": 0}
    assert main_status(pod(main=False)) is None
    assert main_status({"metadata": {}, "spec": {}}) is None


def test_of_two_pods_made_in_one_second_the_one_that_started_later_counts():
    first, second = pod("pod-a", state=RUNNING), pod("pod-b", state=RUNNING)
    first["status"]["startTime"] = "2026-01-02T03:05:00Z"
    second["status"]["startTime"] = "2026-01-02T03:05:01Z"
    assert running(pods=[second, first]).pod == second
    del second["status"]["startTime"]
    assert running(pods=[second, first]).pod == second

"""Containers, Pods and Services as the cluster holds them, for the tests of pure modules."""

from d2k.config import Config
from d2k.translate import annotations as marks
from d2k.translate import mounts, workload
from d2k.translate.labels import CONTAINER, container_label
from d2k.translate.record import GATE, Container
from d2k.translate.times import parse_rfc3339

ID = "0123456789abcdef" * 4
KEY = ID[:63]
CREATED = "2026-01-02T03:04:05.678901234Z"
STARTED = "2026-01-02T03:05:00Z"
FINISHED = "2026-01-02T03:06:00Z"
# What the API server writes for a deletion with ten seconds' grace, asked for a second before and after the end.
BEFORE_END, AFTER_END = "2026-01-02T03:06:09Z", "2026-01-02T03:06:11Z"
NOW = parse_rfc3339("2026-01-02T03:07:00Z")
PINNED = "docker.io/library/web@sha256:" + "2" * 64
IMAGE = {
    "Id": "sha256:" + "1" * 64,
    "Reference": "web:1",
    "Pinned": PINNED,
    "Config": {"Cmd": ["sh"], "Env": ["PATH=/bin"]},
}
OPEN = Config(allow_privileged=True, allow_host_namespaces=True, bind_mounts="hostpath")


def image_with(**config):
    return {**IMAGE, "Config": config}


def draft(spec, *, image=IMAGE, name="front", config=OPEN, **fields):
    """A draft whose volumes are named after their place."""
    documents = []
    for mount in mounts.requested(spec, (image["Config"].get("Volumes") or {}), config):
        name_of_volume = mount.name or f"anonymous{mount.destination.replace('/', '-')}"
        claim = f"claim-{name_of_volume}" if mount.type == "volume" else ""
        documents.append(mounts.described(mount, claim, name_of_volume))
    settings = {
        "id": ID,
        "name": name,
        "object_name": name,
        "created": CREATED,
        "spec": spec,
        "image": image,
        "mounts": documents,
        "networks": {"bridge": {"NetworkID": "f" * 64}},
    }
    return workload.Draft(**{**settings, **fields})


def container(spec=None, *, pods=(), services=(), notes=None, status=None, replicas=0, config=OPEN, **fields):
    """A container as d2k wrote it, with further annotations."""
    document, _ = workload.deployment(draft({"Image": "web:1", **(spec or {})}, config=config, **fields), config)
    document["metadata"] |= {"uid": "deployment-uid", "resourceVersion": "1", "generation": 1}
    document["metadata"]["annotations"] |= notes or {}
    document["spec"]["replicas"] = replicas
    if status is not None:
        document["status"] = status
    return Container(document, list(pods), list(services))


def running(spec=None, *, run=1, desired="running", stop=None, end=None, notes=None, **fields):
    """A container that was started `run` times."""
    extra = {marks.RUN: str(run), marks.DESIRED: desired}
    if stop is not None:
        extra[marks.STOP] = marks.encode(stop)
    if end is not None:
        extra[marks.EXIT] = marks.encode(end.document())
    return container(spec, notes={**extra, **(notes or {})}, replicas=1, **fields)


def pod(
    name="pod-a",
    *,
    run="1",
    gated=False,
    state=None,
    last=None,
    restarts=0,
    phase="Running",
    conditions=(),
    deleting="",
    created="2026-01-02T03:04:59Z",
    deadline=None,
    ready=None,
    message="",
    main=True,
):
    """A Pod of the container; `state` and `last` are the main container's."""
    annotations = {marks.ID: ID, marks.NAME: "front"} | ({marks.RUN: run} if run else {})
    document = {
        "metadata": {
            "name": name,
            "uid": f"uid-{name}",
            "resourceVersion": "10",
            "creationTimestamp": created,
            "labels": {CONTAINER: container_label(ID)},
            "annotations": annotations,
        },
        "spec": {"terminationGracePeriodSeconds": 10, "containers": [{"name": "main"}]},
        "status": {"phase": "Pending" if gated else phase, "podIP": "10.1.2.3", "hostIP": "192.0.2.7"},
    }
    if gated:
        document["spec"]["schedulingGates"] = [{"name": GATE}]
        del document["metadata"]["annotations"][marks.RUN]
        document["status"] = {"phase": "Pending"}
        return document
    if deleting:
        document["metadata"] |= {"deletionTimestamp": deleting, "deletionGracePeriodSeconds": 10}
    if deadline:
        document["spec"]["activeDeadlineSeconds"] = deadline
    status = {"name": "main", "state": state or {}, "restartCount": restarts}
    if last:
        status["lastState"] = last
    if ready is not None:
        status["ready"] = ready
    other = {"name": "sidecar", "state": {"running": {"startedAt": STARTED}}}
    document["status"] |= {"conditions": list(conditions), "containerStatuses": [other, *([status] if main else [])]}
    if message:
        document["status"]["message"] = message
    return document


RUNNING = {"running": {"startedAt": STARTED}}
TAKEN = ({"type": "DisruptionTarget", "status": "True", "reason": "EvictionByEvictionAPI"},)


def ended(code=0, reason="Completed", message=""):
    """A terminated state."""
    found = {"exitCode": code, "reason": reason, "startedAt": STARTED, "finishedAt": FINISHED}
    return {"terminated": found | ({"message": message} if message else {})}


def waiting(reason, message=""):
    """A waiting state."""
    return {"waiting": {"reason": reason} | ({"message": message} if message else {})}

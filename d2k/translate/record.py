"""One container as the cluster holds it: a Deployment, its Pods and its Services."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property, wraps
from typing import Any, TypeVar

from d2k.translate import annotations as marks
from d2k.translate.labels import CONTAINER

Object = dict[str, Any]
Value = TypeVar("Value")

MAIN = "main"
GATE = "d2k.io/start"

CREATED, RUNNING, STOPPED, REMOVING = "created", "running", "stopped", "removing"


@dataclass(frozen=True)
class Exit:
    """How a container's last run ended; `run` is the run's number."""

    run: int
    exit_code: int
    oom_killed: bool = False
    started_at: str = ""
    finished_at: str = ""
    error: str = ""
    restart_count: int = 0

    def document(self) -> Object:
        """Return the annotation's document."""
        return {
            "Run": self.run,
            "ExitCode": self.exit_code,
            "OOMKilled": self.oom_killed,
            "StartedAt": self.started_at,
            "FinishedAt": self.finished_at,
            "Error": self.error,
            "RestartCount": self.restart_count,
        }

    @classmethod
    def from_document(cls, document: Object) -> Exit:
        """Read the annotation's document."""
        return cls(
            run=document["Run"],
            exit_code=document["ExitCode"],
            oom_killed=document["OOMKilled"],
            started_at=document["StartedAt"],
            finished_at=document["FinishedAt"],
            error=document["Error"],
            restart_count=document["RestartCount"],
        )


@dataclass(frozen=True)
class Request:
    """The decoded, unchanging part of a container: what create was asked for and what it resolved."""

    spec: Object
    image: Object
    mounts: list[Object]


# Decoding a spec costs more than all else that `ps` does with a container; the documents never change under one key.
_DECODED: dict[tuple[str, str, str, str], Request] = {}
_DECODED_LIMIT = 4096


def _decoded(notes: dict[str, str]) -> Request:
    key = (notes[marks.ID], notes[marks.SPEC], notes[marks.IMAGE], notes[marks.MOUNTS])
    request = _DECODED.get(key)
    if request is None:
        request = Request(*(marks.decode(text) for text in key[1:]))
        if len(_DECODED) >= _DECODED_LIMIT:
            _DECODED.clear()
        _DECODED[key] = request
    return request


@dataclass(frozen=True)
class Container:
    """A container at one moment: nothing here changes when the cluster does."""

    deployment: Object
    pods: list[Object] = field(default_factory=list)
    services: list[Object] = field(default_factory=list)
    # What functions marked `once` have computed from this container.
    derived: dict[Any, Any] = field(default_factory=dict, init=False, repr=False, compare=False)

    @cached_property
    def notes(self) -> dict[str, str]:
        """The Deployment's annotations."""
        notes: dict[str, str] = self.deployment["metadata"]["annotations"]
        return notes

    @property
    def id(self) -> str:
        """The 64 hex digits of Docker's id."""
        return self.notes[marks.ID]

    @property
    def key(self) -> str:
        """The value of the label that all objects of this container carry."""
        return str(self.deployment["metadata"]["labels"][CONTAINER])

    @property
    def name(self) -> str:
        """Docker's name, without a leading slash."""
        return self.notes[marks.NAME]

    @property
    def object_name(self) -> str:
        """The Deployment's name."""
        return str(self.deployment["metadata"]["name"])

    @property
    def owner_reference(self) -> Object:
        """The reference that lets an object go with the container's Deployment."""
        uid = self.deployment["metadata"]["uid"]
        return {"apiVersion": "apps/v1", "kind": "Deployment", "name": self.object_name, "uid": uid}

    @property
    def created(self) -> str:
        """When create was called (RFC 3339, nanoseconds)."""
        return self.notes[marks.CREATED]

    @cached_property
    def _request(self) -> Request:
        return _decoded(self.notes)

    @property
    def spec(self) -> Object:
        """The create request: the fields of Docker's Config, with HostConfig and NetworkingConfig. Do not change it."""
        return self._request.spec

    @property
    def host_config(self) -> Object:
        """HostConfig of the create request. Do not change it."""
        host_config: Object = self.spec.get("HostConfig") or {}
        return host_config

    @cached_property
    def labels(self) -> dict[str, str]:
        """The user's labels, those of the image included."""
        config = self.image.get("Config") or {}
        labels: dict[str, str] = {**(config.get("Labels") or {}), **(self.spec.get("Labels") or {})}
        return labels

    @property
    def image(self) -> Object:
        """What the image was at create: Id, Reference (as asked for), Pinned (as in the Pod) and its config."""
        return self._request.image

    @property
    def mounts(self) -> list[Object]:
        """The mounts as create resolved them: Type, Name, Destination, RW, … as in Docker's `Mounts`, and Claim."""
        return self._request.mounts

    @cached_property
    def networks(self) -> dict[str, Object]:
        """The networks that the container is connected to now: name → endpoint settings (NetworkID, Aliases, …)."""
        networks: dict[str, Object] = marks.decode(self.notes.get(marks.NETWORKS, "{}"))
        return networks

    @property
    def run(self) -> int:
        """How often the container was started."""
        return int(self.notes.get(marks.RUN, "0"))

    @property
    def desired(self) -> str:
        """What the user last asked for: created, running, stopped or removing."""
        return self.notes.get(marks.DESIRED, CREATED)

    @cached_property
    def exit(self) -> Exit | None:
        """How the last run that ended did so."""
        text = self.notes.get(marks.EXIT)
        return Exit.from_document(marks.decode(text)) if text else None

    @cached_property
    def stop(self) -> Object:
        """How the user wants the current run ended; empty while nobody does."""
        stop: Object = marks.decode(self.notes.get(marks.STOP, "{}"))
        return stop

    @property
    def replicas(self) -> int:
        """How many Pods the Deployment asks for: 0 or 1."""
        return int(self.deployment["spec"].get("replicas") or 0)

    @property
    def fallback(self) -> bool:
        """Whether the cluster dropped the container's restart policy, so that d2k must keep it from running again."""
        return marks.FALLBACK in self.notes

    @property
    def restart_policy(self) -> str:
        """The name of Docker's restart policy; `no` when none was given."""
        policy = self.host_config.get("RestartPolicy") or {}
        return str(policy.get("Name") or "no")

    @property
    def gated(self) -> bool:
        """Whether d2k decides when this container's process runs: policies no and on-failure."""
        return self.restart_policy in ("no", "on-failure")

    @property
    def auto_remove(self) -> bool:
        """Whether the container goes when its process ends (`--rm`)."""
        return bool(self.host_config.get("AutoRemove"))

    @property
    def tty(self) -> bool:
        """Whether the process has a terminal: output is then one raw stream."""
        return bool(self.spec.get("Tty"))

    @cached_property
    def pod(self) -> Object | None:
        """The Pod of the current run: the newest that may run or has run, not one that waits behind the gate."""
        candidates = [pod for pod in self.pods if not is_gated(pod)]
        return max(candidates, key=_age, default=None)

    @property
    def ordered_pods(self) -> list[Object]:
        """Every Pod that runs or ran, oldest first."""
        return sorted((pod for pod in self.pods if not is_gated(pod)), key=_age)

    @property
    def waiting_pod(self) -> Object | None:
        """The Pod that waits behind the gate."""
        waiting = [pod for pod in self.pods if is_gated(pod) and not pod["metadata"].get("deletionTimestamp")]
        return max(waiting, key=_age, default=None)


def once(derive: Callable[[Container], Value]) -> Callable[[Container], Value]:
    """Have a pure function of a container computed once for each Container; what it returns must not be changed."""

    @wraps(derive)
    def found(container: Container) -> Value:
        known: dict[Any, Value] = container.derived
        if derive not in known:
            known[derive] = derive(container)
        return known[derive]

    return found


def is_gated(pod: Object) -> bool:
    """Say whether the Pod waits for d2k to let it be scheduled."""
    return any(gate["name"] == GATE for gate in pod["spec"].get("schedulingGates") or ())


def main_status(pod: Object) -> Object | None:
    """Return the container status of the Docker container's process; None before the kubelet wrote one."""
    for status in (pod.get("status") or {}).get("containerStatuses") or ():
        if status["name"] == MAIN:
            found: Object = status
            return found
    return None


def _age(pod: Object) -> tuple[str, str, int]:
    meta = pod["metadata"]
    start = (pod.get("status") or {}).get("startTime") or "9999"
    return (meta["creationTimestamp"], start, int(meta.get("resourceVersion") or 0))

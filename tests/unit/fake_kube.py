"""A cluster in memory for the tests of services: what ClusterCache needs of KubeClient."""

from __future__ import annotations

import copy
from typing import Any

from d2k.cluster.cache import ClusterCache
from d2k.cluster.errors import KubeAlreadyExistsError, KubeConflictError, KubeNotFoundError
from d2k.cluster.resources import DEPLOYMENTS, PODS, Resource
from d2k.services.lookup import ContainerLookup
from d2k.translate import annotations as marks
from d2k.translate.labels import CONTAINER, owned

Object = dict[str, Any]


class FakeKube:
    """Objects by kind and name, with uids, resource versions and finalizers."""

    namespace = "ns"

    def __init__(self) -> None:
        self.objects: dict[tuple[str, str], Object] = {}
        self.calls: list[tuple[str, str, str]] = []
        self.version = 0

    def get(self, resource: Resource, name: str) -> Object:
        self.calls.append(("GET", resource.plural, name))
        return copy.deepcopy(self._stored(resource, name))

    def list_all(self, resource: Resource, _selector: str = "") -> Object:
        self.calls.append(("LIST", resource.plural, ""))
        return {"items": [copy.deepcopy(obj) for (kind, _), obj in self.objects.items() if kind == resource.plural]}

    def create(self, resource: Resource, body: Object) -> Object:
        name = body["metadata"]["name"]
        self.calls.append(("POST", resource.plural, name))
        if (resource.plural, name) in self.objects:
            raise KubeAlreadyExistsError(409, "AlreadyExists", f"{resource.plural} {name!r} already exists")
        return self._write(resource, name, copy.deepcopy(body), f"uid-{self.version + 1}")

    def patch(self, resource: Resource, name: str, patch: Object, _subresource: str = "") -> Object:
        self.calls.append(("PATCH", resource.plural, name))
        stored = self._stored(resource, name)
        self._check_version(stored, patch)
        return self._write(resource, name, _merge(stored, patch), stored["metadata"]["uid"])

    def replace(self, resource: Resource, name: str, body: Object) -> Object:
        self.calls.append(("PUT", resource.plural, name))
        stored = self._stored(resource, name)
        self._check_version(stored, body)
        return self._write(resource, name, copy.deepcopy(body), stored["metadata"]["uid"])

    def delete(self, resource: Resource, name: str, *, uid: str = "", **_options: Any) -> Object:
        self.calls.append(("DELETE", resource.plural, name))
        stored = self._stored(resource, name)
        if uid and stored["metadata"]["uid"] != uid:
            raise KubeConflictError(409, "Conflict", "the uid differs")
        if stored["metadata"].get("finalizers"):
            stored["metadata"]["deletionTimestamp"] = "2026-01-01T00:00:00Z"
            return self._write(resource, name, stored, stored["metadata"]["uid"])
        del self.objects[resource.plural, name]
        return {"kind": "Status", "status": "Success"}

    def _stored(self, resource: Resource, name: str) -> Object:
        if (resource.plural, name) not in self.objects:
            raise KubeNotFoundError(404, "NotFound", f"{resource.plural} {name!r} not found")
        return self.objects[resource.plural, name]

    def _check_version(self, stored: Object, body: Object) -> None:
        wanted = (body.get("metadata") or {}).get("resourceVersion")
        if wanted and wanted != stored["metadata"]["resourceVersion"]:
            raise KubeConflictError(409, "Conflict", "the object has been modified")

    def _write(self, resource: Resource, name: str, body: Object, uid: str) -> Object:
        self.version += 1
        body = {"kind": resource.kind, **copy.deepcopy(body)}
        body["metadata"] |= {"uid": uid, "resourceVersion": str(self.version)}
        self.objects[resource.plural, name] = body
        return copy.deepcopy(body)


def _merge(target: Any, patch: Any) -> Any:
    if not isinstance(patch, dict):
        return patch
    result = dict(target) if isinstance(target, dict) else {}
    for key, value in patch.items():
        if value is None:
            result.pop(key, None)
        else:
            result[key] = _merge(result.get(key), value)
    return result


class World:
    """A FakeKube behind a cache without watches, and containers in it."""

    def __init__(self, kube: FakeKube | None = None) -> None:
        self.kube = kube or FakeKube()
        self.cache = ClusterCache(self.kube)  # type: ignore[arg-type]
        self.lookup = ContainerLookup(self.cache)

    def container(self, digit: str, name: str, **parts: Any) -> str:
        """Make a container whose id is `digit` 64 times; an `ip` lets it run. Return its id."""
        identifier = digit * 64
        labels = {**owned("container"), CONTAINER: identifier[:63]}
        self.cache.create(DEPLOYMENTS, deployment(identifier, name, labels, **parts))
        if parts.get("ip"):
            self.cache.create(PODS, pod(name, labels, parts["ip"]))
        return identifier


def deployment(identifier: str, name: str, labels: Object, **parts: Any) -> Object:
    spec = {
        "Image": "busybox",
        "Hostname": parts.get("hostname", ""),
        "HostConfig": {
            "NetworkMode": parts.get("mode", "default"),
            "RestartPolicy": {"Name": "always"},
            **parts.get("host", {}),
        },
    }
    notes = {
        marks.ID: identifier,
        marks.NAME: name,
        marks.CREATED: f"2026-01-01T00:00:0{identifier[0]}Z",
        marks.SPEC: marks.encode(spec),
        marks.IMAGE: marks.encode({"Id": "sha256:1", "Config": {}}),
        marks.MOUNTS: marks.encode(parts.get("mounts", [])),
        marks.NETWORKS: marks.encode(parts.get("networks", {})),
        marks.RUN: "1" if parts.get("ip") else "0",
    }
    return {
        "metadata": {"name": name, "labels": labels, "annotations": notes},
        "spec": {"replicas": 1 if parts.get("ip") else 0, "template": {"spec": {}}},
    }


def pod(name: str, labels: Object, ip: str) -> Object:
    return {
        "metadata": {"name": f"{name}-pod", "labels": labels, "creationTimestamp": "2026-01-01T00:00:00Z"},
        "spec": {},
        "status": {
            "podIP": ip,
            "podIPs": [{"ip": ip}],
            "startTime": "2026-01-01T00:00:00Z",
            "containerStatuses": [{"name": "main", "state": {"running": {"startedAt": "2026-01-01T00:00:01Z"}}}],
        },
    }

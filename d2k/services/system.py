"""`docker version` and `docker info`: true figures, as far as d2k's permissions show them."""

from __future__ import annotations

import logging
import platform
from collections.abc import Callable
from typing import Any

import gunicorn

from d2k import __version__
from d2k.cluster.client import KubeClient
from d2k.cluster.errors import KubeError
from d2k.cluster.resources import QUOTAS
from d2k.config import Config
from d2k.services.clock import now_ns
from d2k.translate import capacity
from d2k.translate.ids import derived_id
from d2k.translate.times import SECOND, rfc3339
from d2k.versions import MAXIMUM, MINIMUM, dotted

Object = dict[str, Any]

log = logging.getLogger(__name__)

# Clients compare the server's version as numbers; this is the engine whose API d2k speaks.
ENGINE_VERSION = "28.5.2"
# What the cluster can hold changes rarely; asking for each `info` would not.
CAPACITY_SECONDS = 30


class System:
    """What d2k says of itself and of the cluster."""

    def __init__(
        self, client: KubeClient, config: Config, counts: Callable[[], dict[str, int]], images: Callable[[], int]
    ):
        """`counts` gives the containers by state, `images` the number of known images."""
        self._client = client
        self._config = config
        self._counts = counts
        self._images = images
        self._server: Object = {}
        self._namespace_uid = ""
        self._capacity = capacity.Capacity()
        self._capacity_at = 0

    def version(self) -> Object:
        """Return the answer of `GET /version`."""
        server = self._server_version()
        engine = {
            "Version": ENGINE_VERSION,
            "ApiVersion": dotted(MAXIMUM),
            "MinAPIVersion": dotted(MINIMUM),
            "GitCommit": f"d2k-{__version__}",
            "GoVersion": f"none (Python {platform.python_version()})",
            "Os": "linux",
            "Arch": _architecture(),
            "KernelVersion": platform.release(),
            "BuildTime": "",
        }
        details = {key: value for key, value in engine.items() if key != "Version"} | {"Experimental": "false"}
        return {
            "Platform": {"Name": f"d2k {__version__} on Kubernetes {server.get('gitVersion', '')}".strip()},
            "Components": [
                {"Name": "Engine", "Version": ENGINE_VERSION, "Details": details},
                {"Name": "d2k", "Version": __version__, "Details": {"Python": platform.python_version()}},
                {"Name": "Kubernetes", "Version": server.get("gitVersion", ""), "Details": {}},
                {"Name": "gunicorn", "Version": gunicorn.__version__, "Details": {}},
            ],
            **engine,
        }

    def info(self) -> Object:
        """Return the answer of `GET /info`."""
        counts = self._counts()
        running = counts.get("running", 0) + counts.get("restarting", 0)
        held = self._held()
        server = self._server_version()
        return {
            **_FIXED,
            "ID": self._identity(),
            "Name": f"d2k-{self._client.namespace}",
            "Containers": sum(counts.values()),
            "ContainersRunning": running,
            "ContainersPaused": 0,
            "ContainersStopped": sum(counts.values()) - running,
            "Images": self._images(),
            "DriverStatus": [
                ["Backend", "Kubernetes"],
                ["Namespace", self._client.namespace],
                ["Figures from", held.source],
            ],
            "SystemTime": rfc3339(now_ns()),
            "KernelVersion": held.kernel or platform.release(),
            "OperatingSystem": f"Kubernetes {server.get('gitVersion', '')} (d2k {__version__})",
            "OSVersion": "",
            "Architecture": held.architecture or platform.machine(),
            "NCPU": held.cpus,
            "MemTotal": held.memory,
            "Labels": [f"d2k.namespace={self._client.namespace}", f"d2k.publish={self._config.publish}"],
            "ServerVersion": ENGINE_VERSION,
            "Warnings": [],
        }

    def _identity(self) -> str:
        """Return an id that stays the same for as long as the namespace lives, whichever d2k serves it."""
        if not self._namespace_uid:
            try:
                found = self._client.raw("GET", f"/api/v1/namespaces/{self._client.namespace}")
                self._namespace_uid = str(found["metadata"]["uid"])
            except KubeError as error:
                log.warning("the API server does not tell of the namespace: %s", error)
        return derived_id("d2k", self._client.namespace, self._namespace_uid)

    def _server_version(self) -> Object:
        if not self._server:
            try:
                self._server = self._client.raw("GET", "/version")
            except KubeError as error:
                log.warning("the API server does not tell its version: %s", error)
        return self._server

    def _held(self) -> capacity.Capacity:
        now = now_ns()
        if now - self._capacity_at > CAPACITY_SECONDS * SECOND:
            self._capacity, self._capacity_at = self._measure(), now
        return self._capacity

    def _measure(self) -> capacity.Capacity:
        try:
            return capacity.of_nodes(self._client.raw("GET", "/api/v1/nodes")["items"])
        except KubeError as error:
            log.debug("nodes cannot be listed: %s", error)
        try:
            return capacity.of_quotas(self._client.list_all(QUOTAS)["items"])
        except KubeError as error:
            log.debug("quotas cannot be listed: %s", error)
        return capacity.Capacity()


def _architecture() -> str:
    return {"x86_64": "amd64", "aarch64": "arm64"}.get(platform.machine(), platform.machine())


_FIXED: Object = {
    "Driver": "overlay2",
    "Plugins": {
        "Volume": ["local"],
        "Network": ["bridge", "host", "null"],
        "Authorization": None,
        "Log": ["json-file"],
    },
    "MemoryLimit": True,
    "SwapLimit": False,
    "CpuCfsPeriod": True,
    "CpuCfsQuota": True,
    "CPUShares": True,
    "CPUSet": False,
    "PidsLimit": False,
    "IPv4Forwarding": True,
    "BridgeNfIptables": True,
    "BridgeNfIp6tables": True,
    "Debug": False,
    "NFd": 0,
    "OomKillDisable": False,
    "NGoroutines": 0,
    "LoggingDriver": "json-file",
    "CgroupDriver": "none",
    "CgroupVersion": "2",
    "NEventsListener": 0,
    "OSType": "linux",
    "IndexServerAddress": "https://index.docker.io/v1/",
    "RegistryConfig": {
        "IndexConfigs": {"docker.io": {"Name": "docker.io", "Mirrors": [], "Secure": True, "Official": True}},
        "InsecureRegistryCIDRs": ["127.0.0.0/8"],
        "Mirrors": [],
    },
    "GenericResources": None,
    "DockerRootDir": "/var/lib/docker",
    "HttpProxy": "",
    "HttpsProxy": "",
    "NoProxy": "",
    "ExperimentalBuild": False,
    "Runtimes": {"runc": {"path": "runc"}},
    "DefaultRuntime": "runc",
    "Swarm": {
        "NodeID": "",
        "NodeAddr": "",
        "LocalNodeState": "inactive",
        "ControlAvailable": False,
        "Error": "",
        "RemoteManagers": None,
    },
    "LiveRestoreEnabled": True,
    "Isolation": "",
    "InitBinary": "",
    "ContainerdCommit": {"ID": ""},
    "RuncCommit": {"ID": ""},
    "InitCommit": {"ID": ""},
    "SecurityOptions": [],
    "CDISpecDirs": [],
}

"""The cluster of the tests: which one it is, and a namespace on it in which d2k has no more than its shipped Role."""

from __future__ import annotations

import importlib.util
import secrets
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

import kubernetes.config

from d2k.cluster.client import KubeClient
from d2k.cluster.errors import KubeError, KubeNotFoundError
from d2k.cluster.resources import Resource
from harness.waits import eventually

Object = dict[str, Any]

ROOT = Path(__file__).resolve().parents[2]
ROLES = Resource("rbac.authorization.k8s.io/v1", "Role", "roles")
ACCOUNTS = Resource("v1", "ServiceAccount", "serviceaccounts")
CLUSTER_TIMEOUT = 120.0


@dataclass(frozen=True)
class Cluster:
    """A cluster that answers, as its administrator sees it. `kubeconfig` holds one current context."""

    kubeconfig: Path
    context: str


def find(environment: dict[str, str]) -> Cluster | str:
    """Return the cluster that D2K_KUBECONFIG names, else the kubeconfig's current context, else why there is none."""
    named = environment.get("D2K_KUBECONFIG", "")
    file = named or environment.get("KUBECONFIG", "").partition(":")[0] or str(Path.home() / ".kube" / "config")
    if not Path(file).is_file():
        return f"D2K_KUBECONFIG={named} is no file" if named else f"there is no kubeconfig at {file}"
    try:
        context = kubernetes.config.list_kube_config_contexts(file)[1]["name"]
    except (kubernetes.config.ConfigException, KeyError, TypeError) as error:
        return f"{file} names no cluster: {error}"
    try:
        KubeClient(file, "default").raw("GET", "/version")
    except KubeError as error:
        return f"the cluster of context {context} does not answer: {error.message}"
    return Cluster(Path(file), str(context))


class Namespace:
    """A namespace of the tests' own: d2k's kubeconfig for it, and the administrator's client for assertions."""

    def __init__(self, cluster: Cluster, directory: Path):
        """Make it, with the ServiceAccount and the Role that the chart ships; `directory` gets d2k's kubeconfig."""
        self.cluster = cluster
        self.name = f"d2k-test-{secrets.token_hex(4)}"
        self.admin = KubeClient(str(cluster.kubeconfig), self.name)
        self.kubeconfig = directory / f"{self.name}.kubeconfig"
        role_kubeconfig().make(self.name, self.kubeconfig, admin_kubeconfig=cluster.kubeconfig)
        # A Pod is refused until the namespace has its own ServiceAccount.
        eventually(lambda: self.exists(ACCOUNTS, "default"), CLUSTER_TIMEOUT, "the namespace's ServiceAccount")

    def all(self, resource: Resource, selector: str = "") -> list[Object]:
        """Return the objects of a kind that the label selector matches, as the administrator sees them."""
        items: list[Object] = self.admin.list_all(resource, selector)["items"]
        return items

    def names(self, resource: Resource, selector: str = "") -> list[str]:
        """Return the names of those objects, sorted."""
        return sorted(item["metadata"]["name"] for item in self.all(resource, selector))

    def exists(self, resource: Resource, name: str) -> bool:
        """Say whether an object exists."""
        try:
            self.admin.get(resource, name)
        except KubeNotFoundError:
            return False
        return True

    def delete(self) -> None:
        """Delete the namespace; its end is not waited for."""
        role_kubeconfig().remove(self.name, admin_kubeconfig=self.cluster.kubeconfig)


def role_kubeconfig() -> ModuleType:
    """Return scripts/role_kubeconfig.py as a module."""
    spec = importlib.util.spec_from_file_location("role_kubeconfig", ROOT / "scripts" / "role_kubeconfig.py")
    if spec is None or spec.loader is None:
        raise ImportError("scripts/role_kubeconfig.py is gone")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module

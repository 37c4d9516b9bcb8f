"""The kinds of Kubernetes objects that d2k touches, and where the API serves them."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Resource:
    """One kind: its group and version as `apiVersion` spells them, and its plural in paths."""

    api_version: str
    kind: str
    plural: str

    def path(self, namespace: str, name: str = "", subresource: str = "") -> str:
        """Return the path of the collection, of one object, or of an object's subresource."""
        root = "/apis/" if "/" in self.api_version else "/api/"
        path = f"{root}{self.api_version}/namespaces/{namespace}/{self.plural}"
        for part in (name, subresource):
            if part:
                path += "/" + part
        return path


DEPLOYMENTS = Resource("apps/v1", "Deployment", "deployments")
PODS = Resource("v1", "Pod", "pods")
SERVICES = Resource("v1", "Service", "services")
CLAIMS = Resource("v1", "PersistentVolumeClaim", "persistentvolumeclaims")
CONFIG_MAPS = Resource("v1", "ConfigMap", "configmaps")
ENDPOINT_SLICES = Resource("discovery.k8s.io/v1", "EndpointSlice", "endpointslices")
QUOTAS = Resource("v1", "ResourceQuota", "resourcequotas")

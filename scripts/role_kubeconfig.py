#!/usr/bin/env python3
"""Write a kubeconfig that may do what d2k's Role allows in one namespace, and nothing else.

The namespace, the Role, its ServiceAccount and the binding are made if they are not there, and brought up to date if
they are. The rules are the Helm chart's: helm/d2k/files/role-rules.yaml and, with --cluster, cluster-role-rules.yaml.
"""

from __future__ import annotations

import argparse
import base64
import contextlib
import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import yaml
from kubernetes import client, config

RULES = Path(__file__).resolve().parent.parent / "helm" / "d2k" / "files"
ACCOUNT = "d2k"
ROLE = "d2k-role"
LIFETIME = 30 * 24 * 3600
RBAC = "rbac.authorization.k8s.io"


def make(
    namespace: str, output: str | Path, *, admin_kubeconfig: str | Path | None = None, cluster: bool = False
) -> Path:
    """Write the kubeconfig of d2k in that namespace to `output`, and return its path.

    `admin_kubeconfig` is who makes the objects (None: as kubectl finds it); `cluster` adds the ClusterRole.
    """
    with _admin(admin_kubeconfig) as api:
        core, rbac = client.CoreV1Api(api), client.RbacAuthorizationV1Api(api)
        _ensure(core.create_namespace, None, {"metadata": {"name": namespace}})
        _ensure(core.create_namespaced_service_account, None, {"metadata": {"name": ACCOUNT}}, namespace)
        role = {"metadata": {"name": ROLE}, "rules": _rules("role-rules.yaml")}
        _ensure(rbac.create_namespaced_role, rbac.replace_namespaced_role, role, namespace)
        binding = _binding(ROLE, "Role", namespace)
        _ensure(rbac.create_namespaced_role_binding, rbac.replace_namespaced_role_binding, binding, namespace)
        if cluster:
            role = {"metadata": {"name": ROLE}, "rules": _rules("cluster-role-rules.yaml")}
            _ensure(rbac.create_cluster_role, rbac.replace_cluster_role, role)
            binding = _binding(_cluster_binding(namespace), "ClusterRole", namespace)
            _ensure(rbac.create_cluster_role_binding, rbac.replace_cluster_role_binding, binding)
        request = {"spec": {"expirationSeconds": LIFETIME, "audiences": None}}
        token = core.create_namespaced_service_account_token(ACCOUNT, namespace, request).status.token
        return _write(Path(output), api.configuration, namespace, token)


def remove(namespace: str, *, admin_kubeconfig: str | Path | None = None) -> None:
    """Delete the namespace, without waiting for its end, and what `make` bound to it in the cluster."""
    with _admin(admin_kubeconfig) as api:
        with _unless(404):
            client.RbacAuthorizationV1Api(api).delete_cluster_role_binding(_cluster_binding(namespace))
        with _unless(404):
            client.CoreV1Api(api).delete_namespace(namespace)


def _admin(kubeconfig: str | Path | None) -> Any:
    return config.new_client_from_config(str(kubeconfig) if kubeconfig else None)


@contextlib.contextmanager
def _unless(*statuses: int) -> Any:
    try:
        yield
    except client.ApiException as error:
        if error.status not in statuses:
            raise


def _ensure(
    create: Callable[..., Any], replace: Callable[..., Any] | None, body: dict[str, Any], namespace: str | None = None
) -> None:
    place = [namespace] if namespace else []
    try:
        create(*place, body)
    except client.ApiException as error:
        if error.status != 409:
            raise
        if replace:
            replace(body["metadata"]["name"], *place, body)


def _rules(file: str) -> list[dict[str, Any]]:
    rules: list[dict[str, Any]] = yaml.safe_load((RULES / file).read_text())
    return rules


def _cluster_binding(namespace: str) -> str:
    return f"{ROLE}-{namespace}"


def _binding(name: str, kind: str, namespace: str) -> dict[str, Any]:
    return {
        "metadata": {"name": name},
        "roleRef": {"apiGroup": RBAC, "kind": kind, "name": ROLE},
        "subjects": [{"kind": "ServiceAccount", "name": ACCOUNT, "namespace": namespace}],
    }


def _write(path: Path, connection: Any, namespace: str, token: str) -> Path:
    cluster: dict[str, Any] = {"server": connection.host}
    if not connection.verify_ssl:
        cluster["insecure-skip-tls-verify"] = True
    elif connection.ssl_ca_cert:
        # the client may have written it to a temporary file of its own
        cluster["certificate-authority-data"] = base64.b64encode(Path(connection.ssl_ca_cert).read_bytes()).decode()
    if connection.tls_server_name:
        cluster["tls-server-name"] = connection.tls_server_name
    text = json.dumps(
        {
            "apiVersion": "v1",
            "kind": "Config",
            "current-context": "d2k",
            "contexts": [{"name": "d2k", "context": {"cluster": "d2k", "user": "d2k", "namespace": namespace}}],
            "clusters": [{"name": "d2k", "cluster": cluster}],
            "users": [{"name": "d2k", "user": {"token": token}}],
        },
        indent=1,
    )
    path.parent.mkdir(parents=True, exist_ok=True)
    with open(path, "w", opener=lambda name, flags: os.open(name, flags, 0o600), encoding="utf-8") as file:
        file.write(text + "\n")
    return path


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--namespace", required=True)
    parser.add_argument("--output", required=True, metavar="FILE", help="where to write the kubeconfig")
    parser.add_argument(
        "--admin-kubeconfig", metavar="FILE", help="who makes the objects (default: as kubectl finds it)"
    )
    parser.add_argument("--cluster", action="store_true", help="also bind the ClusterRole")
    arguments = parser.parse_args()
    print(
        make(
            arguments.namespace,
            arguments.output,
            admin_kubeconfig=arguments.admin_kubeconfig,
            cluster=arguments.cluster,
        )
    )


if __name__ == "__main__":
    main()

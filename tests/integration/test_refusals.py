"""Kubernetes' own refusals reach the user as sentences that say what to do."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from harness.cli import Docker
from harness.cluster import ROLES, ROOT, Namespace
from harness.subject import Subject
from harness.waits import eventually

from d2k.cluster.errors import KubeError
from d2k.cluster.resources import DEPLOYMENTS, QUOTAS

RULES = ROOT / "helm" / "d2k" / "files" / "role-rules.yaml"


def quota(hard: dict[str, str]) -> dict[str, Any]:
    return {"apiVersion": "v1", "kind": "ResourceQuota", "metadata": {"name": "tight"}, "spec": {"hard": hard}}


def in_effect(namespace: Namespace) -> bool:
    """Say whether the cluster has begun to count."""
    return bool(namespace.admin.get(QUOTAS, "tight").get("status", {}).get("hard"))


@pytest.fixture
def limited(namespace: Namespace, request: pytest.FixtureRequest) -> Any:
    """Set a quota for as long as the test runs."""

    def limit(**hard: str) -> None:
        namespace.admin.create(QUOTAS, quota({key.replace("_", "."): value for key, value in hard.items()}))
        request.addfinalizer(lambda: namespace.admin.delete(QUOTAS, "tight"))
        eventually(
            lambda: namespace.admin.get(QUOTAS, "tight").get("status", {}).get("hard"), what="the quota's effect"
        )

    return limit


def test_a_quota_for_pods(docker: Docker, limited: Any, name: str) -> None:
    limited(pods="0")
    refused = docker("run", "-d", "--name", name, "busybox", "sleep", "60").exits(125)
    assert "resource quota does not allow this" in refused.err
    assert "raise the quota" in refused.err
    assert docker.inspect(name, "{{json .State.Status}}") == "created"
    assert "quota" in docker.inspect(name, "{{json .State.Error}}")


def test_a_quota_for_volumes(docker: Docker, limited: Any, name: str) -> None:
    limited(persistentvolumeclaims="0")
    assert "resource quota does not allow this" in docker("volume", "create", name).exits(1).err


def test_a_quota_for_deployments(docker: Docker, namespace: Namespace, request: Any, name: str) -> None:
    namespace.admin.create(QUOTAS, quota({"count/deployments.apps": "0"}))
    request.addfinalizer(lambda: namespace.admin.delete(QUOTAS, "tight"))
    eventually(lambda: in_effect(namespace))
    refused = docker("create", "--name", name, "-v", "/data", "busybox", "true").exits(1)
    assert "resource quota does not allow this" in refused.err
    assert docker("volume", "ls", "-q").ok().out == ""


def test_no_node_has_room(d2k_with: Callable[..., Subject], name: str) -> None:
    one = d2k_with(D2K_START_TIMEOUT="3")
    refused = one.docker("run", "-d", "--name", name, "--memory", "10000g", "busybox", "true").exits(125)
    assert "cannot be scheduled" in refused.err
    assert "Insufficient memory" in refused.err
    assert "--memory" in refused.err
    assert one.namespace.admin.get(DEPLOYMENTS, name)["spec"]["replicas"] == 0
    assert "Insufficient memory" in one.docker.inspect(name, "{{json .State.Error}}")


def test_an_image_that_the_node_cannot_pull(d2k_with: Callable[..., Subject], name: str) -> None:
    # With the registry switched off d2k takes any name on trust; the node finds out.
    one = d2k_with(pull=(), D2K_REGISTRY="off")
    image = "d2k-no-such-image:1"
    ran = one.docker("run", "-d", "--name", name, image)
    assert ran.code == 125
    assert image in ran.err
    assert "node could not pull" in ran.err
    assert one.docker.inspect(name, "{{json .State.Status}}") == "created"


def test_the_role_lacks_a_verb(d2k_with: Callable[..., Subject], name: str) -> None:
    def without_services(namespace: Namespace) -> None:
        rules = yaml.safe_load(RULES.read_text())
        for rule in rules:
            if rule["resources"] == ["services"]:
                rule["verbs"] = ["get", "list", "watch"]
            if rule["resources"] == ["persistentvolumeclaims"]:
                rule["verbs"].remove("create")
        role = {"apiVersion": ROLES.api_version, "kind": "Role", "metadata": {"name": "d2k-role"}, "rules": rules}
        namespace.admin.replace(ROLES, "d2k-role", role)

    one = d2k_with(before=without_services)
    refused = one.docker("run", "-d", "--name", name, "-p", "18081:80", "busybox", "sleep", "60").exits(125)
    assert "d2k may not create services in the namespace" in refused.err
    assert "its Role lacks the verb create" in refused.err
    assert "lacks the verb create" in one.docker("volume", "create", name).exits(1).err
    answer = one.api("POST", "/volumes/create", {"Name": name})
    assert answer.status_code == 403


def test_pod_security(d2k_with: Callable[..., Subject], name: str) -> None:
    def restricted(namespace: Namespace) -> None:
        labels = {"metadata": {"labels": {"pod-security.kubernetes.io/enforce": "restricted"}}}
        path = f"/api/v1/namespaces/{namespace.name}"
        namespace.admin.raw("PATCH", path, body=labels, content_type="application/merge-patch+json")

    one = d2k_with(before=restricted)
    refused = one.docker("run", "-d", "--name", name, "busybox", "sleep", "60").exits(125)
    assert 'enforces Pod Security "restricted' in refused.err
    assert "allowPrivilegeEscalation" in refused.err


def test_admission_by_a_policy(d2k_with: Callable[..., Subject], request: Any, name: str) -> None:
    # In a namespace of its own: a policy that is deleted works on for a moment.
    one = d2k_with()
    docker, namespace = one.docker, one.namespace
    policy = f"d2k-test-{name}"
    root = "/apis/admissionregistration.k8s.io/v1"
    rule = {"apiGroups": ["apps"], "apiVersions": ["v1"], "operations": ["CREATE"], "resources": ["deployments"]}
    selector = {"matchLabels": {"kubernetes.io/metadata.name": namespace.name}}
    constraints = {"resourceRules": [rule], "namespaceSelector": selector}
    validations = [{"expression": "false", "message": "not on a Monday"}]
    for kind, plural, spec in (
        ("ValidatingAdmissionPolicy", "policies", {"matchConstraints": constraints, "validations": validations}),
        ("ValidatingAdmissionPolicyBinding", "policybindings", {"policyName": policy, "validationActions": ["Deny"]}),
    ):
        path = f"{root}/validatingadmission{plural}"
        body = {"apiVersion": root.removeprefix("/apis/"), "kind": kind, "metadata": {"name": policy}, "spec": spec}
        try:
            namespace.admin.raw("POST", path, body=body)
        except KubeError as error:
            pytest.skip(f"the cluster takes no admission policies: {error}")
        request.addfinalizer(lambda path=path: namespace.admin.raw("DELETE", f"{path}/{policy}"))

    def is_denied() -> bool:
        ran = docker("create", "busybox", "true")
        return ran.code != 0 and "not on a Monday" in ran.err and policy in ran.err

    eventually(is_denied, 40, "the policy's denial in the user's words")


def test_a_crash_loop_is_a_state(docker: Docker, name: str) -> None:
    docker("run", "-d", "--name", name, "--restart", "always", "busybox", "sh", "-c", "echo crash; exit 1").ok()

    def shown() -> bool:
        status = docker("ps", "-a", "--format", "{{.Status}}").ok().out
        return status.startswith("Restarting (1)")

    eventually(shown, 40, "Restarting (1)")
    assert "crash" in docker("logs", name).ok().lines


def test_a_namespace_that_does_not_exist(d2k_with: Callable[..., Subject], tmp_path: Path) -> None:
    one = d2k_with(pull=())
    one.server.stop()
    one.server._environment["D2K_NAMESPACE"] = "d2k-no-such-namespace"
    assert one.server.launch().wait(40) == 1
    assert "the namespace d2k-no-such-namespace cannot be read" in one.server.tail()


def test_a_setting_that_is_not_valid_stops_the_start(d2k_with: Callable[..., Subject]) -> None:
    one = d2k_with(pull=())
    one.server.stop()
    one.server._environment["D2K_PUBLISH"] = "pigeon"
    assert one.server.launch().wait(40) == 2
    assert one.server.tail().splitlines()[-1] == (
        "d2k: D2K_PUBLISH='pigeon' is not valid: it must be one of loadbalancer, nodeport, clusterip, proxy"
    )

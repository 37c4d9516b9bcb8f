"""deploy/kubernetes.yaml and the chart's files say the same, and the manifest fits any namespace."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

import d2k

ROOT = Path(__file__).resolve().parents[2]


def manifest() -> dict[str, dict[str, Any]]:
    """Return the objects of the manifest by kind."""
    documents = list(yaml.safe_load_all((ROOT / "deploy" / "kubernetes.yaml").read_text(encoding="utf-8")))
    return {document["kind"]: document for document in documents}


def test_the_role_is_the_charts() -> None:
    rules = yaml.safe_load((ROOT / "helm" / "d2k" / "files" / "role-rules.yaml").read_text(encoding="utf-8"))
    assert manifest()["Role"]["rules"] == rules


def test_no_object_names_a_namespace() -> None:
    objects = manifest()
    assert set(objects) == {"ServiceAccount", "Role", "RoleBinding", "Deployment", "Service"}
    assert {kind: document["metadata"]["name"] for kind, document in objects.items()} == dict.fromkeys(objects, "d2k")
    assert not [kind for kind, document in objects.items() if "namespace" in document["metadata"]]
    assert objects["RoleBinding"]["subjects"] == [{"kind": "ServiceAccount", "name": "d2k"}]


def test_the_deployment_runs_this_version_behind_the_service() -> None:
    objects = manifest()
    template = objects["Deployment"]["spec"]["template"]
    main = template["spec"]["containers"][0]
    assert main["image"] == f"d2k:{d2k.__version__}"
    assert objects["Service"]["spec"]["selector"] == template["metadata"]["labels"]
    assert template["spec"]["serviceAccountName"] == objects["ServiceAccount"]["metadata"]["name"]

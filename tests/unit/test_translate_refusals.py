from __future__ import annotations

from typing import Any

import pytest

from d2k.cluster.errors import KubeUnavailableError, from_status
from d2k.translate.refusals import explain

ROLE = (
    'deployments.apps is forbidden: User "system:serviceaccount:ns:d2k" cannot create resource "deployments" '
    'in API group "apps" in the namespace "ns"'
)
EXEC = (
    'pods "a" is forbidden: User "x" cannot create resource "pods/exec" in API group "" in the namespace "ns": RBAC: …'
)
NODES = 'nodes is forbidden: User "x" cannot list resource "nodes" in API group "" at the cluster scope'
QUOTA = 'pods "a" is forbidden: exceeded quota: small, requested: pods=1, used: pods=1, limited: pods=1'
SECURITY = 'pods "a" is forbidden: violates PodSecurity "restricted:latest": privileged (container "main" must not)'
POLICY = "deployments.apps \"a\" is forbidden: ValidatingAdmissionPolicy 'p' with binding 'b' denied request: too big"
ENDING = {"causes": [{"reason": "NamespaceTerminating"}]}


@pytest.mark.parametrize(
    ("status", "body", "expected", "sentence"),
    [
        (403, {"message": ROLE}, 403, 'its Role lacks the verb create on deployments (apiGroup "apps")'),
        (403, {"message": EXEC}, 403, 'its Role lacks the verb create on pods/exec (apiGroup "")'),
        (403, {"message": NODES}, 403, "in the whole cluster: its ClusterRole lacks the verb list on nodes"),
        (403, {"message": QUOTA}, 403, "quota does not allow this: small, requested: pods=1, used: pods=1"),
        (403, {"message": 'pods "a" is forbidden: failed quota: q: must specify cpu'}, 403, "q: must specify cpu"),
        (403, {"message": SECURITY}, 403, 'enforces Pod Security "restricted:latest"'),
        (422, {"message": POLICY}, 403, "admission policy p denied this: too big"),
        (400, {"message": 'admission webhook "k.svc" denied the request: no root'}, 403, "k.svc denied this: no root"),
        (500, {"message": 'failed calling webhook "k.svc": no route'}, 503, "webhook k.svc does not answer"),
        (403, {"message": "no", "details": ENDING}, 409, "namespace is being deleted"),
        (401, {"message": "Unauthorized"}, 500, "does not accept d2k's credentials"),
        (404, {"message": 'pods "a" not found'}, 404, 'pods "a" not found'),
        (404, {"message": 'namespaces "x" not found', "details": {"kind": "namespaces"}}, 500, "set D2K_NAMESPACE"),
        (409, {"message": "modified", "reason": "Conflict"}, 409, "try again: modified"),
        (409, {"message": 'pods "a"', "reason": "AlreadyExists"}, 409, "exists in the cluster already"),
        (410, {"message": "too old"}, 503, "try again"),
        (413, {"message": "limit is 3145728"}, 400, "too large for the cluster"),
        (500, {"message": "etcdserver: request is too large"}, 400, "too large for the cluster"),
        (
            422,
            {"message": 'Deployment.apps "a" is invalid: spec.x: Bad'},
            400,
            "rejects this configuration: spec.x: Bad",
        ),
        (500, {"message": "boom"}, 500, "failed with status 500: boom"),
        (429, {"message": "slow down"}, 503, "not available"),
    ],
)
def test_refusals(status: int, body: dict[str, Any], expected: int, sentence: str) -> None:
    error = explain(from_status(status, body))
    assert error.status == expected
    assert sentence in str(error)


def test_no_answer_at_all() -> None:
    assert str(explain(KubeUnavailableError(0, "", "refused"))) == (
        "the Kubernetes API is not available, try again later: refused"
    )

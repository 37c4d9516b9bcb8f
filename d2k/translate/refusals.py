"""What a refusal of the Kubernetes API means to someone who typed a docker command.

The statuses are those that the Engine uses for the same kind of trouble. What a policy of the cluster forbids (quota,
admission, Pod Security, d2k's own permissions) is 403, as with the Engine's authorization plugins: the request was
right and trying again does not help. A rejected object is 400, since what the user asked for cannot be. 401 is kept
from clients: they take it for a failed registry login.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from d2k.cluster.errors import KubeError, KubeUnavailableError
from d2k.errors import Conflict, DockerError, Forbidden, InvalidParameter, NotFound, SystemFailure, Unavailable

_PERMISSION = re.compile(
    r'cannot (?P<verb>\S+) resource "(?P<resource>[^"]+)" in API group "(?P<group>[^"]*)"'
    r'(?: in the namespace "(?P<namespace>[^"]+)")?'
)
_QUOTA = re.compile(r"(?:exceeded|failed) quota: (?P<rest>.*)", re.DOTALL)
_WEBHOOK = re.compile(r'admission webhook "(?P<name>[^"]+)" denied the request(?:: (?P<why>.*))?', re.DOTALL)
_WEBHOOK_DOWN = re.compile(r'failed calling webhook "(?P<name>[^"]+)"')
_POLICY = re.compile(
    r"ValidatingAdmissionPolicy '(?P<name>[^']+)' (?:with binding '[^']*' )?denied request: (?P<why>.*)", re.DOTALL
)
_POD_SECURITY = re.compile(r'violates PodSecurity "(?P<level>[^"]+)": (?P<why>.*)', re.DOTALL)
_FORBIDDEN = re.compile(r".*? is forbidden: (?P<why>.*)", re.DOTALL)
_INVALID = re.compile(r".*? is invalid: (?P<why>.*)", re.DOTALL)


def explain(error: KubeError) -> DockerError:
    """Return the Docker error for a refusal: what happened and, where somebody can act, what to do."""
    if isinstance(error, KubeUnavailableError):
        return Unavailable(f"the Kubernetes API is not available, try again later: {error.message}")
    # Webhooks and policies choose their own status, so their words are looked at before it.
    for pattern, build in _BY_WORDS:
        if match := pattern.search(error.message):
            return build(match)
    if "request is too large" in error.message or error.status == 413:
        return InvalidParameter(f"the request is too large for the cluster, send less data: {error.message}")
    return _by_status(error)


def _by_status(error: KubeError) -> DockerError:
    if error.status == 401:
        return SystemFailure("the cluster does not accept d2k's credentials: renew its service account or kubeconfig")
    if error.status == 403:
        return _forbidden(error)
    if error.status == 404:
        return _not_found(error)
    if error.status == 409:
        if error.reason == "AlreadyExists":
            return Conflict(f"an object with that name exists in the cluster already: {error.message}")
        return Conflict(f"somebody else changed the object at the same time, try again: {error.message}")
    if error.status == 410:
        return Unavailable(f"the cluster no longer has the state that was asked for, try again: {error.message}")
    if error.status in (400, 422):
        why = _INVALID.match(error.message)
        return InvalidParameter(f"the cluster rejects this configuration: {why['why'] if why else error.message}")
    return SystemFailure(f"the Kubernetes API failed with status {error.status}: {error.message}")


def _forbidden(error: KubeError) -> DockerError:
    causes = error.details.get("causes") or []
    if any(cause.get("reason") == "NamespaceTerminating" for cause in causes):
        return Conflict(f"d2k's namespace is being deleted, nothing can be created in it: {error.message}")
    why = _FORBIDDEN.match(error.message)
    return Forbidden(f"the cluster's policy forbids this: {why['why'] if why else error.message}")


def _not_found(error: KubeError) -> DockerError:
    if error.details.get("kind") == "namespaces":
        return SystemFailure(f"d2k's namespace does not exist, create it or set D2K_NAMESPACE: {error.message}")
    return NotFound(f"the cluster does not have it (any more): {error.message}")


def _permission(match: re.Match[str]) -> DockerError:
    where = f"in the namespace {match['namespace']}" if match["namespace"] else "in the whole cluster"
    role = "Role" if match["namespace"] else "ClusterRole"
    return Forbidden(
        f"d2k may not {match['verb']} {match['resource']} {where}: its {role} lacks the verb {match['verb']} on "
        f'{match["resource"]} (apiGroup "{match["group"]}")'
    )


def _quota(match: re.Match[str]) -> DockerError:
    return Forbidden(
        f"the namespace's resource quota does not allow this: {match['rest']}. "
        "Remove containers or volumes, ask for less, or raise the quota"
    )


def _webhook(match: re.Match[str]) -> DockerError:
    return Forbidden(f"the cluster's admission webhook {match['name']} denied this: {match['why'] or 'it says no why'}")


def _webhook_down(match: re.Match[str]) -> DockerError:
    return Unavailable(f"the cluster's admission webhook {match['name']} does not answer, try again later")


def _policy(match: re.Match[str]) -> DockerError:
    return Forbidden(f"the cluster's admission policy {match['name']} denied this: {match['why']}")


def _pod_security(match: re.Match[str]) -> DockerError:
    return Forbidden(
        f'the namespace enforces Pod Security "{match["level"]}", which this container violates: {match["why"]}. '
        "Run it with fewer privileges, or relax the namespace's label pod-security.kubernetes.io/enforce"
    )


_BY_WORDS: tuple[tuple[re.Pattern[str], Callable[[re.Match[str]], DockerError]], ...] = (
    (_QUOTA, _quota),
    (_POD_SECURITY, _pod_security),
    (_POLICY, _policy),
    (_WEBHOOK, _webhook),
    (_WEBHOOK_DOWN, _webhook_down),
    (_PERMISSION, _permission),
)

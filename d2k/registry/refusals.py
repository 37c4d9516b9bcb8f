"""A registry's error answers as d2k's types, with the sentences that the Docker Engine makes of them."""

from __future__ import annotations

from typing import Any

import orjson

from d2k.registry import auth
from d2k.registry.errors import (
    DeniedError,
    ManifestNotFoundError,
    RegistryError,
    RepositoryNotFoundError,
    UnauthorizedError,
    UnreachableError,
)
from d2k.registry.transport import Answer
from d2k.translate.references import Reference

_DENIED = "denied: requested access to the resource is denied"
# What RFC 6750 calls the two refusals of a token.
_BEARER_CODES = {
    "invalid_token": ("UNAUTHORIZED", "authentication required"),
    "insufficient_scope": ("DENIED", "requested access to the resource is denied"),
}


def refusal(answer: Answer, reference: Reference) -> RegistryError:
    """Return the error that an answer with a status of 400 or more stands for."""
    code, message = _reason(answer)
    cause = f"{code.lower().replace('_', ' ')}: {message}"
    if code == "DENIED" or (answer.status == 403 and not code):
        return denied(reference, cause if code else _DENIED)
    if code == "NAME_UNKNOWN":
        return RepositoryNotFoundError(f"repository {reference.familiar_name} not found: {cause}")
    if code == "MANIFEST_UNKNOWN":
        return ManifestNotFoundError(f"manifest for {reference.familiar()} not found: {cause}")
    if code == "UNAUTHORIZED" or answer.status == 401:
        return UnauthorizedError(cause if code else "unauthorized: authentication required")
    if answer.status == 404:
        cause = cause if code else f"the registry answered {answer.status_line}"
        return ManifestNotFoundError(f"manifest for {reference.familiar()} not found: {cause}")
    if answer.status >= 500:
        return UnreachableError(f"received unexpected HTTP status: {answer.status_line}")
    if code:
        return RegistryError(cause)
    return RegistryError(f"unexpected status from {answer.method} request to {answer.url}: {answer.status_line}")


def denied(reference: Reference, cause: str = _DENIED) -> DeniedError:
    """Return the error for a repository that does not exist or is not for this user."""
    return DeniedError(
        f"pull access denied for {reference.familiar_name}, repository does not exist or may require 'docker login': "
        f"{cause}"
    )


def _reason(answer: Answer) -> tuple[str, str]:
    """Return the code and the message of a refusal; both empty when the answer has none."""
    for challenge in auth.challenges(answer.headers.get("WWW-Authenticate", "")):
        known = _BEARER_CODES.get(challenge.parameters.get("error", ""))
        if challenge.scheme == "bearer" and known:
            return known[0], challenge.parameters.get("error_description") or known[1]
    try:
        document = orjson.loads(answer.body)
    except orjson.JSONDecodeError:
        return "", ""
    if not isinstance(document, dict):
        return "", ""
    first = _first(document.get("errors"))
    if first:
        code = str(first.get("code") or "UNKNOWN")
        return code, str(first.get("message") or code.lower().replace("_", " "))
    details = document.get("details")
    return ("UNAUTHORIZED", details) if isinstance(details, str) and answer.status in (401, 403) else ("", "")


def _first(errors: Any) -> dict[str, Any]:
    if isinstance(errors, list) and errors and isinstance(errors[0], dict):
        first: dict[str, Any] = errors[0]
        return first
    return {}

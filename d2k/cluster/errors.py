"""What can go wrong in a call to the Kubernetes API, as types."""

from __future__ import annotations

from typing import Any


class KubeError(Exception):
    """The API server refused a request; carries its `metav1.Status`.

    `status` is the HTTP status, `reason` the machine-readable reason (`AlreadyExists`, `NotFound`, `Forbidden`, …),
    `message` the server's sentence and `details` the Status' details.
    """

    def __init__(self, status: int, reason: str, message: str, details: dict[str, Any] | None = None):
        super().__init__(message)
        self.status = status
        self.reason = reason
        self.message = message
        self.details = details or {}


class KubeNotFoundError(KubeError):
    """The object does not exist (404)."""


class KubeConflictError(KubeError):
    """The object changed meanwhile, or a precondition does not hold (409)."""


class KubeAlreadyExistsError(KubeConflictError):
    """An object of that name exists (409 AlreadyExists)."""


class KubeGoneError(KubeError):
    """The resource version asked for is too old (410): list again."""


class KubeUnavailableError(KubeError):
    """The API server cannot be reached or is overloaded (no answer, 429, 5xx)."""


def from_status(status: int, body: dict[str, Any]) -> KubeError:
    """Return the error for an HTTP status and the decoded `metav1.Status` (or any other body) that came with it."""
    reason = str(body.get("reason") or "")
    message = str(body.get("message") or f"the API server answered {status}")
    kind: type[KubeError] = KubeError
    if status == 404:
        kind = KubeNotFoundError
    elif status == 409:
        kind = KubeAlreadyExistsError if reason == "AlreadyExists" else KubeConflictError
    elif status == 410:
        kind = KubeGoneError
    elif status in (429, 502, 503, 504):
        kind = KubeUnavailableError
    return kind(status, reason, message, body.get("details") or {})

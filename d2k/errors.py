"""The kinds of failure that d2k knows, after the Docker Engine's own marker errors.

Services raise these; `d2k.http.errors` turns each into Docker's status and a `{"message": …}` body. Whatever else
escapes is a defect of d2k and becomes a plain 500 without its traceback.
"""

from __future__ import annotations


class DockerError(Exception):
    """A failure with a Docker status; `str(error)` is the message that the client shows."""

    status = 500


class InvalidParameter(DockerError):
    """The request itself is wrong (400)."""

    status = 400


class Unauthorized(DockerError):
    """The registry or the cluster does not accept the credentials (401)."""

    status = 401


class Forbidden(DockerError):
    """The request is understood and never allowed (403)."""

    status = 403


class NotFound(DockerError):
    """The named object does not exist (404)."""

    status = 404


class Conflict(DockerError):
    """The object's state, or another object, is in the way (409)."""

    status = 409


class NotModified(DockerError):
    """The object already is as asked for (304); the answer has no body."""

    status = 304


class SystemFailure(DockerError):
    """Kubernetes or the runtime failed to do it (500); the message says what to do."""

    status = 500


class NotSupported(DockerError):
    """Kubernetes has no equivalent (501); the message says what to use instead."""

    status = 501


class Unavailable(DockerError):
    """The cluster or a feature is away (503)."""

    status = 503

"""What can go wrong between d2k and an image registry, as types; the texts are those that the Docker Engine shows.

They carry no HTTP status of Docker's API: what a failure means for pull is decided by the image service.
"""

from __future__ import annotations


class RegistryError(Exception):
    """The registry's answer cannot be used; `str(error)` says what came instead."""


class UnreachableError(RegistryError):
    """No answer: the registry is away, too slow, or answers with a failure of its own (5xx)."""


class UnknownHostError(RegistryError):
    """The registry's host name does not exist."""


class NoCredentialsError(RegistryError):
    """The registry asks for a user name and a password, and the request brought none."""


class UnauthorizedError(RegistryError):
    """The registry refuses the credentials."""


class DeniedError(RegistryError):
    """The repository does not exist, or these credentials (or none) may not read it: a registry does not say which."""


class ManifestNotFoundError(RegistryError):
    """The repository has no such tag or digest."""


class RepositoryNotFoundError(RegistryError):
    """The registry has no such repository."""


class PlatformNotFoundError(RegistryError):
    """The image exists, and not for the platform asked for."""


class UnsupportedImageError(RegistryError):
    """What the name stands for is no image that a node could run: a chart, another artifact, or a format of old."""


class InterruptedCallError(RegistryError):
    """The request that several callers shared was broken off by the one that made it."""

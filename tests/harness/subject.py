"""A d2k under test with everything that a test needs to look at it."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.cli import Docker
from harness.cluster import Namespace
from harness.http import Api
from harness.server import D2k

# The subjects that a test used, for the logs of a failure.
USED = pytest.StashKey[list["Subject"]]()

# Every image that the tests name: busybox's many commands, an HTTP server with EXPOSE, HEALTHCHECK and VOLUME, an image
# with ENTRYPOINT and CMD, and one with a user.
IMAGES = ("busybox", "alpine", "web", "entry", "nonroot")

PREDEFINED = ("bridge", "host", "none")


class Subject:
    """One d2k in one namespace."""

    def __init__(self, namespace: Namespace, directory: Path, **settings: str):
        self.namespace = namespace
        self.server = D2k(namespace.kubeconfig, namespace.name, directory / "d2k.log", settings)
        config = directory / "docker"
        config.mkdir(exist_ok=True)
        self.docker = Docker(self.server.host, config)
        self.api = Api(self.server.host)
        self._mark = 0

    def pull(self, *images: str) -> None:
        """Make images known to d2k."""
        for image in images:
            self.docker("pull", "--quiet", image).ok()

    def mark(self) -> None:
        """Remember how far the log goes now."""
        self._mark = self.server.log.stat().st_size if self.server.log.exists() else 0

    def log_since_start(self) -> str:
        """Return what d2k wrote since `mark`, the end of it if it is long."""
        if not self.server.log.exists():
            return ""
        with self.server.log.open("rb") as log:
            log.seek(self._mark)
            return log.read().decode(errors="replace")[-8000:]

    def sweep(self) -> None:
        """Remove every container, network and volume."""
        for row in self.api("GET", "/containers/json", all="1").json():
            self.api("DELETE", f"/containers/{row['Id']}", force="1", v="1")
        for network in self.api("GET", "/networks").json():
            if network["Name"] not in PREDEFINED:
                self.api("DELETE", f"/networks/{network['Id']}")
        for volume in self.api("GET", "/volumes").json()["Volumes"] or []:
            self.api("DELETE", f"/volumes/{volume['Name']}", force="1")

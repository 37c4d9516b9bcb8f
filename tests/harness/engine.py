"""One daemon that a case runs against: d2k, or the real engine that it is compared with."""

from __future__ import annotations

import contextlib
import secrets
from collections.abc import Iterator
from dataclasses import dataclass, field

from harness.cli import Docker
from harness.http import Api
from harness.subject import PREDEFINED

# A real engine may be shared: what a test makes there has a name that begins so, and nothing else is touched.
PREFIX = "d2k-t-"


@dataclass
class Engine:
    """The daemon; `kind` is d2k or reference."""

    kind: str
    docker: Docker
    api: Api
    prefix: str = field(default_factory=lambda: PREFIX + secrets.token_hex(4))
    made: int = 0

    def name(self) -> str:
        """Return a name that no other test uses."""
        self.made += 1
        return f"{self.prefix}-{self.made}"

    @contextlib.contextmanager
    def container(self, *arguments: str) -> Iterator[str]:
        """Run a detached container with `docker run -d ARGUMENTS` for as long as the block runs; give its name."""
        name = self.name()
        self.docker("run", "-d", "--name", name, *arguments).ok()
        try:
            yield name
        finally:
            self.docker("rm", "-f", "-v", name)

    def sweep(self) -> None:
        """Remove what has a name of this test, and its containers without one."""
        for row in self.api("GET", "/containers/json", all="1").json():
            if any(name.removeprefix("/").startswith(self.prefix) for name in row["Names"]):
                self.api("DELETE", f"/containers/{row['Id']}", force="1", v="1")
        for network in self.api("GET", "/networks").json():
            if network["Name"].startswith(self.prefix) and network["Name"] not in PREDEFINED:
                self.api("DELETE", f"/networks/{network['Id']}")
        for volume in self.api("GET", "/volumes").json()["Volumes"] or []:
            if volume["Name"].startswith(self.prefix):
                self.api("DELETE", f"/volumes/{volume['Name']}", force="1")

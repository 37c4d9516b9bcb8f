"""The docker command, pointed at one daemon."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

TIMEOUT = 90.0


@dataclass(frozen=True)
class Ran:
    """A finished docker command."""

    command: tuple[str, ...]
    code: int
    stdout: bytes
    stderr: bytes

    @property
    def out(self) -> str:
        """Standard output as text, without the line end at its end."""
        return self.stdout.decode(errors="replace").removesuffix("\n")

    @property
    def err(self) -> str:
        """Standard error as text, without the line end at its end."""
        return self.stderr.decode(errors="replace").removesuffix("\n")

    @property
    def lines(self) -> list[str]:
        """The lines of standard output."""
        return self.out.splitlines()

    @property
    def json(self) -> Any:
        """Standard output decoded as JSON."""
        return json.loads(self.stdout)

    def ok(self) -> Ran:
        """Return itself. Raises AssertionError with what the command said when it failed."""
        return self.exits(0)

    def exits(self, code: int) -> Ran:
        """Return itself. Raises AssertionError with what the command said when it ended with another status."""
        if self.code != code:
            raise AssertionError(
                f"`docker {' '.join(self.command)}` ended with {self.code}, not {code}\n"
                f"stdout: {self.out[-2000:]}\nstderr: {self.err[-2000:]}"
            )
        return self


class Docker:
    """Runs docker commands against one daemon; calling it runs one to its end."""

    def __init__(self, host: str, config: Path | None = None):
        """`host` is a DOCKER_HOST; `config` an existing directory for the client's configuration."""
        self.host = host
        config = config or Path(tempfile.gettempdir())
        self.environment = {
            **{key: value for key, value in os.environ.items() if not key.startswith("DOCKER_")},
            "DOCKER_HOST": host,
            "DOCKER_CONFIG": str(config),
            "DOCKER_CLI_HINTS": "false",
        }

    def __call__(
        self, *arguments: str, stdin: bytes | None = None, timeout: float = TIMEOUT, **environment: str
    ) -> Ran:
        """Run `docker ARGUMENTS` to its end; `stdin` is all of its standard input. Raises TimeoutExpired."""
        source: dict[str, Any] = {"stdin": subprocess.DEVNULL} if stdin is None else {"input": stdin}
        done: subprocess.CompletedProcess[bytes] = subprocess.run(
            ["docker", *arguments],
            env={**self.environment, **environment},
            capture_output=True,
            timeout=timeout,
            check=False,
            **source,
        )
        return Ran(arguments, done.returncode, done.stdout, done.stderr)

    def open(self, *arguments: str, **options: Any) -> subprocess.Popen[bytes]:
        """Start `docker ARGUMENTS` with pipes for all its streams; the caller waits for it."""
        pipes: dict[str, Any] = dict.fromkeys(("stdin", "stdout", "stderr"), subprocess.PIPE)
        return subprocess.Popen(["docker", *arguments], env=self.environment, **{**pipes, **options})

    def inspect(self, reference: str, template: str = "{{json .}}") -> Any:
        """Return what `docker inspect --format TEMPLATE` says of an object, decoded; the template gives JSON."""
        return self("inspect", "--format", template, reference).ok().json


def docker_command() -> str:
    """Return why the docker command cannot be used, or an empty string."""
    return "" if shutil.which("docker") else "there is no docker command"

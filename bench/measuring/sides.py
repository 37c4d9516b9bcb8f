"""The two sides of a comparison: where they are, and the commands that drive them."""

from __future__ import annotations

import argparse
import contextlib
import os
import secrets
import subprocess
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

IMAGE = "busybox"
TIMEOUT = 300


@dataclass
class Sides:
    """d2k and what it is compared with; empty where it is not given."""

    d2k: str
    reference: str
    kubeconfig: str
    namespace: str
    rounds: int
    prefix: str = field(default_factory=lambda: f"bench-{secrets.token_hex(3)}")

    def docker(self, *arguments: str, host: str = "", stdin: object = None, stdout: object = subprocess.PIPE) -> str:
        """Run the docker command against d2k, or against `host`, and return its output."""
        return command(["docker", "-H", host or self.d2k, *arguments], stdin=stdin, stdout=stdout)

    def kubectl(self, *arguments: str, stdin: object = None, stdout: object = subprocess.PIPE) -> str:
        """Run kubectl in d2k's namespace and return its output."""
        where = ["--kubeconfig", self.kubeconfig, "--namespace", self.namespace]
        return command(["kubectl", *where, *arguments], stdin=stdin, stdout=stdout)

    @contextlib.contextmanager
    def container(self) -> Iterator[tuple[str, str]]:
        """Run a container that waits, on d2k; give its name and the name of its Pod."""
        name = f"{self.prefix}-{secrets.token_hex(3)}"
        identifier = self.docker("run", "-d", "--name", name, IMAGE, "sleep", "100000").strip()
        try:
            label = f"d2k.io/container={identifier[:63]}"
            pods = self.kubectl("get", "pods", "-l", label, "--field-selector=status.phase=Running", "-o", "name")
            yield name, pods.split()[0]
        finally:
            self.docker("rm", "-f", name)


def from_arguments(description: str, *, needs: Sequence[str], rounds: int) -> Sides:
    """Read the command line and the environment; leave with what is missing when one of `needs` is not given.

    `needs` are among `reference` and `kubeconfig`; `rounds` is how many there are unless the caller says otherwise.
    """
    parser = argparse.ArgumentParser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
    environment = os.environ.get
    parser.add_argument("--d2k", default=environment("DOCKER_HOST", ""), help="DOCKER_HOST of d2k ($DOCKER_HOST)")
    parser.add_argument(
        "--reference", default=environment("D2K_REFERENCE", ""), help="DOCKER_HOST of a real engine ($D2K_REFERENCE)"
    )
    parser.add_argument(
        "--kubeconfig",
        default=environment("KUBECONFIG", "") or environment("D2K_KUBECONFIG", ""),
        help="kubeconfig of the cluster that d2k uses ($KUBECONFIG)",
    )
    parser.add_argument(
        "--namespace", default=environment("D2K_NAMESPACE", "default"), help="d2k's namespace ($D2K_NAMESPACE)"
    )
    parser.add_argument("--rounds", type=int, default=0, help=f"rounds of each side ({rounds})")
    given = parser.parse_args()
    hints = {
        "d2k": "DOCKER_HOST (or --d2k) must name a running d2k, such as tcp://127.0.0.1:2375",
        "reference": "D2K_REFERENCE (or --reference) must name a real Docker Engine, such as unix:///run/docker.sock",
        "kubeconfig": "KUBECONFIG (or --kubeconfig) must name the kubeconfig of the cluster that d2k uses",
    }
    missing = [hints[name] for name in ("d2k", *needs) if not getattr(given, name)]
    if missing:
        sys.stderr.write("".join(f"{parser.prog}: {line}\n" for line in missing))
        sys.exit(2)
    return Sides(given.d2k, given.reference, given.kubeconfig, given.namespace, given.rounds or rounds)


def command(words: Sequence[str], *, stdin: object = None, stdout: object = subprocess.PIPE) -> str:
    """Run a command and return its output; leave with its complaint when it fails."""
    done = subprocess.run(
        words,
        stdin=subprocess.DEVNULL if stdin is None else stdin,  # type: ignore[call-overload]
        stdout=stdout,
        stderr=subprocess.PIPE,
        timeout=TIMEOUT,
        check=False,
    )
    if done.returncode:
        sys.exit(f"{' '.join(words)}: status {done.returncode}: {done.stderr.decode(errors='replace').strip()}")
    return (done.stdout or b"").decode(errors="replace")

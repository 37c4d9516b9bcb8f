"""A d2k under test: a process of its own, with the shipped Role's credentials and settings from its environment."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import sys
import urllib.error
import urllib.request
from pathlib import Path

from harness.waits import eventually

START_TIMEOUT = 40.0
STOP_TIMEOUT = 40.0
# What of the tests' own environment is passed on: nothing else of D2K_* may change what is tested.
PASSED_ON = ("D2K_REGISTRY_MIRRORS", "D2K_REGISTRY_PLAIN_HTTP")


class D2k:
    """The process; `host` is its DOCKER_HOST, `log` the file that it writes to."""

    def __init__(self, kubeconfig: Path, namespace: str, log: Path, settings: dict[str, str]):
        """Prepare it; `start` starts it. `settings` are environment variables."""
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.host = f"tcp://127.0.0.1:{self.port}"
        self.log = log
        self.namespace = namespace
        self._environment = {
            **{key: value for key, value in os.environ.items() if not key.startswith(("D2K_", "DOCKER_", "KUBE"))},
            **{key: os.environ[key] for key in PASSED_ON if os.environ.get(key)},
            "D2K_KUBECONFIG": str(kubeconfig),
            "D2K_NAMESPACE": namespace,
            "D2K_HOST": "127.0.0.1",
            "D2K_PORT": str(self.port),
            **settings,
        }
        self._process: subprocess.Popen[bytes] | None = None

    def launch(self) -> subprocess.Popen[bytes]:
        """Start the process without waiting for it to answer."""
        with self.log.open("ab") as output:
            self._process = subprocess.Popen(
                [sys.executable, "-md2k"],
                env=self._environment,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        return self._process

    def start(self) -> D2k:
        """Start the process and return when it is ready. Raises AssertionError with its log when it does not get so."""
        process = self.launch()

        def answers() -> bool:
            if process.poll() is not None:
                raise RuntimeError(f"d2k ended with status {process.returncode}:\n{self.tail()}")
            try:
                with urllib.request.urlopen(f"{self.url}/readyz", timeout=5) as answer:
                    return bool(answer.status == 200)
            except (urllib.error.URLError, OSError):
                return False

        try:
            eventually(answers, START_TIMEOUT, "d2k's readiness")
        except AssertionError as error:
            self.stop()
            raise AssertionError(f"{error}\n{self.tail()}") from None
        return self

    def stop(self) -> int | None:
        """End it as an operator would, with SIGTERM, and return its exit status; one that hangs is killed."""
        process = self._process
        if process is None or process.poll() is not None:
            return process.returncode if process else None
        process.send_signal(signal.SIGTERM)
        try:
            status = process.wait(STOP_TIMEOUT)
        except subprocess.TimeoutExpired:
            status = -signal.SIGKILL
        self._end_group(process)
        return status

    def kill(self) -> None:
        """End it as a crash of its machine would: SIGKILL for the master and its worker at once."""
        if self._process is not None:
            self._end_group(self._process)

    def restart(self) -> None:
        """Kill it and start another in its place, on the same port."""
        self.kill()
        self.start()

    def tail(self, lines: int = 60) -> str:
        """Return the end of its log."""
        text = self.log.read_text(errors="replace") if self.log.exists() else ""
        return "\n".join(text.splitlines()[-lines:])

    @staticmethod
    def _end_group(process: subprocess.Popen[bytes]) -> None:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def free_port() -> int:
    """Return a TCP port of 127.0.0.1 that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])

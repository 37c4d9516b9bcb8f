"""Signals: sent from inside the container, since Kubernetes has no call for them."""

from __future__ import annotations

import re

from d2k.cluster.channels import Channels, ChannelsError, Outcome
from d2k.cluster.client import KubeClient
from d2k.cluster.errors import KubeError, KubeNotFoundError
from d2k.errors import Conflict, NotSupported, SystemFailure
from d2k.translate.record import MAIN, Container
from d2k.translate.refusals import explain
from d2k.translate.state import current_pod, start_exit_code

_KEPT_OUTPUT = 4096
# What containerd and runc say of a command for a container whose process has just ended.
_ENDED = re.compile(
    r"task \S+ not found|no running task|is not running|container not (found|created)|CONTAINER_EXITED"
    r"|cannot exec in a (stopped|deleted)|setns process|write init-p: broken pipe"
)


class Signaller:
    """Runs `kill` beside the container's process.

    Inside a PID namespace a signal reaches process 1 under the same rule as from the Docker Engine outside it: only if
    the process handles that signal (pid_namespaces(7)). SIGKILL is the exception, which the kubelet has to send.
    """

    def __init__(self, client: KubeClient):
        self._client = client

    def send(self, container: Container, number: int, name: str) -> None:
        """Send signal `number` to the container's process.

        Raises NotSupported when the image has neither a shell nor `kill`, Conflict when the process has ended
        meanwhile, SystemFailure when the signal could not be sent.
        """
        for command in (["/bin/sh", "-c", f"kill -{number} 1"], ["kill", f"-{number}", "1"]):
            outcome, output = self._run(container, command)
            if outcome.exit_code == 0:
                return
            if outcome.exit_code is not None and outcome.exit_code not in (126, 127):
                raise SystemFailure(
                    f"the container did not take {name}: {output or f'kill failed with {outcome.exit_code}'}"
                )
        raise NotSupported(
            f"{name} cannot be sent: Kubernetes has no call for signals and the image has no kill command. "
            "docker stop and docker kill (SIGKILL) always work"
        )

    def _run(self, container: Container, command: list[str]) -> tuple[Outcome, str]:
        pod = current_pod(container)
        if pod is None:
            raise _not_running(container)
        kept = bytearray()
        try:
            with Channels.exec(
                self._client, pod["metadata"]["name"], MAIN, command, stdin=False, tty=False
            ) as channels:
                for _, data in channels:
                    kept += data[: _KEPT_OUTPUT - len(kept)]
                outcome = channels.outcome
        except KubeNotFoundError:
            raise _not_running(container) from None
        except KubeError as error:
            raise explain(error) from error
        except ChannelsError:
            # The process may have ended with the signal, and the container with it.
            return Outcome(0), ""
        if outcome.exit_code is None:
            if _ENDED.search(outcome.error):
                raise _not_running(container)
            outcome = Outcome(start_exit_code(outcome.error), outcome.error)
            kept += outcome.error.encode()
        return outcome, kept.decode(errors="replace").strip()


def _not_running(container: Container) -> Conflict:
    return Conflict(f"cannot kill container: {container.name}: container {container.id} is not running")

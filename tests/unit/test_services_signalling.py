from __future__ import annotations

from typing import Any

import pytest
from container_samples import pod, running

from d2k.cluster.channels import Channels, Outcome
from d2k.cluster.errors import KubeNotFoundError
from d2k.errors import Conflict, NotSupported, SystemFailure
from d2k.services.signalling import Signaller


class Answer:
    """A command that ended in this way, or could not be run."""

    def __init__(self, outcome: Outcome):
        self.outcome = outcome

    def __enter__(self) -> Answer:
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def __iter__(self) -> Any:
        return iter(())


def send(monkeypatch: pytest.MonkeyPatch, *outcomes: Outcome | Exception) -> None:
    left = list(outcomes)

    def execute(*_: Any, **__: Any) -> Answer:
        outcome = left.pop(0)
        if isinstance(outcome, Exception):
            raise outcome
        return Answer(outcome)

    monkeypatch.setattr(Channels, "exec", execute)
    container = running({}, pods=[pod(run=1)])
    none: Any = None
    Signaller(none).send(container, 10, "SIGUSR1")


def test_a_shell_or_else_kill_itself_sends_it(monkeypatch: pytest.MonkeyPatch) -> None:
    send(monkeypatch, Outcome(0))
    missing = Outcome(None, 'exec: "/bin/sh": stat /bin/sh: no such file or directory')
    send(monkeypatch, missing, Outcome(0))
    with pytest.raises(NotSupported):
        send(monkeypatch, missing, Outcome(None, 'exec: "kill": executable file not found in $PATH'))
    with pytest.raises(SystemFailure, match="did not take SIGUSR1: kill failed with 1"):
        send(monkeypatch, Outcome(1))


@pytest.mark.parametrize(
    "failure",
    [
        Outcome(None, "failed to exec in container: container is in CONTAINER_EXITED state"),
        Outcome(None, 'failed to create exec "1": cannot exec in a stopped state: unknown'),
        Outcome(None, "unable to start container process: error executing setns process: exit status 1: unknown"),
        Outcome(None, 'unable to upgrade connection: container not found ("main")'),
        KubeNotFoundError(404, "NotFound", 'pods "web" not found'),
    ],
)
def test_a_process_that_has_just_ended(monkeypatch: pytest.MonkeyPatch, failure: Outcome | Exception) -> None:
    with pytest.raises(Conflict, match=r"^cannot kill container: front: container [0-9a-f]{64} is not running$"):
        send(monkeypatch, failure)

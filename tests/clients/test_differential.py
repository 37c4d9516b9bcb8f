"""About a hundred docker commands, run in the same order against d2k and the real engine, say and do the same.

What is left is in differential/differences.toml with its reason: an unlisted difference fails, and so does a listed one
that is gone.
"""

from __future__ import annotations

import secrets
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass

import pytest
from differential.mask import mask
from differential.script import STEPS, Step
from differential.table import differences
from harness.cli import Docker
from harness.engine import PREFIX, Engine
from harness.http import Api
from harness.subject import Subject

STEP_TIMEOUT = 30.0
KNOWN = {one.command: one for one in differences()}


@dataclass(frozen=True)
class Outcome:
    """What a command did, masked."""

    code: int
    stdout: str
    stderr: str


def run(docker: Docker, prefix: str) -> list[Outcome]:
    outcomes = []
    for step in STEPS:
        stdin = step.stdin.encode() if step.stdin is not None else None
        try:
            ran = docker(*step.words(prefix), stdin=stdin, timeout=STEP_TIMEOUT)
        except subprocess.TimeoutExpired:
            outcomes.append(Outcome(-1, "", f"did not end within {STEP_TIMEOUT:g} s"))
        else:
            outcomes.append(Outcome(ran.code, mask(ran.out, prefix), mask(ran.err, prefix)))
    return outcomes


@pytest.fixture(scope="module")
def outcomes(session_subject: Subject, reference: Docker) -> Iterator[dict[int, tuple[Outcome, Outcome]]]:
    """Run the whole script against both, and give what each step did on d2k and on the real engine."""
    prefix = PREFIX + secrets.token_hex(4)
    own, real = session_subject.docker, reference
    try:
        yield dict(enumerate(zip(run(own, prefix), run(real, prefix), strict=True)))
    finally:
        session_subject.sweep()
        Engine("reference", real, Api(real.host), prefix).sweep()


@pytest.mark.parametrize("number", range(len(STEPS)), ids=[step.line[:40] for step in STEPS])
def test_the_same_as_the_real_engine(outcomes: dict[int, tuple[Outcome, Outcome]], number: int) -> None:
    step: Step = STEPS[number]
    own, real = outcomes[number]
    differing = tuple(field for field in ("code", "stdout", "stderr") if getattr(own, field) != getattr(real, field))
    known = KNOWN.get(key(number))
    assert differing == (known.fields if known else ()), (
        f"docker {step.line}\n  d2k:  {own}\n  real: {real}\n  listed: {known.fields if known else 'not'}"
    )


def key(number: int) -> str:
    """Return how the table names a step: its line, and for a repeated one how often it came before."""
    line = STEPS[number].line
    before = [step.line for step in STEPS[:number]].count(line)
    return f"{line} #{before + 1}" if before else line


def test_every_listed_difference_is_one_of_a_command() -> None:
    assert set(KNOWN) <= {key(number) for number in range(len(STEPS))}

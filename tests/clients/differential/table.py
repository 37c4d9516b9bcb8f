"""The known differences: differences.toml, one entry for each command that does not do the same."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from pathlib import Path

FILE = Path(__file__).with_name("differences.toml")


@dataclass(frozen=True)
class Difference:
    """A command whose exit code, stdout or stderr (`fields`) are not the real engine's, and why."""

    command: str
    fields: tuple[str, ...]
    reason: str


def differences() -> list[Difference]:
    """Return the entries in the order of the file."""
    with FILE.open("rb") as file:
        entries = tomllib.load(file).get("difference", [])
    return [Difference(entry["command"], tuple(entry["differs"]), entry["reason"]) for entry in entries]

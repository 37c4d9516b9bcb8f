#!/usr/bin/env python3
"""Write docs/compatibility.md: what d2k answers to every call of the Docker API, and what docker commands do otherwise.

The calls are in docs/operations.toml, which a unit test holds against the application; the commands are in
tests/clients/differential/differences.toml, which the differential test holds against a real engine.

usage: compatibility.py            write the page
"""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
PAGE = ROOT / "docs" / "compatibility.md"
OPERATIONS = ROOT / "docs" / "operations.toml"
DIFFERENCES = ROOT / "tests" / "clients" / "differential" / "differences.toml"

ANSWERS = {
    "served": "served",
    404: "404: not there",
    501: "501: refused, with a sentence that says what to do",
    503: "503: as an engine that is no Swarm manager",
}

HEAD = """# Compatibility

d2k speaks version 1.24 to 1.51 of the Docker Engine API. This page is generated: `scripts/compatibility.py` makes it
from [operations.toml](operations.toml) and from the table of the differential test, which runs the same docker
commands against d2k and against a real engine and compares exit code, standard output and standard error.

## Calls

{served} of {total} operations are served. The others answer as an engine whose feature is off.
"""

COMMANDS = """
## Commands that do otherwise

Of {steps} docker commands of the differential test, these do not do what they do on a real engine. `@` stands for a
name that belongs to the test.

| `docker …` | differs in | why |
|---|---|---|
"""


def operations() -> list[dict[str, Any]]:
    """Return the groups of operations; each has a `name` and `operations` of `call`, `answer` and perhaps `note`."""
    with OPERATIONS.open("rb") as file:
        groups: list[dict[str, Any]] = tomllib.load(file)["group"]
    return groups


def differences() -> list[dict[str, Any]]:
    """Return the known differences of docker commands: `command`, `differs` and `reason`."""
    with DIFFERENCES.open("rb") as file:
        entries: list[dict[str, Any]] = tomllib.load(file).get("difference", [])
    return entries


def page() -> str:
    """Return the page's text."""
    groups = operations()
    every = [operation for group in groups for operation in group["operations"]]
    served = sum(operation["answer"] == "served" for operation in every)
    parts = [HEAD.format(served=served, total=len(every))]
    for group in groups:
        parts.append(f"\n### {group['name']}\n\n| operation | d2k | |\n|---|---|---|\n")
        parts += [
            f"| `{operation['call']}` | {ANSWERS[operation['answer']]} | {operation.get('note', '')} |\n"
            for operation in group["operations"]
        ]
    parts.append(COMMANDS.format(steps=_steps()))
    for entry in differences():
        fields = ", ".join({"code": "exit code"}.get(field, field) for field in entry["differs"])
        parts.append(f"| `{_cell(entry['command'])}` | {fields} | {entry['reason']} |\n")
    return "".join(parts)


def _steps() -> int:
    script = (DIFFERENCES.parent / "script.py").read_text()
    lines = script.partition('LINES = f"""')[2].partition('"""')[0]
    return len(lines.strip().splitlines())


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


if __name__ == "__main__":
    PAGE.write_text(page())

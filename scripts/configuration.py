#!/usr/bin/env python3
"""Write docs/configuration.md from the settings that d2k.config.Config declares.

Run it after a change of a setting; a unit test fails while the page is not what this script would write.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import Field, fields
from pathlib import Path
from typing import Any

from d2k.config import Config

PAGE = Path(__file__).resolve().parent.parent / "docs" / "configuration.md"

# No setting is made of it, so that each parser that has something to check says what it takes.
_IMPOSSIBLE = "\0"

_HEAD = """\
<!-- Written by scripts/configuration.py. Change d2k/config.py, then run the script. -->
# Configuration

d2k reads its settings from environment variables, once, when it starts. An unset or empty variable means the default.
There is no configuration file, and no flag besides `--help` and `--version`.

A value that is not valid stops the start with exit status 2 and one line, for example:

    d2k: D2K_PORT='x' is not valid: it must be a whole number from 1 to 65535

| Variable | Default | Allowed | Meaning |
|---|---|---|---|
"""


def render() -> str:
    """Return the text of the page."""
    return _HEAD + "".join(f"{row}\n" for row in map(_row, fields(Config)))


def _row(setting: Field[Any]) -> str:
    metadata = setting.metadata
    default = f"`{metadata['default']}`" if metadata["default"] else "empty"
    cells = (f"`{metadata['env']}`", default, _allowed(metadata["parse"]), metadata["doc"])
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"


def _allowed(parse: Callable[[str], object]) -> str:
    """Return what a parser says that it takes; those that take every text say nothing."""
    try:
        parse(_IMPOSSIBLE)
    except ValueError as error:
        return str(error)
    return "any text"


def main() -> None:
    PAGE.write_text(render(), encoding="utf-8")


if __name__ == "__main__":
    main()

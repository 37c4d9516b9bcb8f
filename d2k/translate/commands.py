"""Commands: Docker's entrypoint and cmd, how they are shown, and how they reach Kubernetes unchanged."""

from __future__ import annotations

import re
from collections.abc import Sequence

from d2k.errors import InvalidParameter

# Kubernetes reads `$$` as `$` and `$(NAME)` as a variable. A `$` before a character outside ASCII is doubled too: its
# forked expansion code takes the byte after a lone `$` for a whole character, so a kubelet may spoil what follows.
_EXPANDED = re.compile(r"\$\$+|\$(?=[(\u0080-\U0010ffff])")


def escape(text: str) -> str:
    """Return what Kubernetes expands to exactly this text, in a command, an argument or an environment value.

    Runs of two and more `$`, and a `$` before `(` or a character outside ASCII, are doubled; a `$` elsewhere, as in
    `$HOME` or at the end, already stands for itself and stays readable.
    """
    return _EXPANDED.sub(lambda run: run[0] * 2, text)


def escape_all(texts: Sequence[str]) -> list[str]:
    """Return every text as `escape` gives it."""
    return [escape(text) for text in texts]


def path_and_args(entrypoint: Sequence[str] | None, cmd: Sequence[str] | None) -> tuple[str, list[str]]:
    """Return the program and its arguments, the Path and Args of inspect.

    An entrypoint of one empty string is the client's way to take the image's entrypoint away.
    Raises InvalidParameter when nothing is left to run.
    """
    front = [] if list(entrypoint or ()) == [""] else list(entrypoint or ())
    words = [*front, *(cmd or ())]
    if not words:
        raise InvalidParameter("no command specified")
    return words[0], words[1:]


def command_line(entrypoint: Sequence[str] | None, cmd: Sequence[str] | None) -> str:
    """Return the Command of the container list: arguments with a space are put in quotes, nothing else is.

    Raises InvalidParameter as `path_and_args` does.
    """
    path, args = path_and_args(entrypoint, cmd)
    return " ".join([path, *(f"'{argument}'" if " " in argument else argument for argument in args)])

"""A container's whole life: `docker run --rm` beside `kubectl run --rm -i`, without and with something on stdin.

kubectl has the image at hand too (IfNotPresent). Both return when the output is there and the object is gone. Most of
the time is the kubelet's on both sides: it looks at its containers once a second.
"""

from __future__ import annotations

import secrets
import tempfile
from collections.abc import Sequence
from typing import IO

from measuring import figures
from measuring.sides import IMAGE, Sides, from_arguments

AIM = 0.8
CASES = (("--rm", ["true"]), ("--rm -i", ["true"]), ("--rm -i", ["cat"]))


def main() -> None:
    sides = from_arguments(__doc__ or "", needs=["kubeconfig"], rounds=10)
    with tempfile.TemporaryFile() as line:
        line.write(b"a line\n")
        for options, command in CASES:
            pair = {"d2k": _docker(sides, options.split(), command, line), "kubectl": _kubectl(sides, command, line)}
            title = f"docker run {options} {IMAGE} {' '.join(command)}, beside kubectl run --rm -i"
            figures.show_times(title, figures.interleaved(pair, sides.rounds), AIM)


def _docker(sides: Sides, options: Sequence[str], command: Sequence[str], line: IO[bytes]) -> figures.Work:
    return lambda: sides.docker("run", *options, IMAGE, *command, stdin=_rewound(line))


def _kubectl(sides: Sides, command: Sequence[str], line: IO[bytes]) -> figures.Work:
    fixed = ("--rm", "-i", "--restart=Never", f"--image={IMAGE}", "--image-pull-policy=IfNotPresent")

    def run() -> str:
        name = f"{sides.prefix}-{secrets.token_hex(3)}"
        return sides.kubectl("run", name, *fixed, "--", *command, stdin=_rewound(line))

    return run


def _rewound(line: IO[bytes]) -> IO[bytes]:
    line.seek(0)
    return line


if __name__ == "__main__":
    main()

"""Bytes through a command: 256 MB of output and of stdin, `docker exec` beside `kubectl exec`, in the same Pod."""

from __future__ import annotations

import subprocess
import tempfile

from measuring import figures
from measuring.sides import Sides, from_arguments

SIZE = 256 << 20
AIM = 0.9


def main() -> None:
    sides = from_arguments(__doc__ or "", needs=["kubeconfig"], rounds=4)
    with sides.container() as (name, pod):
        kubectl = ("exec", "-i", pod, "-c", "main", "--")
        give = ("head", "-c", str(SIZE), "/dev/zero")
        output = {
            "d2k": lambda: sides.docker("exec", name, *give, stdout=subprocess.DEVNULL),
            "kubectl": lambda: sides.kubectl(*kubectl, *give, stdout=subprocess.DEVNULL),
        }
        figures.show_rates("256 MB of output", SIZE, figures.interleaved(output, sides.rounds), AIM)
        _stdin(sides, name, kubectl)


def _stdin(sides: Sides, name: str, kubectl: tuple[str, ...]) -> None:
    # The command counts what it got: a byte less would show.
    count = ("sh", "-c", f'test "$(wc -c)" = {SIZE}')
    with tempfile.TemporaryFile() as source:
        source.truncate(SIZE)

        def rewound() -> object:
            source.seek(0)
            return source

        pair = {
            "d2k": lambda: sides.docker("exec", "-i", name, *count, stdin=rewound()),
            "kubectl": lambda: sides.kubectl(*kubectl, *count, stdin=rewound()),
        }
        figures.show_rates("256 MB of stdin", SIZE, figures.interleaved(pair, sides.rounds), AIM)


if __name__ == "__main__":
    main()

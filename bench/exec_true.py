"""A command in a running container: `docker exec C true` beside `kubectl exec POD -- true`, in the same Pod."""

from __future__ import annotations

from measuring import figures
from measuring.sides import from_arguments

AIM = 0.8


def main() -> None:
    sides = from_arguments(__doc__ or "", needs=["kubeconfig"], rounds=40)
    with sides.container() as (name, pod):
        pair = {
            "d2k": lambda: sides.docker("exec", name, "true"),
            "kubectl": lambda: sides.kubectl("exec", pod, "-c", "main", "--", "true"),
        }
        figures.show_times("docker exec C true", figures.interleaved(pair, sides.rounds), AIM)


if __name__ == "__main__":
    main()

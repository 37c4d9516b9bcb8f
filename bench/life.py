"""A container's whole life: `docker run --rm busybox true` beside `kubectl run --rm -i … busybox -- true`.

kubectl has the image at hand too (IfNotPresent), and both return when the output is there and the object is gone.
"""

from __future__ import annotations

import secrets

from measuring import figures
from measuring.sides import IMAGE, Sides, from_arguments

AIM = 0.8


def main() -> None:
    sides = from_arguments(__doc__ or "", needs=["kubeconfig"], rounds=10)
    ours = {"run --rm": ("--rm",), "run --rm -i": ("--rm", "-i")}
    for title, options in ours.items():
        pair = {"d2k": lambda options=options: sides.docker("run", *options, IMAGE, "true"), "kubectl": _kubectl(sides)}
        figures.show_times(f"docker {title} beside kubectl run --rm -i", figures.interleaved(pair, sides.rounds), AIM)


def _kubectl(sides: Sides) -> figures.Work:
    fixed = ("--rm", "-i", "--restart=Never", f"--image={IMAGE}", "--image-pull-policy=IfNotPresent")
    return lambda: sides.kubectl("run", f"{sides.prefix}-{secrets.token_hex(3)}", *fixed, "--", "true")


if __name__ == "__main__":
    main()

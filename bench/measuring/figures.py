"""Timing two sides in turn, and the table that shows them side by side.

Both sides are measured in one run, one round after the other, and who goes first changes with each round: what else
the machine does meanwhile hits both alike, so the ratio of the medians means something on a busy machine too.
"""

from __future__ import annotations

import math
import statistics
import sys
import time
from collections.abc import Callable, Mapping, Sequence

Work = Callable[[], object]


def seconds(work: Work) -> float:
    """Return how long `work` takes."""
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


def interleaved(sides: Mapping[str, Work], rounds: int, *, block: int = 1) -> dict[str, list[float]]:
    """Return each side's times in seconds: `rounds` times `block` runs of each, after one block that does not count."""
    times: dict[str, list[float]] = {name: [] for name in sides}
    for number in range(rounds + 1):
        order = list(sides)[:: 1 if number % 2 else -1]
        for name in order:
            taken = [seconds(sides[name]) for _ in range(block)]
            if number:
                times[name] += taken
        progress(f"round {number} of {rounds}")
    progress("")
    return times


def percentile(values: Sequence[float], share: float) -> float:
    """Return the value that `share` (0 to 1) of the values do not exceed."""
    ordered = sorted(values)
    return ordered[max(0, math.ceil(share * len(ordered)) - 1)]


def show_times(title: str, times: Mapping[str, Sequence[float]], aim: float) -> None:
    """Print p50 and p99 of both sides in milliseconds, and what part of the second side's the first's are.

    `aim` is the greatest ratio of the medians that is good.
    """
    (ours, our), (theirs, their) = times.items()
    say(f"{title} (n = {len(our)} each, in turn)")
    middle = statistics.median(our), statistics.median(their)
    late = percentile(our, 0.99), percentile(their, 0.99)
    say(f"  {'':8}{ours:>14}{theirs:>24}{'ratio':>10}")
    for name, (one, other) in (("p50", middle), ("p99", late)):
        say(f"  {name:8}{one * 1e3:>11.2f} ms{other * 1e3:>21.2f} ms{one / other:>10.2f}")
    _verdict(middle[0] / middle[1] <= aim, f"p50 at most {aim:g} of {theirs}")


def show_rates(title: str, size: int, times: Mapping[str, Sequence[float]], aim: float) -> None:
    """Print the median throughput of both sides for `size` bytes; `aim` is the least ratio that is good."""
    (ours, our), (theirs, their) = times.items()
    rates = [size / statistics.median(values) / 1e6 for values in (our, their)]
    say(f"{title} (n = {len(our)} each, in turn)")
    say(f"  {'':8}{ours:>14}{theirs:>24}{'ratio':>10}")
    say(f"  {'p50':8}{rates[0]:>9.0f} MB/s{rates[1]:>19.0f} MB/s{rates[0] / rates[1]:>10.2f}")
    _verdict(rates[0] / rates[1] >= aim, f"at least {aim:g} of {theirs}")


def _verdict(good: bool, aim: str) -> None:
    say(f"  aim: {aim}: {'met' if good else 'MISSED'}\n")


def say(text: str) -> None:
    """Print a line of the result."""
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


def progress(text: str) -> None:
    """Show on a terminal what goes on; nothing elsewhere."""
    if sys.stderr.isatty():
        sys.stderr.write(f"\r\033[K{text}")
        sys.stderr.flush()

"""The calls that clients make all day: `_ping`, `ps -a` and `inspect`, beside a real Docker Engine.

Each side has the same number of containers, 20 besides what the fuller one had before, and one connection that stays
open: TCP to d2k, and to the engine whatever D2K_REFERENCE says. A unix socket is some microseconds faster than TCP;
that is left in the engine's favour.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from itertools import cycle

import orjson
from measuring import figures
from measuring.connection import Connection
from measuring.sides import IMAGE, Sides, from_arguments

CONTAINERS = 20
BLOCK = 20
# A container as people make them: names, labels, variables, a limit.
OPTIONS = ("--label", "bench=1", "--env", "NAME=value", "--memory", "16m", "--restart", "no")


def main() -> None:
    sides = from_arguments(__doc__ or "", needs=["reference"], rounds=25)
    hosts = {"d2k": sides.d2k, "engine": sides.reference}
    connections = {name: Connection(host) for name, host in hosts.items()}
    try:
        wanted = CONTAINERS + max(_count(host) for host in hosts.values())
        ids = {name: _fill(sides, host, wanted) for name, host in hosts.items()}
        for title, path in (("_ping", "/_ping"), ("ps -a", "/containers/json?all=1")):
            _compare(title, connections, {name: [path] for name in hosts}, sides.rounds)
        paths = {name: [f"/containers/{identifier}/json" for identifier in ids[name]] for name in hosts}
        _compare("inspect", connections, paths, sides.rounds)
        counts = ", ".join(f"{name} {_count(host)}" for name, host in hosts.items())
        figures.say(f"containers at the end: {counts}")
    finally:
        for host in hosts.values():
            own = sides.docker("ps", "-aq", "--filter", f"name={sides.prefix}", host=host).split()
            if own:
                sides.docker("rm", "-f", *own, host=host)


def _compare(title: str, connections: dict[str, Connection], paths: dict[str, list[str]], rounds: int) -> None:
    def asker(name: str) -> figures.Work:
        turn = cycle(paths[name])
        return lambda: connections[name].get(next(turn))

    times = figures.interleaved({name: asker(name) for name in connections}, rounds, block=BLOCK)
    figures.show_times(title, times, aim=1.0)


def _fill(sides: Sides, host: str, wanted: int) -> list[str]:
    """Run containers until this side has so many; return the ids of those."""

    def run(number: int) -> str:
        label = f"{sides.prefix}-{number}"
        return sides.docker("run", "-d", "--name", label, *OPTIONS, IMAGE, "sleep", "100000", host=host).strip()

    with ThreadPoolExecutor(4) as pool:
        return list(pool.map(run, range(wanted - _count(host))))


def _count(host: str) -> int:
    return len(orjson.loads(Connection(host).get("/containers/json?all=1")))


if __name__ == "__main__":
    main()

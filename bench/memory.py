"""Resident memory of d2k's processes, those that hold the port it listens on; run it after the others.

RSS counts the pages that master and worker share twice, PSS once. Only where d2k runs on this machine.
"""

from __future__ import annotations

import sys
from pathlib import Path
from urllib.parse import urlsplit

from measuring import figures
from measuring.sides import from_arguments

AIM_MB = 150
_LISTEN = "0A"


def main() -> None:
    sides = from_arguments(__doc__ or "", needs=[], rounds=1)
    processes = _holders(_listening(urlsplit(sides.d2k).port or 2375))
    if not processes:
        sys.exit(f"no process of this machine that may be looked at listens at {sides.d2k}")
    figures.say("resident memory of d2k")
    totals = [0.0, 0.0]
    for process in processes:
        sizes = [_megabytes(process / "smaps_rollup", key) for key in ("Rss", "Pss")]
        totals = [total + size for total, size in zip(totals, sizes, strict=True)]
        figures.say(f"  process {process.name:<8}RSS {sizes[0]:>6.1f} MB   PSS {sizes[1]:>6.1f} MB")
    verdict = "met" if totals[0] < AIM_MB else "MISSED"
    figures.say(f"  {'together':<16}RSS {totals[0]:>6.1f} MB   PSS {totals[1]:>6.1f} MB")
    figures.say(f"  aim: under {AIM_MB} MB: {verdict}\n")


def _listening(port: int) -> set[str]:
    """Return the inodes of the sockets that listen on this port."""
    found = set()
    for table in ("tcp", "tcp6"):
        for line in Path("/proc/net", table).read_text().splitlines()[1:]:
            fields = line.split()
            if fields[3] == _LISTEN and int(fields[1].rpartition(":")[2], 16) == port:
                found.add(f"socket:[{fields[9]}]")
    return found


def _holders(inodes: set[str]) -> list[Path]:
    """Return the processes that hold one of these sockets: the master and its workers."""
    return [process for process in sorted(Path("/proc").glob("[0-9]*")) if inodes & _links(process / "fd")]


def _links(folder: Path) -> set[str]:
    try:
        return {str(entry.readlink()) for entry in folder.iterdir()}
    except OSError:
        return set()


def _megabytes(table: Path, key: str) -> float:
    for line in table.read_text().splitlines():
        if line.startswith(f"{key}:"):
            return int(line.split()[1]) / 1000
    raise KeyError(key)


if __name__ == "__main__":
    main()

"""`docker top`: the processes of a container, listed by a shell inside it."""

from __future__ import annotations

import shlex
from time import gmtime, strftime
from typing import Any

from d2k.errors import InvalidParameter, SystemFailure

Object = dict[str, Any]

TITLES = ["UID", "PID", "PPID", "C", "STIME", "TTY", "TIME", "CMD"]
DEFAULT_ARGS = "-ef"
# Up to starttime, counted from the state on.
_STAT_FIELDS = 20
# For every process: uid, state and its fields from /proc, in one line each, then its command line. It only needs a
# shell and cat; `read` and globs do the rest. 0x1f stands between arguments where tr is there.
_PROC = r"""
printf 'clock %s\n' "$(getconf CLK_TCK 2>/dev/null || echo 100)"
while read -r a b; do [ "$a" = btime ] && printf 'boot %s\n' "$b"; done </proc/stat
while IFS=: read -r a b c d; do printf 'user %s %s\n' "$c" "$a"; done 2>/dev/null </etc/passwd
for d in /proc/[0-9]*; do
  p=${d#/proc/}
  [ "$p" = $$ ] && continue
  s=; read -r s 2>/dev/null <"$d/stat" || continue
  u=
  while read -r a b c; do case $a in Uid:) u=$b ;; esac; done 2>/dev/null <"$d/status"
  printf 'stat %s %s\n' "${u%%[!0-9]*}" "$s"
  c=$(tr '\0' '\037' 2>/dev/null <"$d/cmdline" | tr '\n' ' ' 2>/dev/null)
  printf 'cmd %s\n' "$c"
done
"""


def listing_command() -> list[str]:
    """Return the command that lists every process from /proc, in any image with a shell."""
    return ["sh", "-c", _PROC]


def ps_command(arguments: str) -> list[str]:
    """Return the command for `ps` with these arguments, which prints its own process id first.

    Raises InvalidParameter for unbalanced quotes.
    """
    try:
        return ["sh", "-c", 'echo $$; exec ps "$@"', "sh", *shlex.split(arguments)]
    except ValueError as error:
        raise InvalidParameter(f"invalid ps_args: {error}") from None


def parse_listing(output: str, now: float) -> Object:
    """Return Docker's table with the columns of `ps -ef`; `now` in seconds since 1970."""
    clock, boot = 100, now
    users: dict[str, str] = {}
    rows: list[list[str]] = []
    row: list[str] | None = None
    for line in output.splitlines():
        kind, _, rest = line.partition(" ")
        if kind == "clock" and rest.isdigit():
            clock = int(rest)
        elif kind == "boot" and rest.isdigit():
            boot = float(rest)
        elif kind == "user":
            number, _, name = rest.partition(" ")
            users.setdefault(number, name)
        elif kind == "stat":
            row = _row(rest, users, clock, boot, now)
            if row is not None:
                rows.append(row)
        elif kind == "cmd" and row is not None and rest:
            row[-1] = rest.rstrip("\x1f ").replace("\x1f", " ")
    # Children of the listing's own shell are gone before they are read, or name it as their parent.
    return {"Titles": TITLES, "Processes": rows}


def _row(stat: str, users: dict[str, str], clock: int, boot: float, now: float) -> list[str] | None:
    """Return a row from `uid pid (name) state ppid …` (proc(5), /proc/pid/stat); None where a name breaks the line."""
    uid, _, rest = stat.partition(" ")
    pid, _, rest = rest.partition(" (")
    name, _, tail = rest.rpartition(") ")
    fields = tail.split()
    if len(fields) < _STAT_FIELDS:
        return None
    seconds = (int(fields[11]) + int(fields[12])) / clock
    started = boot + int(fields[19]) / clock
    age = max(now - started, 1.0)
    return [
        users.get(uid, uid),
        pid,
        fields[1],
        str(min(99, int(100 * seconds / age))),
        _start_time(started, now),
        _terminal(int(fields[4])),
        _duration(int(seconds)),
        f"[{name}]",
    ]


def _start_time(started: float, now: float) -> str:
    return strftime("%H:%M" if now - started < 86_400 else "%b%d", gmtime(started))


def _terminal(number: int) -> str:
    major, minor = number >> 8 & 0xFFF, (number & 0xFF) | (number >> 12 & 0xFFF00)
    if 136 <= major <= 143:
        return f"pts/{(major - 136) * 256 + minor}"
    return "?" if number == 0 else f"tty{minor}" if major == 4 else "console"


def _duration(seconds: int) -> str:
    return f"{seconds // 3600:02d}:{seconds // 60 % 60:02d}:{seconds % 60:02d}"


def parse_ps(output: str) -> Object:
    """Return the table that `ps_command` printed, without ps itself (moby, daemon/top_unix.go).

    Raises SystemFailure when there is no column PID to tell ps itself from the others.
    """
    own, _, table = output.partition("\n")
    lines = [line for line in table.split("\n") if line.strip()]
    titles = lines[0].split() if lines else []
    if "PID" not in titles:
        raise SystemFailure("Couldn't find PID field in ps output")
    column = titles.index("PID")
    rows = []
    for line in lines[1:]:
        fields = line.split(None, len(titles) - 1)
        if len(fields) > column and fields[column] != own.strip():
            rows.append(fields)
    return {"Titles": titles, "Processes": rows}

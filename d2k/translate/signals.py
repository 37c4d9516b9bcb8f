"""Signals as Docker's clients write them, with Linux's numbers."""

from __future__ import annotations

import re

from d2k.errors import InvalidParameter

_FIRST_REAL_TIME = 34
_LAST = 64

# Linux's own order: the first is signal 1.
_ORDER = (
    "HUP INT QUIT ILL TRAP ABRT BUS FPE KILL USR1 SEGV USR2 PIPE ALRM TERM STKFLT CHLD CONT STOP TSTP TTIN TTOU "
    "URG XCPU XFSZ VTALRM PROF WINCH IO PWR SYS"
)
_NAMES = dict(enumerate(_ORDER.split(), start=1))
_NUMBERS = {name: number for number, name in _NAMES.items()} | {"IOT": 6, "CLD": 17, "POLL": 29}
_REAL_TIME = re.compile(r"RTMIN(?:\+([1-9]|1[0-5]))?|RTMAX(?:-([1-9]|1[0-4]))?")


def number(signal: str) -> int:
    """Return the number that the text stands for, which need not be a signal that Linux has.

    That is all the engine asks of a container's StopSignal when it is created. Names are good with and without `SIG`,
    in any case. Raises InvalidParameter with the engine's text for 0 and for unknown names.
    """
    if re.fullmatch(r"[+-]?[0-9]{1,18}", signal):
        value = int(signal)
    else:
        name = signal.upper().removeprefix("SIG")
        value = _NUMBERS.get(name) or _real_time(name)
    if value == 0:
        raise InvalidParameter(f"invalid signal: {signal}")
    return value


def _real_time(name: str) -> int:
    match = _REAL_TIME.fullmatch(name)
    if match is None:
        return 0
    above, below = match.groups()
    return _FIRST_REAL_TIME + int(above or 0) if name.startswith("RTMIN") else _LAST - int(below or 0)


def parse(signal: str) -> tuple[int, str]:
    """Return the number and the usual name (`SIGTERM`, `SIGRTMIN+3`) of a signal that can be sent.

    Raises InvalidParameter with the engine's text for what is no signal, and for numbers that Linux does not let
    programs use. The engine puts `cannot kill container: NAME: ` in front of both when it was asked to kill.
    """
    value = number(signal)
    if value in _NAMES:
        return value, f"SIG{_NAMES[value]}"
    if not _FIRST_REAL_TIME <= value <= _LAST:
        raise InvalidParameter(f"the linux daemon does not support signal {value}")
    above = value - _FIRST_REAL_TIME
    if above <= 15:
        return value, f"SIGRTMIN+{above}" if above else "SIGRTMIN"
    return value, f"SIGRTMAX-{_LAST - value}" if value < _LAST else "SIGRTMAX"


def exit_code(signal: int) -> int:
    """Return the exit code of a process that this signal ended: 128 and its number."""
    return 128 + signal

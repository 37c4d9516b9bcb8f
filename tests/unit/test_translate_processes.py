from __future__ import annotations

import pytest

from d2k.errors import InvalidParameter, SystemFailure
from d2k.translate.processes import parse_listing, parse_ps, ps_command


def test_a_name_with_a_line_end_costs_only_its_own_row() -> None:
    good = "1 (sh) S 0 1 1 0 1 0 0 0 0 0 200 100 0 0 20 0 1 0 500 1 1"
    output = f"clock 100\nboot 0\nstat 0 {good}\ncmd sh\nstat 0 2 (two\ncmd lost\n"
    rows = parse_listing(output, 15.0)["Processes"]
    assert [row[-1] for row in rows] == ["sh"]


def test_listing() -> None:
    stat = "1 (my (prog) x) S 0 1 1 {tty} 1 0 0 0 0 0 200 100 0 0 20 0 1 0 500 1 1"
    output = "\n".join(
        [
            "clock 100",
            "boot 1767225600",
            "user 0 root",
            "user 0 toor",
            "stat 0 " + stat.format(tty=34816),
            "cmd my prog\x1f-x\x1f",
            "stat 7 " + stat.format(tty=0).replace("1 (", "22 (", 1),
            "cmd ",
        ]
    )
    assert parse_listing(output, 1767225600 + 15) == {
        "Titles": ["UID", "PID", "PPID", "C", "STIME", "TTY", "TIME", "CMD"],
        "Processes": [
            ["root", "1", "0", "30", "00:00", "pts/0", "00:00:03", "my prog -x"],
            ["7", "22", "0", "30", "00:00", "?", "00:00:03", "[my (prog) x]"],
        ],
    }


def test_ps() -> None:
    assert parse_ps("9\nPID   CMD\n  1 sleep 10  20\n  9 ps -o pid,cmd\n") == {
        "Titles": ["PID", "CMD"],
        "Processes": [["1", "sleep 10  20"]],
    }
    with pytest.raises(SystemFailure, match="Couldn't find PID field in ps output"):
        parse_ps("9\nCMD\nsleep\n")
    with pytest.raises(InvalidParameter):
        ps_command("'")

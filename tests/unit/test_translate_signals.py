import signal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from d2k.errors import InvalidParameter
from d2k.translate.signals import exit_code, number, parse


@pytest.mark.parametrize(
    ("text", "parsed"),
    [
        ("SIGTERM", (15, "SIGTERM")),
        ("term", (15, "SIGTERM")),
        ("sigKill", (9, "SIGKILL")),
        ("9", (9, "SIGKILL")),
        ("+9", (9, "SIGKILL")),
        ("IOT", (6, "SIGABRT")),
        ("CLD", (17, "SIGCHLD")),
        ("POLL", (29, "SIGIO")),
        ("STKFLT", (16, "SIGSTKFLT")),
        ("RTMIN", (34, "SIGRTMIN")),
        ("RTMIN+3", (37, "SIGRTMIN+3")),
        ("SIGRTMIN+15", (49, "SIGRTMIN+15")),
        ("rtmax", (64, "SIGRTMAX")),
        ("SIGRTMAX-14", (50, "SIGRTMAX-14")),
        ("64", (64, "SIGRTMAX")),
        ("34", (34, "SIGRTMIN")),
    ],
)
def test_signals(text, parsed):
    assert parse(text) == parsed


@pytest.mark.parametrize(
    "text", ["FOO", "SIGFOO", "0", "9x", " 9", "", "1.5", "RTMIN+16", "RTMAX-15", "RTMIN+0", "SIG"]
)
def test_no_signals(text):
    with pytest.raises(InvalidParameter) as caught:
        parse(text)
    assert str(caught.value) == f"invalid signal: {text}"


@pytest.mark.parametrize("value", [-1, 32, 33, 65, 999, 9999999999])
def test_numbers_that_cannot_be_sent(value):
    assert number(str(value)) == value
    with pytest.raises(InvalidParameter) as caught:
        parse(str(value))
    assert str(caught.value) == f"the linux daemon does not support signal {value}"


@given(st.sampled_from([one for one in signal.Signals if one.name not in ("SIGRTMIN", "SIGRTMAX")]))
def test_the_numbers_are_those_of_linux(one):
    assert parse(one.name) == (one.value, one.name)
    assert parse(str(one.value)) == (one.value, one.name)


@given(st.integers(34, 64))
def test_names_of_real_time_signals_come_back(value):
    assert parse(parse(str(value))[1])[0] == value


def test_exit_code():
    assert exit_code(9) == 137

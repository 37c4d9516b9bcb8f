from __future__ import annotations

import json
import logging
from collections.abc import Iterator

import pytest

from d2k import logs


@pytest.fixture(autouse=True)
def restore() -> Iterator[None]:
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    root.handlers[:] = handlers
    root.setLevel(level)


def test_text_lines_cannot_be_forged(capsys: pytest.CaptureFixture[str]) -> None:
    logs.configure("info", "text")
    logging.getLogger("d2k.test").warning("a\n2026 error b: %s", "c")
    moment, rest = capsys.readouterr().err.split(" ", 1)
    assert rest == "warn  d2k.test: a\\n2026 error b: c\n"
    assert moment.endswith("Z")


def test_json_lines_carry_the_traceback(capsys: pytest.CaptureFixture[str]) -> None:
    logs.configure("info", "json")
    try:
        int("x")
    except ValueError:
        logging.getLogger("d2k.test").exception("failed %d", 1)
    entry = json.loads(capsys.readouterr().err)
    assert entry.pop("exception").startswith("Traceback")
    assert entry.pop("time").endswith("Z")
    assert entry == {"level": "error", "logger": "d2k.test", "message": "failed 1"}


@pytest.mark.parametrize(
    ("level", "shown"),
    [
        ("debug", ["debug", "info", "warn", "error"]),
        ("info", ["info", "warn", "error"]),
        ("warn", ["warn", "error"]),
        ("error", ["error"]),
    ],
)
def test_levels(level: str, shown: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    logs.configure(level, "text")
    logger = logging.getLogger("d2k.test")
    for write in (logger.debug, logger.info, logger.warning, logger.error):
        write("x")
    assert [line.split()[1] for line in capsys.readouterr().err.splitlines()] == shown

"""How d2k writes its log: one line per record on stderr, as text or as JSON."""

from __future__ import annotations

import logging
import sys
import time
from typing import Any

import orjson

_LEVELS = {"debug": logging.DEBUG, "info": logging.INFO, "warn": logging.WARNING, "error": logging.ERROR}
_QUIET = ("urllib3", "kubernetes", "websocket")
"""Libraries whose lower levels say nothing about d2k, or quote headers that hold credentials."""


def configure(level: str, format: str) -> None:  # noqa: A002 - the setting's name
    """Send every record of `level` (debug, info, warn, error) and above to stderr as `text` or `json`.

    Replaces what was configured before. Raises KeyError for a level that does not exist.
    """
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonFormatter() if format == "json" else TextFormatter())
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(_LEVELS[level])
    for name in _QUIET:
        logging.getLogger(name).setLevel(max(_LEVELS[level], logging.WARNING))


def _level(record: logging.LogRecord) -> str:
    if record.levelno >= logging.ERROR:
        return "error"
    if record.levelno >= logging.WARNING:
        return "warn"
    return "info" if record.levelno >= logging.INFO else "debug"


def _time(record: logging.LogRecord) -> str:
    return f"{time.strftime('%Y-%m-%dT%H:%M:%S', time.gmtime(record.created))}.{int(record.msecs):03d}Z"


class TextFormatter(logging.Formatter):
    """`time level logger: message`, with a traceback on the lines below."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the record as text; line breaks in the message are shown as `\\n`, so nobody can forge a line."""
        message = record.getMessage().replace("\r", "\\r").replace("\n", "\\n")
        line = f"{_time(record)} {_level(record):<5} {record.name}: {message}"
        if record.exc_info and record.exc_info[0]:
            line += "\n" + self.formatException(record.exc_info)
        return line


class JsonFormatter(logging.Formatter):
    """One JSON object per line: `time`, `level`, `logger`, `message` and, where there is one, `exception`."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the record as one line of JSON."""
        entry: dict[str, Any] = {
            "time": _time(record),
            "level": _level(record),
            "logger": record.name,
            "message": record.getMessage(),
        }
        if record.exc_info and record.exc_info[0]:
            entry["exception"] = self.formatException(record.exc_info)
        return orjson.dumps(entry).decode()

"""The gunicorn server that runs d2k: one worker, one greenlet per connection.

Import this only after `gevent.monkey.patch_all()`.
"""

from __future__ import annotations

import gc
import logging
import os
import sys
from pathlib import Path
from typing import Any, NoReturn

import gevent
import gunicorn.http.message
import gunicorn.http.wsgi
from gunicorn.app.base import BaseApplication
from gunicorn.arbiter import Arbiter
from gunicorn.glogging import Logger

from d2k import __version__, logs
from d2k.config import Config
from d2k.http.version import SERVER

LINE_LIMIT = 128 * 1024
"""The longest request line, in bytes. Filters travel in it, and gunicorn's own 8 KiB are too few for Compose's."""

HEADER_LIMIT = 64 * 1024
"""The longest header, in bytes: X-Registry-Config carries the credentials of every registry."""

log = logging.getLogger(__name__)


def serve(config: Config) -> NoReturn:
    """Serve until a signal stops it; leaves through SystemExit, with status 1 when the server cannot start."""
    logs.configure(config.log_level, config.log_format)
    # gunicorn caps its setting at this number, and writes this name into each head.
    gunicorn.http.message.MAX_REQUEST_LINE = LINE_LIMIT
    gunicorn.http.wsgi.SERVER = SERVER
    master = os.getpid()
    try:
        Server(config).run()
    except SystemExit as stop:
        # Gunicorn's own number for a server without a worker means nothing to a user. The worker is a fork and leaves
        # through here too, and to the master the number does mean something.
        if os.getpid() == master and stop.code == Arbiter.WORKER_BOOT_ERROR:
            sys.exit(1)
        raise
    sys.exit(0)


class Server(BaseApplication):  # type: ignore[misc]  # gunicorn has no types
    """gunicorn with d2k's settings; the Flask application is built in the worker."""

    def __init__(self, config: Config) -> None:
        self._config = config
        super().__init__()

    def load_config(self) -> None:
        """Set gunicorn's settings; gunicorn's own environment variables and files are not read."""
        for name, value in settings(self._config).items():
            self.cfg.set(name, value)

    def load(self) -> Any:
        """Build the application; a cluster that cannot be used is one line in the log and the end of the server."""
        from d2k.app import StartError, create_app  # noqa: PLC0415 - only the worker holds the cluster's connections

        try:
            return create_app(self._config)
        except StartError as error:
            log.error("d2k cannot start: %s", error)  # noqa: TRY400 - one line: a traceback helps no operator
            sys.exit(Arbiter.WORKER_BOOT_ERROR)


def settings(config: Config) -> dict[str, Any]:
    """Return gunicorn's settings for a configuration; times are in seconds."""
    host = f"[{config.host}]" if ":" in config.host else config.host

    def started(worker: Any) -> None:  # noqa: ARG001 - gunicorn's signature
        _settle()
        log.info("d2k %s serves the namespace %s on %s:%d", __version__, config.namespace, host, config.port)

    return {
        "bind": f"{host}:{config.port}",
        "workers": 1,
        "worker_class": "d2k.worker.Worker",
        "worker_connections": 4096,
        # Go's clients keep idle connections for 90 s; closing one under a POST makes that fail.
        "keepalive": 120,
        # Only a worker whose loop stands still this long is replaced; long streams do not count.
        "timeout": 120,
        "graceful_timeout": 30,
        "limit_request_line": LINE_LIMIT,
        "limit_request_field_size": HEADER_LIMIT,
        "http_parser": "python",
        "control_socket_disable": True,
        # The root file system may be read-only.
        **({"worker_tmp_dir": "/dev/shm"} if Path("/dev/shm").is_dir() else {}),  # noqa: S108
        "logger_class": GunicornLogger,
        "accesslog": None,
        "loglevel": "debug" if config.log_level == "debug" else "warning",
        "proc_name": "d2k",
        "post_request": _yield_once,
        "post_worker_init": started,
    }


def _settle() -> None:
    # The modules stay for good: without them each full collection is short, and it stops every stream.
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 20)


def _yield_once(worker: Any, request: Any, environ: Any, response: Any) -> None:  # noqa: ARG001 - gunicorn's signature
    # A greenlet switches only when it would block. A client whose next request is there already would keep the loop.
    gevent.sleep(0)


class GunicornLogger(Logger):  # type: ignore[misc]  # gunicorn has no types
    """Sends gunicorn's own messages through d2k's log."""

    def setup(self, cfg: Any) -> None:
        """Use d2k's handler in place of gunicorn's."""
        super().setup(cfg)
        self.error_log.handlers[:] = []
        self.error_log.propagate = True
        self.error_log.filters[:] = [_unless_boot_failed]


def _unless_boot_failed(record: logging.LogRecord) -> bool:
    """Return whether to keep a record: what follows a worker that could not start was said by the worker."""
    text = record.getMessage()
    if record.levelno < logging.ERROR:
        return True
    return not (
        text.endswith(f"exited with code {Arbiter.WORKER_BOOT_ERROR}.")
        or text.startswith("Shutting down: ")
        or text == "Reason: Worker failed to boot."
    )

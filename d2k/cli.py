"""The console command `d2k`."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from dataclasses import fields
from typing import NoReturn

from d2k import __version__
from d2k.config import Config, ConfigError


def main(argv: Sequence[str] | None = None) -> NoReturn:
    """Serve until told to stop, and leave through SystemExit.

    Exit status: 0 after a stop, 1 when the server cannot start, 2 for a setting or an argument that is not valid.
    """
    _parser().parse_args(argv)
    try:
        config = Config.from_environment(os.environ)
    except ConfigError as error:
        sys.stderr.write(f"d2k: {error}\n")
        sys.exit(2)
    # Sockets, locks and ssl must be gevent's before any module takes hold of the plain ones.
    from gevent import monkey

    monkey.patch_all()
    from d2k.server import serve

    serve(config)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="d2k",
        description="Serve the Docker Engine API from one namespace of a Kubernetes cluster.",
        epilog=_settings(),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=f"d2k {__version__}")
    return parser


def _settings() -> str:
    """Return the settings, one environment variable each, as the second half of the help."""
    lines = ["environment variables:"]
    for setting in fields(Config):
        meaning, default = setting.metadata["doc"], setting.metadata["default"] or "empty"
        lines.append(f"  {setting.metadata['env']:<26} {meaning} (default: {default})")
    return "\n".join(lines)

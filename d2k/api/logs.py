"""GET /containers/{id}/logs."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import closing

from flask import Blueprint, Response, g, request

from d2k.http import guard, query, stdcopy
from d2k.http.hijack import content_type
from d2k.services.logs import LogOptions, Logs


def blueprint(service: Logs) -> Blueprint:
    """Return the route of a container's log."""
    routes = Blueprint("logs", __name__)

    @routes.get("/containers/<reference>/logs")
    def logs(reference: str) -> Response:
        options = LogOptions(
            stdout=query.boolean(request.args, "stdout"),
            stderr=query.boolean(request.args, "stderr"),
            follow=query.boolean(request.args, "follow"),
            since=query.timestamp(request.args, "since"),
            until=query.timestamp(request.args, "until"),
            timestamps=query.boolean(request.args, "timestamps"),
            tail=_tail(request.args.get("tail", "")),
            details=query.boolean(request.args, "details"),
        )
        tty, lines = service.read(reference, options)
        return guard.stream(lines if tty else _framed(lines), content_type(g.api_version, tty=tty), "logs")

    return routes


def _framed(lines: Generator[bytes, None, None]) -> Generator[bytes, None, None]:
    with closing(lines):
        for text in lines:
            yield from stdcopy.frames(stdcopy.STDOUT, text)


def _tail(text: str) -> int | None:
    """Return how many lines are wanted; as in the engine, whatever is no such number means all."""
    return int(text) if text.isascii() and text.isdigit() and len(text) < 10 else None

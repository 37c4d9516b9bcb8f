"""`/version`, `/info`, and d2k's own `/metrics`, `/healthz`, `/readyz` (Docker API, System)."""

from __future__ import annotations

from collections.abc import Callable

from flask import Blueprint, Response
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

from d2k.http import answers
from d2k.services.system import System


def blueprint(system: System, ready: Callable[[], bool]) -> Blueprint:
    """Return the routes; `ready` says whether every reflector has listed its objects."""
    routes = Blueprint("system", __name__)

    @routes.get("/version")
    def version() -> Response:
        return answers.json(system.version())

    @routes.get("/info")
    def info() -> Response:
        return answers.json(system.info())

    @routes.get("/metrics")
    def metrics() -> Response:
        return Response(generate_latest(), content_type=CONTENT_TYPE_LATEST)

    @routes.get("/healthz")
    def healthz() -> Response:
        return answers.text("ok\n")

    @routes.get("/readyz")
    def readyz() -> Response:
        return answers.text("ok\n") if ready() else answers.text("the cache is not filled yet\n", 503)

    return routes

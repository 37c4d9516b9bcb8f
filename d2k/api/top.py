"""GET /containers/{id}/top."""

from __future__ import annotations

from flask import Blueprint, Response, request

from d2k.http import answers
from d2k.services.top import Top


def blueprint(service: Top) -> Blueprint:
    """Return the route of a container's processes."""
    routes = Blueprint("top", __name__)

    @routes.get("/containers/<reference>/top")
    def top(reference: str) -> Response:
        return answers.json(service.top(reference, request.args.get("ps_args", "")))

    return routes

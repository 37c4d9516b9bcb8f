"""POST /containers/{id}/attach and /resize."""

from __future__ import annotations

from flask import Blueprint, Response, g, request

from d2k.api.duplex import HijackedClient
from d2k.http import answers, query
from d2k.http.hijack import Connection, Hijack, content_type
from d2k.services.attach import Attachments, AttachOptions


def blueprint(service: Attachments) -> Blueprint:
    """Return the routes of attached clients."""
    routes = Blueprint("attach", __name__)

    @routes.post("/containers/<reference>/attach")
    def attach(reference: str) -> Response:
        options = AttachOptions(
            stdin=query.boolean(request.args, "stdin"),
            stdout=query.boolean(request.args, "stdout"),
            stderr=query.boolean(request.args, "stderr"),
            stream=query.boolean(request.args, "stream"),
            logs=query.boolean(request.args, "logs"),
            detach_keys=request.args.get("detachKeys", ""),
        )
        container = service.prepare(reference, options)

        def session(connection: Connection) -> None:
            service.run(container, options, HijackedClient(connection, tty=container.tty))

        return Hijack(content_type(g.api_version, tty=container.tty), session, "attach")

    @routes.post("/containers/<reference>/resize")
    def resize(reference: str) -> Response:
        service.resize(reference, *query.dimensions(request.args))
        return answers.empty(200)

    return routes

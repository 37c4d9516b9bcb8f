"""The routes of commands in running containers."""

from __future__ import annotations

from flask import Blueprint, Response, g, request

from d2k.api.duplex import HijackedClient
from d2k.http import answers, query
from d2k.http.hijack import Connection, Hijack, content_type
from d2k.schemas.base import load_body
from d2k.schemas.exec import ExecCreate, ExecStart
from d2k.services.execs import Execs

_CREATE, _START = ExecCreate(), ExecStart()


def blueprint(service: Execs) -> Blueprint:
    """Return the routes of exec."""
    routes = Blueprint("exec", __name__)

    @routes.post("/containers/<reference>/exec")
    def create(reference: str) -> Response:
        return answers.json({"Id": service.create(reference, load_body(_CREATE, request))}, 201)

    @routes.post("/exec/<identifier>/start")
    def start(identifier: str) -> Response:
        body = load_body(_START, request)
        if body.get("Detach"):
            service.start_detached(identifier)
            return answers.empty(200)
        tty = bool(body.get("Tty"))
        stored = service.find(identifier)

        def session(connection: Connection) -> None:
            service.run(stored, HijackedClient(connection, tty=tty), tty=tty, size=body.get("ConsoleSize"))

        return Hijack(content_type(g.api_version, tty=tty), session, "exec")

    @routes.post("/exec/<identifier>/resize")
    def resize(identifier: str) -> Response:
        service.resize(identifier, *query.dimensions(request.args))
        return answers.empty(200)

    @routes.get("/exec/<identifier>/json")
    def inspect(identifier: str) -> Response:
        return answers.json(service.inspect(identifier))

    return routes

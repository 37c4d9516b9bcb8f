"""The volume endpoints (Docker API 1.51, Volume)."""

from __future__ import annotations

from flask import Blueprint, Response, g, request

from d2k.errors import InvalidParameter, Unavailable
from d2k.http import answers, query
from d2k.schemas.base import load_body
from d2k.schemas.volumes import VolumeCreateSchema
from d2k.services.volumes import Volumes

_CREATE = VolumeCreateSchema()


def blueprint(service: Volumes) -> Blueprint:
    """Return the routes below `/volumes`."""
    routes = Blueprint("volumes", __name__)

    @routes.get("/volumes")
    def list_volumes() -> Response:
        try:
            filters = query.filters(request.args)
        except InvalidParameter as error:
            raise InvalidParameter(f"error reading volume filters: {error}") from error
        return answers.json({"Volumes": service.list_all(filters), "Warnings": None})

    @routes.get("/volumes/<path:name>")
    def inspect_volume(name: str) -> Response:
        return answers.json(service.inspect(name))

    @routes.post("/volumes/create")
    def create_volume() -> Response:
        return answers.json(service.create(load_body(_CREATE, request)), 201)

    @routes.put("/volumes/<path:name>")
    def update_volume(name: str) -> Response:  # noqa: ARG001 - the answer is the same for every volume
        raise Unavailable("volume update only valid for cluster volumes, but swarm is unavailable")

    @routes.delete("/volumes/<path:name>")
    def remove_volume(name: str) -> Response:
        service.remove(name, force=query.boolean(request.args, "force"))
        return answers.empty(204)

    @routes.post("/volumes/prune")
    def prune_volumes() -> Response:
        return answers.json(service.prune(query.filters(request.args), g.api_version))

    return routes

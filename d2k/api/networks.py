"""The network endpoints (Docker API 1.51, Network)."""

from __future__ import annotations

import json
from collections.abc import Mapping

from flask import Blueprint, Response, g, request

from d2k.errors import InvalidParameter
from d2k.http import answers, query
from d2k.schemas.base import load_body
from d2k.schemas.networks import ConnectSchema, DisconnectSchema, NetworkCreateSchema
from d2k.services.networks import Networks

_CREATE, _CONNECT, _DISCONNECT = NetworkCreateSchema(), ConnectSchema(), DisconnectSchema()
# Until this version the list shows each network's containers, too.
_PLAIN_LIST = (1, 28)
# Go's strconv.ParseBool, which `verbose` is read with.
_BOOLEANS = frozenset(("1", "t", "T", "TRUE", "true", "True", "0", "f", "F", "FALSE", "false", "False"))


def blueprint(service: Networks) -> Blueprint:
    """Return the routes below `/networks`."""
    routes = Blueprint("networks", __name__)

    @routes.get("/networks")
    def list_networks() -> Response:
        filters = query.filters(request.args)
        return answers.json(service.list_all(filters, containers=g.api_version < _PLAIN_LIST))

    @routes.get("/networks/<path:reference>")
    def inspect_network(reference: str) -> Response:
        _check_verbose(request.args)
        return answers.json(service.inspect(reference, request.args.get("scope", "")))

    @routes.post("/networks/create")
    def create_network() -> Response:
        return answers.json(service.create(load_body(_CREATE, request)), 201)

    @routes.post("/networks/<path:reference>/connect")
    def connect(reference: str) -> Response:
        body = load_body(_CONNECT, request)
        service.connect(reference, body["Container"], body.get("EndpointConfig") or {})
        return answers.empty(200)

    @routes.post("/networks/<path:reference>/disconnect")
    def disconnect(reference: str) -> Response:
        body = load_body(_DISCONNECT, request)
        service.disconnect(reference, body["Container"], force=body["Force"])
        return answers.empty(200)

    @routes.delete("/networks/<path:reference>")
    def remove_network(reference: str) -> Response:
        service.remove(reference)
        return answers.empty(204)

    @routes.post("/networks/prune")
    def prune_networks() -> Response:
        return answers.json(service.prune(query.filters(request.args)))

    return routes


def _check_verbose(args: Mapping[str, str]) -> None:
    # What it adds is swarm's; the value is checked as the engine does.
    value = args.get("verbose", "")
    if value and value not in _BOOLEANS:
        quoted = json.dumps(value, ensure_ascii=False)
        raise InvalidParameter(
            f"invalid value for verbose: {value}: strconv.ParseBool: parsing {quoted}: invalid syntax"
        )

"""`/containers/*`, but for the streams (Docker API, Container)."""

from __future__ import annotations

from collections.abc import Callable, Generator
from dataclasses import dataclass
from functools import partial

from flask import Blueprint, Response, request

from d2k.errors import InvalidParameter
from d2k.http import answers, guard, query
from d2k.schemas.base import load_body
from d2k.schemas.containers import CreateRequest
from d2k.services.creation import Creation
from d2k.services.lifecycle import Lifecycle
from d2k.services.listing import Listing
from d2k.services.removal import Removal
from d2k.services.waiting import Outcome, Waiting

_CREATE = CreateRequest()
# The engine tolerates a start with a body of a few bytes: some clients send `{}`.
_START_BODY = 7


@dataclass(frozen=True)
class ContainerServices:
    """What the container calls need."""

    creation: Creation
    lifecycle: Lifecycle
    listing: Listing
    removal: Removal
    waiting: Waiting


def blueprint(services: ContainerServices) -> Blueprint:
    """Return the routes of containers."""
    routes = Blueprint("containers", __name__, url_prefix="/containers")
    _reading(routes, services)
    _life(routes, services)
    _ending(routes, services)
    return routes


def _reading(routes: Blueprint, services: ContainerServices) -> None:
    @routes.get("/json")
    def list_containers() -> Response:
        args = request.args
        filters = query.filters(args)
        for legacy in ("before", "since"):
            if args.get(legacy):
                filters.setdefault(legacy, []).append(args[legacy])
        rows = services.listing.list_all(
            filters,
            everything=query.boolean(args, "all"),
            limit=query.integer(args, "limit", 0),
            size=query.boolean(args, "size"),
        )
        return answers.json(rows)

    @routes.get("/<name>/json")
    def inspect_container(name: str) -> Response:
        return answers.json(services.listing.inspect(name, size=query.boolean(request.args, "size")))


def _life(routes: Blueprint, services: ContainerServices) -> None:
    lifecycle = services.lifecycle

    @routes.post("/create")
    def create_container() -> Response:
        body = load_body(_CREATE, request, needed=True)
        created = services.creation.create(request.args.get("name", ""), body, request.args.get("platform", ""))
        return answers.json({"Id": created.id, "Warnings": created.warnings}, 201)

    @routes.post("/<name>/start")
    def start_container(name: str) -> Response:
        if len(request.stream.read(_START_BODY + 1)) > _START_BODY:
            raise InvalidParameter(
                "starting container with non-empty request body was deprecated since API v1.22 and removed in v1.24"
            )
        lifecycle.start(name)
        return answers.empty(204)

    @routes.post("/<name>/stop")
    def stop_container(name: str) -> Response:
        lifecycle.stop(name, query.integer(request.args, "t"), request.args.get("signal", ""))
        return answers.empty(204)

    @routes.post("/<name>/restart")
    def restart_container(name: str) -> Response:
        lifecycle.restart(name, query.integer(request.args, "t"), request.args.get("signal", ""))
        return answers.empty(204)

    @routes.post("/<name>/kill")
    def kill_container(name: str) -> Response:
        lifecycle.kill(name, request.args.get("signal", ""))
        return answers.empty(204)

    @routes.post("/<name>/rename")
    def rename_container(name: str) -> Response:
        lifecycle.rename(name, request.args.get("name", ""))
        return answers.empty(204)


def _ending(routes: Blueprint, services: ContainerServices) -> None:
    @routes.post("/<name>/wait")
    def wait_container(name: str) -> Response:
        condition = request.args.get("condition", "")
        container = services.waiting.check(name, condition)
        return guard.stream(_waited(partial(services.waiting.wait, container, condition)), answers.JSON, "wait")

    @routes.delete("/<name>")
    def delete_container(name: str) -> Response:
        services.removal.delete(
            name,
            force=query.boolean(request.args, "force"),
            volumes=query.boolean(request.args, "v"),
            link=query.boolean(request.args, "link"),
        )
        return answers.empty(204)

    @routes.post("/prune")
    def prune_containers() -> Response:
        pruned = services.removal.prune(query.filters(request.args))
        return answers.json({"ContainersDeleted": pruned.ids or None, "SpaceReclaimed": 0})


def _waited(wait: Callable[[], Outcome]) -> Generator[bytes, None, None]:
    yield answers.encode(wait().document())

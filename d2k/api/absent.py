"""What d2k does not serve, answered as an engine whose feature is off."""

from __future__ import annotations

from collections.abc import Callable
from typing import NoReturn

from flask import Blueprint, Response

from d2k.errors import NotFound, NotSupported, Unavailable
from d2k.http import answers

_SWARM = (
    'This node is not a swarm manager. Use "docker swarm init" or "docker swarm join" to connect this node to swarm '
    "and try again."
)
_EVERY = ["GET", "POST", "PUT", "DELETE", "HEAD"]
_SWARM_PATHS = ("swarm", "nodes", "services", "tasks", "secrets", "configs")

# Route → what to say; each sentence names the way that does work.
_REFUSED = {
    "/containers/<name>/pause": "Kubernetes cannot freeze a container: use docker stop",
    "/containers/<name>/unpause": "Kubernetes cannot freeze a container: there is none to unpause",
    "/containers/<name>/changes": "Kubernetes does not tell which files changed: look with docker exec",
    "/containers/<name>/export": "d2k does not export file systems yet: use docker exec with tar",
    "/containers/<name>/archive": "d2k does not copy files yet: use docker exec with tar",
    "/containers/<name>/stats": "d2k does not serve stats yet: use kubectl top pod",
    "/containers/<name>/update": "d2k does not change a container's limits yet: create it again with new ones",
    "/containers/<name>/attach/ws": "d2k does not attach over WebSocket yet: use a client that hijacks the connection",
    "/events": "d2k does not stream events yet: use kubectl get events --watch",
    "/system/df": "d2k does not measure disk usage yet",
    "/session": "d2k builds no images: build elsewhere and push to a registry",
    "/auth": "d2k does not check registry logins yet: pull sends the credentials with each request",
    "/distribution/<path:name>/json": "d2k does not ask registries for manifests yet: use docker pull",
}


def blueprint() -> Blueprint:
    """Return the routes of everything that is not served."""
    routes = Blueprint("absent", __name__)
    for path in _SWARM_PATHS:
        for rule in (f"/{path}", f"/{path}/<path:rest>"):
            routes.add_url_rule(rule, endpoint=f"swarm:{rule}", view_func=_swarm, methods=_EVERY)
    for rule, sentence in _REFUSED.items():
        routes.add_url_rule(rule, endpoint=f"refused:{rule}", view_func=_refusal(sentence), methods=_EVERY)

    @routes.post("/build/prune")
    def prune_builds() -> Response:
        # There is no build cache to prune; `docker system prune` asks all the same.
        return answers.json({"CachesDeleted": None, "SpaceReclaimed": 0})

    @routes.get("/plugins")
    def plugins() -> Response:
        return answers.json([])

    @routes.get("/plugins/<path:name>/json")
    def plugin(name: str) -> NoReturn:
        raise NotFound(f'plugin "{name}" not found')

    return routes


def _swarm(**_: str) -> NoReturn:
    raise Unavailable(_SWARM)


def _refusal(sentence: str) -> Callable[..., NoReturn]:
    def refuse(**_: str) -> NoReturn:
        raise NotSupported(sentence)

    return refuse

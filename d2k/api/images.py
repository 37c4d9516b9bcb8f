"""The image endpoints (Docker API 1.51, Image), and those of images that Kubernetes has no equivalent of."""

from __future__ import annotations

from typing import NoReturn

from flask import Blueprint, Response, g, request

from d2k.errors import InvalidParameter, NotSupported
from d2k.http import answers, query
from d2k.services.images import Images

_PUSHED = "d2k keeps no image's layers: "


def blueprint(service: Images) -> Blueprint:
    """Return the routes below `/images`, with `/build` and `/commit`."""
    routes = Blueprint("images", __name__)
    _add_reads(routes, service)
    _add_writes(routes, service)
    _add_unsupported(routes)
    return routes


def _add_reads(routes: Blueprint, service: Images) -> None:
    @routes.get("/images/json")
    def list_images() -> Response:
        filters = query.filters(request.args)
        if g.api_version < (1, 41) and request.args.get("filter"):
            filters.setdefault("reference", []).append(request.args["filter"])
        shared_size = query.boolean(request.args, "shared-size")
        return answers.json(service.list_all(filters, g.api_version, shared_size=shared_size))

    @routes.get("/images/<path:name>/json")
    def inspect_image(name: str) -> Response:
        return answers.json(service.inspect(name, g.api_version, request.args.get("platform", "")))

    @routes.get("/images/<path:name>/history")
    def image_history(name: str) -> Response:
        return answers.json(service.history(name))


def _add_writes(routes: Blueprint, service: Images) -> None:
    @routes.post("/images/create")
    def create_image() -> Response:
        args = request.args
        if args.get("fromSrc"):
            raise NotSupported(
                "docker import is not supported: build an image of the archive (FROM scratch, ADD), push it to a "
                "registry and pull it by its name"
            )
        if not args.get("fromImage"):
            raise InvalidParameter("fromImage is missing: name the image to pull")
        registry_auth = request.headers.get("X-Registry-Auth", "")
        messages = service.pull(args["fromImage"], args.get("tag", ""), args.get("platform", ""), registry_auth)
        return answers.json_stream(messages)

    @routes.post("/images/<path:name>/tag")
    def tag_image(name: str) -> Response:
        service.tag(name, request.args.get("repo", ""), request.args.get("tag", ""))
        return answers.empty(201)

    @routes.delete("/images/<path:name>")
    def remove_image(name: str) -> Response:
        return answers.json(service.remove(name, force=query.boolean(request.args, "force")))

    @routes.post("/images/prune")
    def prune_images() -> Response:
        return answers.json(service.prune(query.filters(request.args)))


def _add_unsupported(routes: Blueprint) -> None:
    @routes.post("/images/load")
    def load_images() -> NoReturn:
        raise NotSupported(f"docker load is not supported: {_PUSHED}push the image to a registry and pull it instead")

    @routes.get("/images/get")
    @routes.get("/images/<path:name>/get")
    def save_images(name: str = "") -> NoReturn:  # noqa: ARG001 - the answer is the same for every image
        raise NotSupported(f"docker save is not supported: {_PUSHED}copy it from its registry, with skopeo for example")

    @routes.post("/images/<path:name>/push")
    def push_image(name: str) -> NoReturn:  # noqa: ARG001 - the answer is the same for every image
        raise NotSupported(
            f"docker push is not supported: {_PUSHED}push from where the image was built, or copy it between "
            "registries, with skopeo for example"
        )

    @routes.get("/images/search")
    def search_images() -> NoReturn:
        raise NotSupported("docker search is not supported: search on the registry's own web page and pull by name")

    @routes.post("/build")
    def build_image() -> NoReturn:
        raise NotSupported(
            "docker build is not supported: build with docker buildx, BuildKit or buildah and push to a registry, "
            "then pull the image by its name"
        )

    @routes.post("/commit")
    def commit_container() -> NoReturn:
        raise NotSupported(
            "docker commit is not supported: Kubernetes cannot make an image of a container; write a Dockerfile, "
            "build it elsewhere and push it to a registry"
        )

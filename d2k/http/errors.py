"""Turns whatever a view raises into Docker's answer: a status and `{"message": …}`."""

from __future__ import annotations

import logging

from flask import Flask, Response, request
from werkzeug.exceptions import HTTPException
from werkzeug.wrappers import Response as BaseResponse

from d2k.cluster.errors import KubeError
from d2k.errors import DockerError
from d2k.http import answers
from d2k.translate.refusals import explain

log = logging.getLogger(__name__)


def register(app: Flask) -> None:
    """Install the handlers; afterwards no failure of a view is answered in HTML or with a traceback."""
    app.register_error_handler(DockerError, _docker)
    app.register_error_handler(KubeError, _kubernetes)
    app.register_error_handler(HTTPException, _http)
    app.register_error_handler(Exception, _defect)


def _docker(error: DockerError) -> Response:
    if error.status == 304:
        return answers.empty(304)
    return answers.message(str(error), error.status)


def _kubernetes(error: KubeError) -> Response:
    explained = explain(error)
    log.warning(
        "%s %s: the API server answered %d %s: %s",
        request.method,
        request.path,
        error.status,
        error.reason,
        error.message,
    )
    return _docker(explained)


def _http(error: HTTPException) -> BaseResponse:
    code = error.code or 500
    if code in (404, 405):
        # The Engine has no 405: a route is a path and a method.
        return answers.message("page not found", 404)
    if code < 400:
        return error.get_response()
    return answers.message(error.description or error.name, code)


def _defect(error: Exception) -> Response:
    log.error("%s %s failed", request.method, request.path, exc_info=error)
    return answers.message("d2k met an internal error; its log says more", 500)

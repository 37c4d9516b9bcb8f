from __future__ import annotations

import logging
from typing import Any

import flask
import pytest

from d2k import errors as kinds
from d2k.cluster.errors import KubeUnavailableError, from_status
from d2k.http import errors


def answer(error: Exception) -> Any:
    app = flask.Flask(__name__)
    errors.register(app)

    @app.get("/")
    def fail() -> str:
        raise error

    return app.test_client().get("/")


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (kinds.InvalidParameter("no"), 400),
        (kinds.NotFound("no"), 404),
        (kinds.Conflict("no"), 409),
        (kinds.SystemFailure("no"), 500),
        (kinds.NotSupported("no"), 501),
        (kinds.Unavailable("no"), 503),
    ],
)
def test_docker_errors(error: Exception, status: int) -> None:
    response = answer(error)
    assert (response.status_code, response.content_type, response.data) == (
        status,
        "application/json",
        b'{"message":"no"}\n',
    )


def test_not_modified_has_no_body() -> None:
    response = answer(kinds.NotModified("is running"))
    assert (response.status_code, response.data, response.content_type) == (304, b"", None)


def test_an_unavailable_cluster() -> None:
    response = answer(KubeUnavailableError(0, "", "connection refused"))
    assert (response.status_code, response.json) == (
        503,
        {"message": "the Kubernetes API is not available, try again later: connection refused"},
    )


def test_other_refusals_are_explained() -> None:
    response = answer(from_status(403, {"message": 'pods "a" is forbidden: maximum cpu usage is 1'}))
    assert (response.status_code, response.json) == (
        403,
        {"message": "the cluster's policy forbids this: maximum cpu usage is 1"},
    )


def test_a_defect_is_logged_and_tells_nothing(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.ERROR):
        response = answer(RuntimeError("secret"))
    assert (response.status_code, response.json) == (500, {"message": "d2k met an internal error; its log says more"})
    assert [(record.getMessage(), record.exc_info is not None) for record in caplog.records] == [("GET / failed", True)]


def test_routes_that_do_not_exist() -> None:
    app = flask.Flask(__name__)
    errors.register(app)
    app.get("/here")(lambda: "")
    client = app.test_client()
    for response in (client.get("/nothing"), client.post("/here")):
        assert (response.status_code, response.json) == (404, {"message": "page not found"})


def test_redirects_stay() -> None:
    app = flask.Flask(__name__)
    errors.register(app)
    app.get("/here/")(lambda: "")
    assert app.test_client().get("/here").status_code == 308


def test_other_http_errors_have_a_message() -> None:
    app = flask.Flask(__name__)
    errors.register(app)

    @app.get("/")
    def fail() -> str:
        flask.abort(413)

    response = app.test_client().get("/")
    assert response.status_code == 413
    assert list(response.json or {}) == ["message"]

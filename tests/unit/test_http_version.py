from __future__ import annotations

from typing import Any

import flask
import pytest
from werkzeug.test import TestResponse

from d2k import __version__
from d2k.http import errors
from d2k.http.version import ENVIRON, VersionPrefix


@pytest.fixture
def client() -> Any:
    app = flask.Flask(__name__)
    errors.register(app)

    @app.get("/images/<path:name>/json")
    def image(name: str) -> dict[str, Any]:
        environ = flask.request.environ
        return {"name": name, "version": environ[ENVIRON], "script": environ["SCRIPT_NAME"]}

    app.wsgi_app = VersionPrefix(app.wsgi_app)  # type: ignore[method-assign]
    return app.test_client()


def ask(client: Any, path: str, **headers: str) -> TestResponse:
    response: TestResponse = client.get(path, headers=headers)
    return response


@pytest.mark.parametrize(
    ("path", "version", "script"),
    [
        ("/images/a/b:c/json", [1, 51], ""),
        ("/v1.24/images/a/b:c/json", [1, 24], "/v1.24"),
        ("/v1.51/images/a/b:c/json", [1, 51], "/v1.51"),
        ("/v01.045/images/a%2Fb:c/json", [1, 45], "/v01.045"),
    ],
)
def test_the_prefix_becomes_the_version(client: Any, path: str, version: list[int], script: str) -> None:
    assert ask(client, path).json == {"name": "a/b:c", "version": version, "script": script}


@pytest.mark.parametrize("version", ["1.23", "1", "0.9", "1.", ".51"])
def test_too_old(client: Any, version: str) -> None:
    response = ask(client, f"/v{version}/images/a/json")
    assert (response.status_code, response.json) == (
        400,
        {
            "message": f"client version {version} is too old. Minimum supported API version is 1.24, "
            "please upgrade your client to a newer version"
        },
    )


@pytest.mark.parametrize("version", ["1.52", "1.99", "2", "1.51.1"])
def test_too_new(client: Any, version: str) -> None:
    response = ask(client, f"/v{version}/images/a/json")
    assert (response.status_code, response.json) == (
        400,
        {"message": f"client version {version} is too new. Maximum supported API version is 1.51"},
    )


@pytest.mark.parametrize("path", ["/v1.a/images/a/json", "/vx/images/a/json", "/V1.51/images/a/json", "/v1.51", "/v"])
def test_a_malformed_prefix_is_a_path(client: Any, path: str) -> None:
    response = ask(client, path)
    assert (response.status_code, response.json) == (404, {"message": "page not found"})


@pytest.mark.parametrize("path", ["/images/a/json", "/nothing", "/v1.99/images/a/json"])
def test_every_answer_says_who_answers(client: Any, path: str) -> None:
    headers = ask(client, path).headers
    assert {name: headers[name] for name in ("Api-Version", "Docker-Experimental", "Ostype", "Server")} == {
        "Api-Version": "1.51",
        "Docker-Experimental": "false",
        "Ostype": "linux",
        "Server": f"Docker/{__version__} (linux)",
    }


@pytest.mark.parametrize("origin", ["http://evil.example", "null", ""])
def test_web_pages_are_refused(client: Any, origin: str) -> None:
    response = ask(client, "/images/a/json", Origin=origin)
    assert (response.status_code, response.json) == (
        403,
        {"message": "requests from web pages are not served: the Origin header is not allowed"},
    )

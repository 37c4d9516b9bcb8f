from __future__ import annotations

from typing import Any

import pytest
from werkzeug.test import Client

from d2k.errors import NotFound
from d2k.http.shortcuts import Shortcuts


def application(environ: Any, start_response: Any) -> list[bytes]:
    start_response("404 NOT FOUND", [("Content-Type", "text/x-application")])
    return [f"{environ['REQUEST_METHOD']} {environ['PATH_INFO']}?{environ['QUERY_STRING']}".encode()]


def inspect(reference: str) -> Any:
    if reference == "broken":
        raise RuntimeError("a defect")
    if reference != "web":
        raise NotFound(f"No such container: {reference}")
    return {"Id": "1" * 64}


def ask(method: str, path: str) -> tuple[int, dict[str, str], bytes]:
    answer = Client(Shortcuts(application, inspect)).open(path, method=method)
    return answer.status_code, dict(answer.headers), answer.data


PING = {
    "Content-Type": "text/plain; charset=utf-8",
    "Content-Length": "2",
    "Cache-Control": "no-cache, no-store, must-revalidate",
    "Pragma": "no-cache",
    "Builder-Version": "1",
    "Swarm": "inactive",
}


@pytest.mark.parametrize(("method", "body"), [("GET", b"OK"), ("HEAD", b"")])
def test_ping(method: str, body: bytes) -> None:
    assert ask(method, "/_ping") == (200, PING, body)


def test_a_plain_inspect() -> None:
    body = b'{"Id":"' + b"1" * 64 + b'"}\n'
    expected = (200, {"Content-Type": "application/json", "Content-Length": str(len(body))}, body)
    assert ask("GET", "/containers/web/json") == expected


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", "/_ping"),
        ("GET", "/_ping/"),
        ("GET", "/containers/json"),
        ("GET", "/containers/web/json?size=1"),
        ("HEAD", "/containers/web/json"),
        ("GET", "/containers/web/logs"),
        ("GET", "/containers/none/json"),
        ("GET", "/containers/broken/json"),
        ("GET", "/containers/%C3%A4/json"),
    ],
)
def test_the_application_answers_everything_else(method: str, path: str) -> None:
    status, headers, _ = ask(method, path)
    assert (status, headers["Content-Type"]) == (404, "text/x-application")

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from contextlib import suppress
from typing import Any

import gevent
import pytest
from gunicorn.config import Config
from gunicorn.http.parser import RequestParser

from d2k.http.repeats import Repeats

ADDRESS = ("127.0.0.1", 4711)
LISTENER = ("127.0.0.1", 2375)
PING = b"GET /v1.51/_ping HTTP/1.1\r\nHost: h\r\nX-Meta-Tag: a\r\n\r\n"
OTHER = b"GET /events HTTP/1.1\r\nHost: h\r\n\r\n"


class Sock:
    def __init__(self) -> None:
        self.sent: list[bytes] = []

    def sendall(self, data: bytes) -> None:
        self.sent.append(data)


class Served:
    """A connection on which each chunk arrives by itself, served as the worker does: gunicorn reads what is left."""

    def __init__(self, *chunks: bytes) -> None:
        self.sock = Sock()
        self.asked: list[Any] = []
        self.paths: list[str] = []
        config = Config()
        repeats = Repeats(config)
        parser = RequestParser(config, iter(chunks), ADDRESS)
        with suppress(StopIteration):
            while True:
                request = next(parser)
                self.paths.append(request.path)
                if request.body:
                    request.body.read()
                repeats.serve(self.application, LISTENER, request, self.sock, ADDRESS)  # type: ignore[arg-type]

    def application(self, environ: Any, start_response: Any) -> Iterable[bytes]:
        names = ("REQUEST_METHOD", "PATH_INFO", "HTTP_X_META_TAG", "QUERY_STRING", "REMOTE_PORT")
        self.asked.append({name: environ.get(name) for name in names})
        assert environ["gunicorn.socket"] is self.sock
        assert environ["wsgi.input"].read() == b""
        environ["PATH_INFO"] = "changed"
        start_response("200 OK", [("Content-Length", "4"), ("Ostype", "linux")])
        return self.body()

    def body(self) -> Iterator[bytes]:
        yield b"ab"
        yield b"cd"


def test_from_its_third_time_on_a_request_is_answered_here() -> None:
    served = Served(PING, PING, PING, PING, OTHER)
    assert served.paths == ["/v1.51/_ping", "/v1.51/_ping", "/events"]
    expected = {
        "REQUEST_METHOD": "GET",
        "PATH_INFO": "/v1.51/_ping",
        "HTTP_X_META_TAG": "a",
        "QUERY_STRING": "",
        "REMOTE_PORT": "4711",
    }
    assert served.asked == [expected, expected]
    answers = [re.sub(rb"(?m)^Date: [^\r]*", b"Date: now", data) for data in served.sock.sent]
    head = b"HTTP/1.1 200 OK\r\nServer: %b\r\nDate: now\r\nConnection: keep-alive\r\n"
    server = re.search(rb"Server: ([^\r]*)", answers[0])
    assert server is not None
    assert answers == [(head % server[1]) + b"Content-Length: 4\r\nOstype: linux\r\n\r\nabcd"] * 2


@pytest.mark.parametrize(
    "request_bytes",
    [
        OTHER,
        PING.replace(b"GET", b"HEAD"),
        PING.replace(b"HTTP/1.1\r\n", b"HTTP/1.1\r\nConnection: Upgrade\r\nUpgrade: tcp\r\n"),
        PING.replace(b"HTTP/1.1\r\n", b"HTTP/1.1\r\nContent-Length: 2\r\n") + b"{}",
        b"GET /containers/a/logs?follow=1 HTTP/1.1\r\nHost: h\r\n\r\n",
        b"POST /containers/json HTTP/1.1\r\nHost: h\r\n\r\n",
    ],
)
def test_everything_else_is_left_to_gunicorn(request_bytes: bytes) -> None:
    served = Served(*[request_bytes] * 4)
    assert len(served.paths) == 4
    assert served.sock.sent == []


def test_requests_that_arrive_together_or_in_parts_are_all_answered_in_their_order() -> None:
    served = Served(PING, PING + OTHER, PING + PING, PING[:10], PING[10:])
    assert served.paths == ["/v1.51/_ping", "/v1.51/_ping", "/events", "/v1.51/_ping", "/v1.51/_ping", "/v1.51/_ping"]
    assert served.sock.sent == []


def test_bytes_stand_for_their_own_request_alone() -> None:
    post = b"POST /containers/a/start HTTP/1.1\r\nHost: h\r\n\r\n"
    served = Served(PING, post, PING, post, post)
    assert served.paths == ["/v1.51/_ping", "/containers/a/start"] * 2 + ["/containers/a/start"]
    assert served.sock.sent == []


def test_a_connection_that_is_to_be_closed_is_not_read_on() -> None:
    config = Config()
    closing = PING.replace(b"HTTP/1.1\r\n", b"HTTP/1.1\r\nConnection: close\r\n")
    request = next(RequestParser(config, iter([closing]), ADDRESS))
    Repeats(config).serve(Served.application, LISTENER, request, Sock(), ADDRESS)  # type: ignore[arg-type]
    assert request.unreader.read() == b""


def test_a_connection_on_which_nothing_comes_is_closed_after_a_while() -> None:
    class Silent:
        unreader: Any
        method, path, version = "GET", "/_ping", (1, 1)

        def should_close(self) -> bool:
            return False

        def read(self) -> bytes:
            gevent.sleep(10)
            return b""

    config = Config()
    config.settings["keepalive"].value = 0.01
    request = Silent()
    request.unreader = request
    with pytest.raises(StopIteration):
        Repeats(config).serve(Served.application, LISTENER, request, Sock(), ADDRESS)  # type: ignore[arg-type]

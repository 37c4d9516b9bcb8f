"""The answers that a view returns, in the bytes that Docker clients expect.

The Engine ends every JSON document with a newline, and its `Content-Type` is `application/json` and nothing more:
with a charset the Docker CLI shows an error's raw JSON instead of its message.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from itertools import chain
from typing import Any

import orjson
from flask import Response

from d2k.errors import DockerError

JSON = "application/json"
TEXT = "text/plain; charset=utf-8"


def encode(body: Any) -> bytes:
    """Return `body` as one JSON document with a newline at its end."""
    return orjson.dumps(body, option=orjson.OPT_APPEND_NEWLINE)


def json(body: Any, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    """Return an answer whose body is `body` as JSON."""
    return Response(encode(body), status=status, headers=dict(headers or {}), content_type=JSON)


def empty(status: int = 204) -> Response:
    """Return an answer without a body and without a Content-Type; 204 and 304 have no Content-Length either."""
    response = Response(b"", status=status)
    response.headers.pop("Content-Type", None)
    return response


def text(body: str, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    """Return an answer in plain text."""
    return Response(body.encode(), status=status, headers=dict(headers or {}), content_type=TEXT)


def message(text_: str, status: int) -> Response:
    """Return Docker's error answer: `{"message": …}`."""
    return json({"message": text_}, status)


def json_stream(messages: Iterable[Any], status: int = 200) -> Response:
    """Return a chunked answer with one JSON document per line, each sent as soon as there is one.

    The first message is awaited before the head is sent, as the Engine does for pull and push: a DockerError raised
    before it is answered with its own status. A DockerError that comes later becomes the last line of the stream, in
    the shape that clients look for (`error` and `errorDetail`).
    """
    iterator = iter(messages)
    first = list(_take_one(iterator))
    response = Response(_lines(chain(first, iterator)), status=status, content_type=JSON)
    response.call_on_close(getattr(iterator, "close", lambda: None))
    return response


def _take_one(iterator: Iterator[Any]) -> Iterator[Any]:
    for item in iterator:
        yield item
        return


def _lines(messages: Iterable[Any]) -> Iterator[bytes]:
    try:
        for item in messages:
            yield encode(item)
    except DockerError as error:
        yield encode({"errorDetail": {"message": str(error)}, "error": str(error)})

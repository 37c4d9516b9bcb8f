from __future__ import annotations

from collections.abc import Iterator

import flask
import pytest

from d2k.errors import Conflict, NotFound
from d2k.http import answers


def head(response: flask.Response) -> tuple[int, str | None, bytes]:
    return response.status_code, response.headers.get("Content-Type"), response.get_data()


def test_json_has_the_content_type_without_a_charset_and_a_newline() -> None:
    response = answers.json({"Id": "é"}, 201, {"X-Test": "1"})
    assert head(response) == (201, "application/json", '{"Id":"é"}\n'.encode())
    assert response.headers["X-Test"] == "1"


def test_message() -> None:
    assert head(answers.message("no", 409)) == (409, "application/json", b'{"message":"no"}\n')


@pytest.mark.parametrize("status", [200, 204, 304])
def test_empty(status: int) -> None:
    assert head(answers.empty(status)) == (status, None, b"")


def test_text() -> None:
    assert head(answers.text("OK")) == (200, "text/plain; charset=utf-8", b"OK")


def test_json_stream_is_a_document_per_line() -> None:
    response = answers.json_stream(iter([{"status": "a"}, {"status": "b"}]))
    assert head(response) == (200, "application/json", b'{"status":"a"}\n{"status":"b"}\n')


def test_an_empty_json_stream() -> None:
    assert answers.json_stream([]).get_data() == b""


def test_a_failure_before_the_first_message_keeps_its_status() -> None:
    def messages() -> Iterator[dict[str, str]]:
        raise NotFound("no such image")
        yield {}

    with pytest.raises(NotFound):
        answers.json_stream(messages())


def test_a_later_failure_is_the_last_line() -> None:
    def messages() -> Iterator[dict[str, str]]:
        yield {"status": "a"}
        raise Conflict("gone")

    assert answers.json_stream(messages()).get_data() == (
        b'{"status":"a"}\n{"errorDetail":{"message":"gone"},"error":"gone"}\n'
    )


def test_closing_the_answer_closes_the_generator() -> None:
    ended = []

    def messages() -> Iterator[dict[str, str]]:
        try:
            yield {"status": "a"}
            yield {"status": "b"}
        finally:
            ended.append(True)

    answers.json_stream(messages()).close()
    assert ended == [True]

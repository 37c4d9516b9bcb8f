from __future__ import annotations

from typing import Any

import pytest
from gunicorn.http.errors import InvalidChunkSize
from marshmallow import fields
from werkzeug.test import EnvironBuilder
from werkzeug.wrappers import Request

from d2k.errors import InvalidParameter
from d2k.schemas.base import LIMIT, DockerSchema, load_body


class Host(DockerSchema):
    Memory = fields.Integer()


class Body(DockerSchema):
    Image = fields.String()
    Env = fields.List(fields.String())
    Labels = fields.Dict(keys=fields.String(), values=fields.String())
    HostConfig = fields.Nested(Host)
    Tty = fields.Boolean()
    Hosts = fields.List(fields.Nested(Host))
    Pointers = fields.Dict(values=fields.Nested(Host, allow_none=True))
    Lists = fields.Dict(values=fields.List(fields.Nested(Host), allow_none=True))
    count = fields.Integer(data_key="Count", load_default=7)
    Must = fields.String()


def load(body: bytes, content_type: str = "application/json", **options: Any) -> dict[str, Any]:
    builder = EnvironBuilder(method="POST", data=body, content_type=content_type)
    return load_body(Body(), Request(builder.get_environ()), **options)


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (b"", {"count": 7}),
        (b"null", {"count": 7}),
        (
            b'{"image":"x","HOSTCONFIG":{"memory":5,"MEMORY":6},"Tty":null,"Count":null}',
            {"Image": "x", "HostConfig": {"Memory": 6}, "count": 7},
        ),
        (b'{"Other":{"a":null},"other":1}', {"Other": {"a": None}, "other": 1, "count": 7}),
        (
            b'{"Env":[null,"a"],"Labels":{"a":null},"Hosts":[null,{"memory":1}]}',
            {"Env": ["", "a"], "Labels": {"a": ""}, "Hosts": [{}, {"Memory": 1}], "count": 7},
        ),
        (
            b'{"Pointers":{"a":null,"b":{"memory":1}},"Lists":{"a":null,"b":[null]}}',
            {"Pointers": {"a": None, "b": {"Memory": 1}}, "Lists": {"a": None, "b": [{}]}, "count": 7},
        ),
    ],
)
def test_bodies_are_read_as_go_reads_them(body: bytes, expected: dict[str, Any]) -> None:
    assert load(body) == expected


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (b'{"image":1}', "json: cannot unmarshal number into field Image of type string"),
        (b'{"HostConfig":{"memory":"1"}}', "json: cannot unmarshal string into field HostConfig.Memory of type int64"),
        (
            b'{"HostConfig":{"Memory":1.5}}',
            "json: cannot unmarshal number 1.5 into field HostConfig.Memory of type int64",
        ),
        (b'{"HostConfig":{"Memory":true}}', "json: cannot unmarshal bool into field HostConfig.Memory of type int64"),
        (b'{"HostConfig":[]}', "json: cannot unmarshal array into field HostConfig of type object"),
        (b'{"Env":"a"}', "json: cannot unmarshal string into field Env of type list"),
        (b'{"Env":[{}]}', "json: cannot unmarshal object into field Env of type string"),
        (b'{"Labels":{"a":1}}', "json: cannot unmarshal number into field Labels of type string"),
        (b'{"Pointers":{"a":"x"}}', "json: cannot unmarshal string into field Pointers of type object"),
        (b'{"Tty":"yes"}', "json: cannot unmarshal string into field Tty of type bool"),
        (b"[]", "json: cannot unmarshal array into a value of type object"),
        (b'"x"', "json: cannot unmarshal string into a value of type object"),
        (b"{", "unexpected EOF"),
        (b'{"Name":"a', "unexpected EOF"),
        (b" ", "EOF"),
        (b"\xff", "the text is not UTF-8"),
    ],
)
def test_what_is_wrong_is_said(body: bytes, message: str) -> None:
    with pytest.raises(InvalidParameter) as error:
        load(body)
    assert str(error.value) == f"invalid JSON: {message}"


@pytest.mark.parametrize("body", [b"x", b'{"a":1,}', b'{"a" 1}', b"[" * 100_000])
def test_text_that_is_no_json(body: bytes) -> None:
    with pytest.raises(InvalidParameter, match=r"^invalid JSON: .*char \d+"):
        load(body)


def test_a_second_document_is_refused() -> None:
    with pytest.raises(InvalidParameter, match=r"^unexpected content after JSON$"):
        load(b"{}{}")


def test_a_body_may_be_needed() -> None:
    with pytest.raises(InvalidParameter, match=r"^invalid JSON: EOF$"):
        load(b"", needed=True)


def test_content_types() -> None:
    assert load(b"{}", "application/JSON; charset=utf-8") == load(b"", "") == {"count": 7}
    with pytest.raises(InvalidParameter) as error:
        load(b"{}", "text/plain; charset=utf-8")
    assert str(error.value) == "unsupported Content-Type header (text/plain): must be 'application/json'"
    with pytest.raises(InvalidParameter) as error:
        load(b"{}", "")
    assert str(error.value) == "malformed Content-Type header (): mime: no media type"


def test_a_body_has_a_limit() -> None:
    assert load(b"{" + b" " * (LIMIT - 2) + b"}") == {"count": 7}
    with pytest.raises(InvalidParameter, match="larger than 4194304 bytes"):
        load(b"{" + b" " * LIMIT + b"}")


def test_a_body_that_breaks_off() -> None:
    class Chunks:
        def read(self, _size: int) -> bytes:
            raise InvalidChunkSize(b"ZZ")

    environ = EnvironBuilder(method="POST", content_type="application/json").get_environ()
    environ |= {"wsgi.input": Chunks(), "wsgi.input_terminated": True}
    environ.pop("CONTENT_LENGTH", None)
    with pytest.raises(InvalidParameter, match=r"^invalid JSON: Invalid chunk size"):
        load_body(Body(), Request(environ))

"""What all request bodies have in common: they are read as Go's `encoding/json` reads them.

Keys match in any case, null means absent, unknown fields are kept, and a value of the wrong JSON type is refused, where
marshmallow alone would convert it.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import orjson
from gunicorn.http.errors import ParseException
from marshmallow import INCLUDE, Schema, ValidationError, fields, pre_load
from werkzeug.http import parse_options_header

from d2k.errors import InvalidParameter

if TYPE_CHECKING:
    from werkzeug.wrappers import Request

LIMIT = 4 * 1024 * 1024
"""The longest body, in bytes; etcd takes no object larger than 1.5 MiB anyway."""


def _is_integer(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and -(2**63) <= value < 2**63


_GO_TYPES: Mapping[Any, tuple[str, Callable[[Any], bool], Any]] = {
    fields.String: ("string", lambda value: isinstance(value, str), ""),
    fields.Integer: ("int64", _is_integer, 0),
    fields.Float: ("float64", lambda value: isinstance(value, int | float) and not isinstance(value, bool), 0.0),
    fields.Boolean: ("bool", lambda value: isinstance(value, bool), False),
}
"""For each scalar field its Go type, what JSON values it takes, and its zero value, which null has inside a list.

Fields of a subclass are left alone: they say themselves what they take.
"""


class DockerSchema(Schema):
    """The base of every schema of a request body; see the module for what it does to the data."""

    class Meta:
        """Fields that no schema names are kept: the create request is read back by inspect."""

        unknown = INCLUDE

    @pre_load
    def _as_go_reads(self, data: Any, **_: Any) -> Any:
        if data is None:
            return {}
        if not isinstance(data, dict):
            return data
        known: dict[str, Any] = {str(field.data_key or name): field for name, field in self.fields.items()}
        names = {name.lower(): name for name in known}
        result: dict[str, Any] = {}
        problems: dict[str, Any] = {}
        for key, value in data.items():
            name = key if key in known else names.get(key.lower()) or key
            if name not in known:
                result[name] = value
            elif value is not None:
                try:
                    result[name] = _strict(known[name], value)
                except ValidationError as error:
                    problems[name] = error.messages
        if problems:
            raise ValidationError(problems)
        return result


def _strict(field: Any, value: Any) -> Any:
    """Return the value with Go's zero values for nulls inside lists and maps; raises ValidationError for its type."""
    if type(field) in _GO_TYPES:
        go_type, accepts, _ = _GO_TYPES[type(field)]
        if not accepts(value):
            raise _mismatch(value, go_type)
    elif type(field) is fields.List:
        if not isinstance(value, list):
            raise _mismatch(value, "list")
        return [_element(field.inner, item) for item in value]
    elif type(field) is fields.Dict:
        if not isinstance(value, dict):
            raise _mismatch(value, "map")
        return {key: _element(field.value_field, item) for key, item in value.items()}
    elif type(field) is fields.Nested:
        many = field.many or field.schema.many
        if not isinstance(value, list if many else dict):
            raise _mismatch(value, "list" if many else "object")
    return value


def _element(field: Any, value: Any) -> Any:
    if field is None:
        return value
    if value is not None:
        return _strict(field, value)
    if type(field) in _GO_TYPES:
        return _GO_TYPES[type(field)][2]
    # What is a pointer in the engine stays null.
    return {} if type(field) is fields.Nested and not field.allow_none else value


def _mismatch(value: Any, go_type: str) -> ValidationError:
    return ValidationError(f"cannot unmarshal {_kind(value)} into {{field}} of type {go_type}")


def _kind(value: Any) -> str:
    """Return Go's word for the kind of a JSON value; a number that does not fit is quoted, as Go does."""
    if isinstance(value, bool):
        return "bool"
    if isinstance(value, int | float):
        return "number" if _is_integer(value) else f"number {value}"
    words: dict[type, str] = {str: "string", list: "array", dict: "object"}
    return words.get(type(value), "null")


def load_body(schema: Schema, request: Request, *, needed: bool = False) -> dict[str, Any]:
    """Return the request's JSON body, loaded by `schema`; without a body, what the schema makes of `{}`.

    Raises InvalidParameter, in the Engine's words where it has some: for another content type than JSON, a body above
    4 MiB, text that is no JSON document or more than one, values of the wrong type, and no body where one is `needed`.
    """
    raw = _read(request)
    _check_content_type(request.headers.get("Content-Type", ""), bool(raw))
    if len(raw) > LIMIT:
        raise InvalidParameter(f"the request body is larger than {LIMIT} bytes")
    if not raw.strip():
        if needed or raw:
            raise InvalidParameter("invalid JSON: EOF")
        raw = b"{}"
    document = _decode(raw)
    if not isinstance(document, dict | None):
        raise InvalidParameter(f"invalid JSON: json: cannot unmarshal {_kind(document)} into a value of type object")
    try:
        loaded: dict[str, Any] = schema.load(document or {})
    except ValidationError as error:
        raise InvalidParameter(_sentence(error.messages)) from None
    return loaded


def _read(request: Request) -> bytes:
    try:
        raw: bytes = request.stream.read(LIMIT + 1)
    except (ParseException, OSError) as error:
        # Chunks that are none, or a client that left within one.
        raise InvalidParameter(f"invalid JSON: {error}") from None
    return raw


def _check_content_type(header: str, has_body: bool) -> None:
    media_type, _ = parse_options_header(header)
    if not media_type:
        if has_body:
            raise InvalidParameter(f"malformed Content-Type header ({header}): mime: no media type")
    elif media_type.lower() != "application/json":
        raise InvalidParameter(f"unsupported Content-Type header ({media_type}): must be 'application/json'")


def _decode(raw: bytes) -> Any:
    try:
        return orjson.loads(raw)
    except orjson.JSONDecodeError as error:
        problem = error
    try:
        text = raw.decode().lstrip()
        json.JSONDecoder().raw_decode(text)
    except UnicodeDecodeError:
        raise InvalidParameter("invalid JSON: the text is not UTF-8") from None
    except (ValueError, RecursionError):
        if problem.pos >= len(problem.doc.rstrip()):
            raise InvalidParameter("invalid JSON: unexpected EOF") from None
        raise InvalidParameter(f"invalid JSON: {problem}") from None
    raise InvalidParameter("unexpected content after JSON")


def _sentence(messages: Any, path: str = "") -> str:
    """Return the first of marshmallow's messages as one sentence that names the field."""
    if isinstance(messages, dict):
        name, inner = next(iter(messages.items()))
        here = path if name in ("_schema", "value") else f"{path}.{name}" if path else str(name)
        return _sentence(inner, here)
    message = str(messages[0] if isinstance(messages, list) else messages)
    if "{field}" in message:
        return "invalid JSON: json: " + message.replace("{field}", f"field {path}")
    if message.startswith(("Not a valid", "Invalid input", "Field may not be null", "Missing data", "Unknown field")):
        return f"invalid value for the field {path}: {message}"
    return message

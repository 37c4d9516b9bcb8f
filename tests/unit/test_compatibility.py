"""docs/compatibility.md and docs/operations.toml say what the application does."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from types import ModuleType
from typing import Any
from unittest.mock import MagicMock

import pytest
from flask import Flask
from werkzeug.exceptions import HTTPException

from d2k.api import absent, attach, containers, exec, images, logs, networks, system, top, volumes  # noqa: A004
from d2k.http import errors
from d2k.http.shortcuts import PING

ROOT = Path(__file__).resolve().parents[2]
OWN = {"/metrics", "/healthz", "/readyz"}


def load() -> ModuleType:
    spec = importlib.util.spec_from_file_location("compatibility", ROOT / "scripts" / "compatibility.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


compatibility = load()
OPERATIONS = [operation for group in compatibility.operations() for operation in group["operations"]]


@pytest.fixture(scope="module")
def app() -> Flask:
    """Return every route, without the cluster behind it."""
    app = Flask("d2k")
    errors.register(app)
    for blueprint in (
        system.blueprint(MagicMock(), lambda: True),
        *(noun.blueprint(MagicMock()) for noun in (attach, containers, exec, images, logs, networks, top, volumes)),
        absent.blueprint(),
    ):
        app.register_blueprint(blueprint)
    return app


def matched(app: Flask, call: str) -> Any:
    """Return the rule that a call takes, or None."""
    method, _, path = call.partition(" ")
    try:
        return app.url_map.bind("").match(path.replace("{", "").replace("}", ""), method=method, return_rule=True)[0]
    except HTTPException:
        return None


def test_there_are_all_of_them_once() -> None:
    calls = [operation["call"] for operation in OPERATIONS]
    assert (len(calls), len(set(calls))) == (108, 108)


@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda operation: operation["call"])
def test_an_operation_does_what_the_list_says(app: Flask, operation: dict[str, Any]) -> None:
    rule = matched(app, operation["call"])
    if operation["call"].endswith(PING):
        # Answered in front of the application: tests/unit/test_http_shortcuts.py.
        assert rule is None
        return
    if operation["answer"] == "served":
        assert rule is not None
        assert rule.endpoint.split(":")[0] not in ("absent.swarm", "absent.refused")
        return
    method, _, path = operation["call"].partition(" ")
    answer = app.test_client().open(path.replace("{", "").replace("}", ""), method=method)
    assert answer.status_code == operation["answer"]
    if rule is not None and method != "HEAD":
        assert answer.json["message"] != "page not found"


def test_no_route_is_missing_in_the_list(app: Flask) -> None:
    listed = {rule.rule for operation in OPERATIONS if (rule := matched(app, operation["call"])) is not None}
    nested = {rule.rule for rule in app.url_map.iter_rules() if rule.endpoint.startswith("absent.swarm")}
    routes = {rule.rule for rule in app.url_map.iter_rules() if rule.endpoint != "static"}
    assert routes - listed - nested == OWN


def test_the_page_is_what_the_script_writes() -> None:
    assert compatibility.PAGE.read_text() == compatibility.page(), "run scripts/compatibility.py"

"""The process of a container: command, environment, host name and terminal."""

from __future__ import annotations

import re
from typing import Any

from d2k.errors import InvalidParameter
from d2k.translate import commands

Object = dict[str, Any]

_HOST_LABEL = re.compile(r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?")


def merged_config(spec: Object, image: Object) -> Object:
    """Return Docker's Config: the request with what the image says where the request is silent.

    `image` is the image's own config. The rules are the engine's (moby, daemon/commit.go, merge).
    """
    merged = dict(spec)
    entrypoint, cmd = spec.get("Entrypoint"), spec.get("Cmd")
    if entrypoint == [""]:
        entrypoint = []
    if not entrypoint:
        merged["Cmd"] = cmd or image.get("Cmd")
        merged["Entrypoint"] = image.get("Entrypoint") if entrypoint is None else entrypoint
    merged["Env"] = merged_env(spec.get("Env") or [], image.get("Env") or [])
    merged["User"] = spec.get("User") or image.get("User") or ""
    merged["WorkingDir"] = spec.get("WorkingDir") or image.get("WorkingDir") or ""
    merged["Labels"] = {**(image.get("Labels") or {}), **(spec.get("Labels") or {})}
    for key in ("ExposedPorts", "Volumes"):
        both = {**(image.get(key) or {}), **(spec.get(key) or {})}
        if both or spec.get(key) is not None:
            merged[key] = both
    if spec.get("StopSignal") or image.get("StopSignal"):
        merged["StopSignal"] = spec.get("StopSignal") or image.get("StopSignal")
    check = _merged_check(spec.get("Healthcheck"), image.get("Healthcheck"))
    if check:
        merged["Healthcheck"] = check
    return merged


def merged_env(wanted: list[str], given: list[str]) -> list[str]:
    """Return the request's variables, then those of the image that it does not set."""
    names = {item.partition("=")[0] for item in wanted}
    return [*wanted, *(item for item in given if item.partition("=")[0] not in names)]


def main_process(spec: Object, image: Object) -> Object:
    """Return command, args, env, workingDir, stdin and tty of the main container.

    What only repeats the image is left to the image. Raises InvalidParameter when there is nothing to run.
    """
    fields: Object = {}
    entrypoint, cmd = spec.get("Entrypoint"), spec.get("Cmd") or []
    reset = entrypoint is not None and not any(entrypoint)
    words = cmd or image.get("Cmd") or []
    if reset:
        if not words:
            raise InvalidParameter("no command specified")
        fields["command"] = commands.escape_all(words)
    elif entrypoint:
        fields["command"] = commands.escape_all(entrypoint)
        if cmd:
            fields["args"] = commands.escape_all(cmd)
    else:
        if image.get("Known") and not words and not image.get("Entrypoint"):
            raise InvalidParameter("no command specified")
        if cmd:
            fields["args"] = commands.escape_all(cmd)
    env = _env(spec.get("Env") or [])
    if env:
        fields["env"] = env
    if spec.get("WorkingDir"):
        fields["workingDir"] = spec["WorkingDir"]
    for name, wanted in (("stdin", "OpenStdin"), ("stdinOnce", "StdinOnce"), ("tty", "Tty")):
        if spec.get(wanted):
            fields[name] = True
    return fields


def host_name(spec: Object, container_id: str, warnings: list[str]) -> str:
    """Return the Pod's host name: the one asked for where it is a DNS label, else the short id."""
    wanted = spec.get("Hostname") or ""
    if not wanted:
        return container_id[:12]
    if _HOST_LABEL.fullmatch(wanted.lower()):
        return str(wanted).lower()
    warnings.append(f"Kubernetes host names are DNS labels: --hostname {wanted} is shown but not set.")
    return container_id[:12]


def _env(items: list[str]) -> list[Object]:
    values: dict[str, str] = {}
    for item in items:
        name, separator, value = item.partition("=")
        if not name:
            raise InvalidParameter(f"invalid environment variable: {item}")
        if separator:
            values[name] = value
    return [{"name": name, "value": commands.escape(value)} for name, value in values.items()]


def _merged_check(wanted: Object | None, given: Object | None) -> Object | None:
    if not wanted or not given:
        return wanted or given
    if not wanted.get("Test"):
        return {**given, **{key: value for key, value in wanted.items() if value}}
    return {
        **{key: given[key] for key in ("Interval", "Timeout", "StartPeriod", "Retries") if given.get(key)},
        **wanted,
    }

"""The process of a container: command, environment, host name and terminal."""

from __future__ import annotations

import posixpath
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
    entrypoint = spec.get("Entrypoint")
    if not entrypoint:
        merged["Cmd"] = spec.get("Cmd") or image.get("Cmd")
        merged["Entrypoint"] = image.get("Entrypoint") if entrypoint is None else entrypoint
    elif entrypoint == [""]:
        merged["Entrypoint"] = None
    merged["Env"] = merged_env(spec.get("Env") or [], image.get("Env") or [])
    merged["User"] = spec.get("User") or image.get("User") or ""
    merged["WorkingDir"] = _directory(spec) or image.get("WorkingDir") or ""
    merged["Labels"] = {**(image.get("Labels") or {}), **(spec.get("Labels") or {})}
    for key in ("ExposedPorts", "Volumes"):
        merged[key] = {**(image.get(key) or {}), **(spec.get(key) or {})} or None
    if spec.get("StopSignal") or image.get("StopSignal"):
        merged["StopSignal"] = spec.get("StopSignal") or image.get("StopSignal")
    check = health_check(spec, image)
    if check is not None:
        merged["Healthcheck"] = check
    return merged


def health_check(spec: Object, image: Object) -> Object | None:
    """Return the health check: the request's, each of its silent fields as in the image's; None without both."""
    wanted, given = spec.get("Healthcheck"), image.get("Healthcheck")
    if wanted is None:
        return given
    return {**(given or {}), **{key: value for key, value in wanted.items() if value}}


def merged_env(wanted: list[str], given: list[str]) -> list[str]:
    """Return the request's variables, then those of the image that it does not set."""
    names = {item.partition("=")[0] for item in wanted}
    return [*wanted, *(item for item in given if item.partition("=")[0] not in names)]


def main_process(spec: Object, image: Object) -> Object:
    """Return command, args, env, workingDir, stdin and tty of the main container.

    What only repeats the image is left to the image. `image` is empty when nothing is known of it. Raises
    InvalidParameter when there is nothing to run.
    """
    fields = _command(spec, image)
    env = _env(spec.get("Env") or [])
    if env:
        fields["env"] = env
    if spec.get("WorkingDir"):
        fields["workingDir"] = _directory(spec)
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


def _command(spec: Object, image: Object) -> Object:
    entrypoint, cmd = spec.get("Entrypoint"), spec.get("Cmd") or []
    if entrypoint in ([], [""]):
        # The image's entrypoint is taken away; only an empty list leaves its command.
        words = cmd or ((image.get("Cmd") or []) if entrypoint == [] else [])
        if not words:
            raise InvalidParameter("no command specified")
        return {"command": commands.escape_all(words)}
    if not entrypoint and image and not (cmd or image.get("Cmd") or image.get("Entrypoint")):
        raise InvalidParameter("no command specified")
    fields = {"command": entrypoint, "args": cmd}
    return {name: commands.escape_all(words) for name, words in fields.items() if words}


def _directory(spec: Object) -> str:
    return posixpath.normpath(spec["WorkingDir"]) if spec.get("WorkingDir") else ""


def _env(items: list[str]) -> list[Object]:
    values: dict[str, str] = {}
    for item in items:
        name, separator, value = item.partition("=")
        if separator:
            values[name] = value
        else:
            # A name alone takes the variable away; what the image sets can not be taken away here.
            values.pop(name, None)
    return [{"name": name, "value": commands.escape(value)} for name, value in values.items()]

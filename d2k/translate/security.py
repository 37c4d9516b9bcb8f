"""Docker's user, capabilities and privileges as security contexts."""

from __future__ import annotations

from typing import Any

from d2k.config import Config
from d2k.errors import Forbidden, InvalidParameter

Object = dict[str, Any]


def container_context(spec: Object, config: Config, warnings: list[str]) -> Object:
    """Return the securityContext of the main container.

    Raises Forbidden for `--privileged` where it is not allowed, InvalidParameter for a user that has no number.
    """
    host = spec.get("HostConfig") or {}
    context: Object = _user(spec.get("User") or "")
    if host.get("Privileged"):
        if not config.allow_privileged:
            raise Forbidden(
                "privileged containers are not allowed here: run without --privileged (D2K_ALLOW_PRIVILEGED)"
            )
        context["privileged"] = True
    if host.get("ReadonlyRootfs"):
        context["readOnlyRootFilesystem"] = True
    capabilities = {
        key: [_capability(name) for name in host.get(field) or ()]
        for key, field in (("add", "CapAdd"), ("drop", "CapDrop"))
        if host.get(field)
    }
    if capabilities:
        context["capabilities"] = capabilities
    for option in host.get("SecurityOpt") or ():
        _security_option(option, context, warnings)
    return context


def pod_context(host: Object) -> Object:
    """Return the Pod's securityContext: supplementary groups and sysctls."""
    context: Object = {}
    groups = host.get("GroupAdd") or []
    if groups:
        for group in groups:
            if not group.isdigit():
                raise InvalidParameter(f"--group-add {group}: Kubernetes needs the group's number")
        context["supplementalGroups"] = [int(group) for group in groups]
    sysctls = host.get("Sysctls") or {}
    if sysctls:
        context["sysctls"] = [{"name": name, "value": value} for name, value in sorted(sysctls.items())]
    return context


def _user(user: str) -> Object:
    name, _, group = user.partition(":")
    context: Object = {}
    for key, text, option in (("runAsUser", name, "--user"), ("runAsGroup", group, "--user …:")):
        if not text:
            continue
        number = "0" if text == "root" else text
        if not number.isdigit():
            raise InvalidParameter(
                f"{option}{'' if option.endswith(':') else ' '}{text}: Kubernetes needs a number, "
                "since only the image knows which one the name stands for"
            )
        context[key] = int(number)
    return context


def _capability(name: str) -> str:
    name = name.upper()
    return name.removeprefix("CAP_")


def _security_option(option: str, context: Object, warnings: list[str]) -> None:
    key, _, value = option.replace(":", "=", 1).partition("=")
    if key == "no-new-privileges":
        context["allowPrivilegeEscalation"] = value in ("false", "0")
    elif key == "seccomp" and value == "unconfined":
        context["seccompProfile"] = {"type": "Unconfined"}
    elif key == "apparmor" and value == "unconfined":
        context["appArmorProfile"] = {"type": "Unconfined"}
    elif key in ("seccomp", "apparmor", "label", "systempaths", "writable-cgroups"):
        warnings.append(f"Kubernetes takes no --security-opt {key}=… from d2k: it is ignored.")
    else:
        raise InvalidParameter(f"invalid --security-opt: {option!r}")

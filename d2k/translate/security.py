"""Docker's user, capabilities and privileges as security contexts."""

from __future__ import annotations

from typing import Any

from d2k.config import Config
from d2k.errors import Forbidden, InvalidParameter

Object = dict[str, Any]

# Every capability of Linux (capabilities(7)).
_CAPABILITIES = (
    "ALL AUDIT_CONTROL AUDIT_READ AUDIT_WRITE BLOCK_SUSPEND BPF CHECKPOINT_RESTORE CHOWN DAC_OVERRIDE DAC_READ_SEARCH "
    "FOWNER FSETID IPC_LOCK IPC_OWNER KILL LEASE LINUX_IMMUTABLE MAC_ADMIN MAC_OVERRIDE MKNOD NET_ADMIN "
    "NET_BIND_SERVICE NET_BROADCAST NET_RAW PERFMON SETFCAP SETGID SETPCAP SETUID SYSLOG SYS_ADMIN SYS_BOOT SYS_CHROOT "
    "SYS_MODULE SYS_NICE SYS_PACCT SYS_PTRACE SYS_RAWIO SYS_RESOURCE SYS_TIME SYS_TTY_CONFIG WAKE_ALARM"
)
# What Go's ParseBool takes.
_TRUTHS = dict.fromkeys(("1", "t", "T", "TRUE", "true", "True"), True) | dict.fromkeys(
    ("0", "f", "F", "FALSE", "false", "False"), False
)
# Security options that Kubernetes has a word for.
_PROFILES = {
    "seccomp": {"unconfined": "Unconfined", "builtin": "RuntimeDefault"},
    "apparmor": {"unconfined": "Unconfined"},
}


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
        key: [_capability(name, field) for name in host.get(field) or ()]
        for key, field in (("add", "CapAdd"), ("drop", "CapDrop"))
        if host.get(field)
    }
    if capabilities:
        context["capabilities"] = capabilities
    for option in host.get("SecurityOpt") or ():
        _security_option(option, context, warnings)
    if context.get("privileged") and context.get("allowPrivilegeEscalation") is False:
        del context["allowPrivilegeEscalation"]
        warnings.append("Kubernetes does not combine --privileged with no-new-privileges: the latter is ignored.")
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


def _capability(name: str, field: str) -> str:
    short = name.upper().removeprefix("CAP_")
    if short not in _CAPABILITIES.split():
        raise InvalidParameter(f'invalid {field}: unknown capability: "CAP_{short}"')
    return short


def _security_option(option: str, context: Object, warnings: list[str]) -> None:
    """Take one option in; the texts and the syntax are the engine's (moby, daemon/daemon_unix.go)."""
    if option == "no-new-privileges":
        context["allowPrivilegeEscalation"] = False
        return
    if option in ("disable", "label=disable", "label:disable"):
        # No labels are what a Pod has anyway, and what the engine shows for every privileged container.
        return
    separator = "=" if "=" in option else ":"
    key, found, value = option.partition(separator)
    if not found:
        raise InvalidParameter(f'invalid --security-opt 1: "{option}"')
    if key == "no-new-privileges" and value in _TRUTHS:
        context["allowPrivilegeEscalation"] = not _TRUTHS[value]
    elif key in _PROFILES and value in _PROFILES[key]:
        context["seccompProfile" if key == "seccomp" else "appArmorProfile"] = {"type": _PROFILES[key][value]}
    elif key in ("seccomp", "apparmor", "label", "writable-cgroups"):
        warnings.append(f"Kubernetes takes no --security-opt {key}=… from d2k: it is ignored.")
    else:
        raise InvalidParameter(f'invalid --security-opt 2: "{option}"')

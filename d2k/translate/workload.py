"""A create request as a Deployment (design: the container)."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any

from d2k.config import Config
from d2k.translate import annotations as marks
from d2k.translate import compute, health, mounts, process, security, unsupported, validation
from d2k.translate.labels import APP_NAME, CONTAINER, container_label, is_label_value, owned
from d2k.translate.record import CREATED, GATE, MAIN
from d2k.translate.signals import parse as parse_signal

Object = dict[str, Any]

DEFAULT_STOP_TIMEOUT = 10
# Docker waits for ever with a negative timeout; Kubernetes wants a number.
LONGEST_GRACE = 365 * 24 * 3600

_RESTART = {"no": "Never", "on-failure": "OnFailure"}
# What Kubernetes takes as a host name in /etc/hosts (an RFC 1123 subdomain).
_HOST_NAME = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*")


@dataclass(frozen=True)
class Draft:
    """What `docker create` resolved before the Deployment is written."""

    id: str
    name: str
    object_name: str
    created: str
    spec: Object
    image: Object
    mounts: list[Object]
    networks: dict[str, Object]
    search_domains: list[str] = field(default_factory=list)


def deployment(draft: Draft, config: Config) -> tuple[Object, list[str]]:
    """Return the Deployment of a created, not started container, and the warnings for the user.

    Raises what the parts raise: InvalidParameter, Forbidden or NotSupported with Docker's texts.
    """
    spec = draft.spec
    validation.check(spec)
    warnings = unsupported.check(spec, config)
    labels = {**owned("container", spec.get("Labels") or {}), CONTAINER: container_label(draft.id)}
    if is_label_value(draft.name):
        labels[APP_NAME] = draft.name
    notes = {
        marks.ID: draft.id,
        marks.NAME: draft.name,
        marks.CREATED: draft.created,
        marks.SPEC: marks.encode(spec),
        marks.IMAGE: marks.encode(draft.image),
        marks.MOUNTS: marks.encode(draft.mounts),
        marks.NETWORKS: marks.encode(draft.networks),
        marks.RUN: "0",
        marks.DESIRED: CREATED,
    }
    document = {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": draft.object_name, "labels": labels, "annotations": notes},
        "spec": {
            "replicas": 0,
            "selector": {"matchLabels": {CONTAINER: container_label(draft.id)}},
            "strategy": {"type": "Recreate"},
            "template": {
                "metadata": {"labels": labels, "annotations": {marks.ID: draft.id, marks.NAME: draft.name}},
                "spec": _pod(draft, config, warnings),
            },
        },
    }
    return document, warnings


def grace_seconds(spec: Object) -> int:
    """Return how many seconds the process has between the stop signal and SIGKILL."""
    timeout = spec.get("StopTimeout")
    return grace_of(DEFAULT_STOP_TIMEOUT if timeout is None else timeout)


def grace_of(timeout: int) -> int:
    """Return the Kubernetes grace period for a Docker stop timeout in seconds (negative: for ever)."""
    if timeout < 0:
        return LONGEST_GRACE
    # Zero would remove the Pod from the API before its process is dead.
    return max(1, timeout)


def _pod(draft: Draft, config: Config, warnings: list[str]) -> Object:
    spec = draft.spec
    host = spec.get("HostConfig") or {}
    volumes, volume_mounts = mounts.pod_volumes(draft.mounts, host.get("ShmSize") or 0)
    pod: Object = {
        "containers": [_main(draft, volume_mounts, config, warnings)],
        "restartPolicy": "Always",
        "terminationGracePeriodSeconds": grace_seconds(spec),
        "hostname": process.host_name(spec, draft.id, warnings),
        "automountServiceAccountToken": False,
        "enableServiceLinks": False,
        **unsupported.host_namespaces(host),
    }
    context = security.pod_context(host)
    if context:
        pod["securityContext"] = context
    if volumes:
        pod["volumes"] = volumes
    policy = (host.get("RestartPolicy") or {}).get("Name") or "no"
    if policy in _RESTART:
        pod["schedulingGates"] = [{"name": GATE}]
    if pod["containers"][0].get("lifecycle"):
        # Kubernetes takes a stop signal only of a Pod whose operating system is known (KEP-4960).
        pod["os"] = {"name": "linux"}
    pod |= _names(host, draft, warnings)
    return pod


def _main(draft: Draft, volume_mounts: list[Object], config: Config, warnings: list[str]) -> Object:
    spec = draft.spec
    host = spec.get("HostConfig") or {}
    main: Object = {
        "name": MAIN,
        "image": draft.image["Pinned"],
        "imagePullPolicy": "IfNotPresent",
        **process.main_process(spec, draft.image.get("Config") or {}),
    }
    resources, notes = compute.resources(host, config.gpu_resource_name)
    warnings += notes
    merged = process.merged_config(spec, draft.image.get("Config") or {})
    optional: Object = {
        "resources": resources,
        "securityContext": security.container_context(spec, config, warnings),
        "readinessProbe": health.probe(merged.get("Healthcheck"), spec.get("Shell") or ()),
        "volumeMounts": volume_mounts,
        "restartPolicy": _RESTART.get((host.get("RestartPolicy") or {}).get("Name") or "no"),
        "lifecycle": _lifecycle(spec, draft.image.get("Config") or {}),
    }
    return main | {key: value for key, value in optional.items() if value}


def _lifecycle(spec: Object, image: Object) -> Object:
    wanted = spec.get("StopSignal") or ""
    if not wanted:
        return {}
    number, name = parse_signal(wanted)
    given = image.get("StopSignal") or "SIGTERM"
    # The runtime takes the image's own stop signal by itself.
    same = given.upper().removeprefix("SIG") in (name.removeprefix("SIG"), str(number))
    return {} if same else {"stopSignal": name}


def _names(host: Object, draft: Draft, warnings: list[str]) -> Object:
    fields: Object = {}
    dns: Object = {}
    searches = [*draft.search_domains, *(host.get("DnsSearch") or ())]
    if searches:
        dns["searches"] = searches
    options = [option.partition(":") for option in host.get("DnsOptions") or () if option]
    if options:
        dns["options"] = [{"name": name, "value": value} if colon else {"name": name} for name, colon, value in options]
    servers = host.get("Dns") or []
    if servers:
        dns["nameservers"] = servers
        if draft.search_domains:
            warnings.append(
                "The cluster's DNS is asked before the servers of --dns, so that names of the network resolve."
            )
        else:
            fields["dnsPolicy"] = "None"
    if dns:
        fields["dnsConfig"] = dns
    aliases = _host_aliases(host.get("ExtraHosts") or [], warnings)
    if aliases:
        fields["hostAliases"] = aliases
    return fields


def _host_aliases(extra_hosts: list[str], warnings: list[str]) -> list[Object]:
    by_address: dict[str, list[str]] = {}
    for item in extra_hosts:
        name, _, address = item.partition(":")
        if address == "host-gateway":
            warnings.append(f"A Pod has no way back to your machine: --add-host {item} is ignored.")
        elif _HOST_NAME.fullmatch(name.lower()) is None:
            warnings.append(f"Kubernetes host names are DNS names: --add-host {item} is ignored.")
        else:
            by_address.setdefault(address, []).append(name.lower())
    return [{"ip": address, "hostnames": names} for address, names in sorted(by_address.items())]

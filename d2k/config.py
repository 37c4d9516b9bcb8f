"""Settings, read once from the environment."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from typing import Any


class ConfigError(ValueError):
    """A setting is not valid; the text names the variable, its value and what is allowed."""


def _choice(*allowed: str) -> Callable[[str], str]:
    def parse(value: str) -> str:
        if value not in allowed:
            raise ValueError("one of " + ", ".join(allowed))
        return value

    return parse


def _integer(low: int, high: int) -> Callable[[str], int]:
    def parse(value: str) -> int:
        if not value.isascii() or not value.isdigit() or not low <= int(value) <= high:
            raise ValueError(f"a whole number from {low} to {high}")
        return int(value)

    return parse


def _switch(value: str) -> bool:
    if value.lower() not in ("true", "false", "1", "0", "yes", "no", "on", "off"):
        raise ValueError("true or false")
    return value.lower() in ("true", "1", "yes", "on")


def _namespace(value: str) -> str:
    if not re.fullmatch(r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?", value):
        raise ValueError("the name of a namespace (an RFC 1123 label)")
    return value


def _domain(value: str) -> str:
    if not re.fullmatch(r"[a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?", value):
        raise ValueError("a DNS domain such as cluster.local")
    return value


def _quantity(value: str) -> str:
    if not re.fullmatch(r"[0-9]+(\.[0-9]+)?(m|[kKMGTPE]i?)?", value):
        raise ValueError("a Kubernetes quantity such as 1Gi")
    return value


def _resource(value: str) -> str:
    if not re.fullmatch(r"[a-z0-9]([-a-z0-9.]*[a-z0-9])?/[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?", value):
        raise ValueError("the name of an extended resource such as nvidia.com/gpu")
    return value


def _mirrors(value: str) -> Mapping[str, str]:
    mirrors = {}
    for item in filter(None, value.split(",")):
        host, separator, url = item.partition("=")
        if not separator or not re.fullmatch(r"https?://[^\s/]+(/\S*)?", url) or not host:
            raise ValueError("host=url[,host=url…], for example docker.io=http://mirror:5000")
        mirrors[host] = url.rstrip("/")
    return mirrors


def _hosts(value: str) -> frozenset[str]:
    return frozenset(filter(None, (part.strip() for part in value.split(","))))


def _text(value: str) -> str:
    return value


def _setting(variable: str, default: str, parse: Callable[[str], Any], doc: str) -> Any:
    return field(
        default_factory=lambda: parse(default),
        metadata={"env": variable, "default": default, "parse": parse, "doc": doc},
    )


@dataclass(frozen=True)
class Config:
    """Every setting of d2k; `from_environment` reads them, `docs/configuration.md` lists them."""

    namespace: str = _setting("D2K_NAMESPACE", "default", _namespace, "the namespace that holds every object of d2k")
    host: str = _setting("D2K_HOST", "0.0.0.0", _text, "the address that d2k listens on")  # noqa: S104 - a Pod's port
    port: int = _setting("D2K_PORT", "2375", _integer(1, 65535), "the port that d2k listens on")
    log_level: str = _setting(
        "D2K_LOG_LEVEL", "info", _choice("debug", "info", "warn", "error"), "the least level that is logged"
    )
    log_format: str = _setting("D2K_LOG_FORMAT", "text", _choice("text", "json"), "how a log line is written")
    kubeconfig: str = _setting("D2K_KUBECONFIG", "", _text, "a kubeconfig file; empty: the Pod's own ServiceAccount")
    low_port_threshold: int = _setting(
        "D2K_LOW_PORT_THRESHOLD", "1024", _integer(0, 65535), "reserved: read and checked, without effect"
    )
    publish: str = _setting(
        "D2K_PUBLISH",
        "loadbalancer",
        _choice("loadbalancer", "nodeport", "clusterip", "proxy"),
        "how `-p` publishes a port",
    )
    publish_host: str = _setting("D2K_PUBLISH_HOST", "0.0.0.0", _text, "the address that D2K_PUBLISH=proxy listens on")  # noqa: S104
    publish_timeout: int = _setting(
        "D2K_PUBLISH_TIMEOUT", "5", _integer(0, 600), "seconds that start waits for a load balancer's address"
    )
    start_timeout: int = _setting(
        "D2K_START_TIMEOUT", "120", _integer(1, 3600), "seconds that start waits for the process to run"
    )
    bind_mounts: str = _setting("D2K_BIND_MOUNTS", "refuse", _choice("refuse", "hostpath"), "what a bind mount becomes")
    allow_privileged: bool = _setting("D2K_ALLOW_PRIVILEGED", "false", _switch, "whether --privileged is accepted")
    allow_host_namespaces: bool = _setting(
        "D2K_ALLOW_HOST_NAMESPACES", "false", _switch, "whether --network, --pid and --ipc host are accepted"
    )
    volume_size: str = _setting("D2K_VOLUME_SIZE", "1Gi", _quantity, "the size of a volume without --opt size")
    cluster_domain: str = _setting("D2K_CLUSTER_DOMAIN", "cluster.local", _domain, "the cluster's DNS domain")
    gpu_resource_name: str = _setting(
        "D2K_GPU_RESOURCE_NAME", "nvidia.com/gpu", _resource, "the extended resource that --gpus asks for"
    )
    registry: str = _setting("D2K_REGISTRY", "on", _choice("on", "off"), "whether d2k asks image registries")
    registry_mirrors: Mapping[str, str] = _setting(
        "D2K_REGISTRY_MIRRORS", "", _mirrors, "where a registry's images are really asked for: host=url[,host=url…]"
    )
    registry_plain_http: frozenset[str] = _setting(
        "D2K_REGISTRY_PLAIN_HTTP",
        "",
        _hosts,
        "registries (host[:port], comma-separated) that speak plain HTTP, besides those on loopback",
    )

    @classmethod
    def from_environment(cls, environment: Mapping[str, str]) -> Config:
        """Read every setting; an unset or empty variable means the default.

        Raises ConfigError for the first value that is not valid.
        """
        values: dict[str, Any] = {}
        for setting in fields(cls):
            variable, parse = setting.metadata["env"], setting.metadata["parse"]
            text = environment.get(variable) or setting.metadata["default"]
            try:
                values[setting.name] = parse(text)
            except ValueError as error:
                raise ConfigError(f"{variable}={text!r} is not valid: it must be {error}") from None
        return cls(**values)

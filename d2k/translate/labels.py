"""The labels and annotations that d2k writes, and which of the user's labels Kubernetes can carry as such."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

MANAGED_BY = "d2k.io/managed-by"
OWNER = "d2k"
CONTAINER = "d2k.io/container"
KIND = "d2k.io/kind"
APP_NAME = "app.kubernetes.io/name"

# Every object of d2k; what the reflectors list.
SELECTOR = f"{MANAGED_BY}={OWNER}"

_PREFIX = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*")
_NAME = re.compile(r"[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?")


def is_label_value(value: str) -> bool:
    """Say whether Kubernetes accepts this as a label's value (Kubernetes, "Labels and Selectors", syntax)."""
    return value == "" or _NAME.fullmatch(value) is not None


def is_label_key(key: str) -> bool:
    """Say whether Kubernetes accepts this as a label's key: `[prefix/]name`."""
    prefix, slash, name = key.rpartition("/")
    if slash and (len(prefix) > 253 or _PREFIX.fullmatch(prefix) is None):
        return False
    return _NAME.fullmatch(name) is not None


def is_reserved_key(key: str) -> bool:
    """Say whether only d2k and Kubernetes themselves may set this key."""
    prefix = key.rpartition("/")[0]
    return key == APP_NAME or prefix == "d2k.io" or prefix.endswith(("kubernetes.io", "k8s.io"))


def usable_labels(labels: Mapping[str, str]) -> dict[str, str]:
    """Return those of the user's labels that can be Kubernetes labels; the rest lives only in the stored request."""
    return {
        key: value
        for key, value in labels.items()
        if is_label_key(key) and is_label_value(value) and not is_reserved_key(key)
    }


def owned(kind: str, labels: Mapping[str, str] | None = None) -> dict[str, str]:
    """Return the labels of an object of d2k: `kind` is what it stands for (container, network, image, volume, …)."""
    return {**usable_labels(labels or {}), MANAGED_BY: OWNER, KIND: kind}


def is_owned(obj: Mapping[str, Any]) -> bool:
    """Say whether a Kubernetes object is d2k's: no other is ever listed, changed or deleted."""
    labels = obj["metadata"].get("labels") or {}
    return bool(labels.get(MANAGED_BY) == OWNER)


def container_label(container_id: str) -> str:
    """Return the label value that stands for a container: its id's first 63 digits, all that a label holds."""
    return container_id[:63]

"""Docker's health check as a readiness probe, and a Pod's readiness as Docker's health."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from d2k.translate import commands
from d2k.translate.record import main_status
from d2k.translate.times import SECOND, parse_rfc3339

Object = dict[str, Any]

# Docker's defaults (Docker API, HealthConfig).
INTERVAL, TIMEOUT, RETRIES = 30 * SECOND, 30 * SECOND, 3

STARTING, HEALTHY, UNHEALTHY = "starting", "healthy", "unhealthy"


def effective(healthcheck: Object | None) -> Object | None:
    """Return the health check that runs; None when there is none, or one that the engine does not run either.

    That is one switched off (`NONE`), of an unknown kind, or without a command.
    """
    test = (healthcheck or {}).get("Test") or []
    return healthcheck if len(test) > 1 and test[0] in ("CMD", "CMD-SHELL") else None


def probe(healthcheck: Object | None, shell: Sequence[str] = ()) -> Object | None:
    """Return the readinessProbe for Docker's HealthConfig (durations in nanoseconds); None without a check.

    `shell` is what runs a CMD-SHELL check; `/bin/sh -c` if empty.
    """
    check = effective(healthcheck)
    if check is None:
        return None
    kind, *words = check["Test"]
    command = [*(shell or ("/bin/sh", "-c")), *words] if kind == "CMD-SHELL" else words
    return {
        "exec": {"command": [commands.escape(word) for word in command]},
        "periodSeconds": _seconds(check.get("Interval") or INTERVAL),
        "timeoutSeconds": _seconds(check.get("Timeout") or TIMEOUT),
        "failureThreshold": check.get("Retries") or RETRIES,
        "successThreshold": 1,
    }


def status(healthcheck: Object, pod: Object, now: int) -> str:
    """Return starting, healthy or unhealthy for a running container at `now` (nanoseconds since 1970).

    A Pod only says whether it is ready. It was ready before if the condition turned false after the process started;
    a container that never was ready has Docker's start period and its retries before it counts as unhealthy.
    """
    main = main_status(pod)
    if main is None:
        return STARTING
    if main.get("ready"):
        return HEALTHY
    started = ((main.get("state") or {}).get("running") or {}).get("startedAt")
    if not started:
        return STARTING
    began = parse_rfc3339(started)
    for condition in pod["status"].get("conditions") or ():
        turned = condition.get("lastTransitionTime")
        if condition["type"] == "ContainersReady" and turned and parse_rfc3339(turned) > began + SECOND:
            return UNHEALTHY
    interval = max(healthcheck.get("Interval") or INTERVAL, SECOND)
    retries = healthcheck.get("Retries") or RETRIES
    patience = (healthcheck.get("StartPeriod") or 0) + retries * interval
    return UNHEALTHY if now > began + patience else STARTING


def _seconds(nanoseconds: int) -> int:
    # The probe's clock has whole seconds, one at least.
    return max(1, math.ceil(nanoseconds / SECOND))

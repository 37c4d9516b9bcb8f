"""What may not be compared: ids, times, addresses and sizes."""

from __future__ import annotations

import re

MASKS = [
    (re.compile(r"sha256:[0-9a-f]{64}"), "sha256:DIGEST"),
    (re.compile(r"\b[0-9a-f]{64}\b"), "ID"),
    (re.compile(r"\b[0-9a-f]{12}\b"), "ID"),
    (re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)"), "TIME"),
    (re.compile(r"(Up )?(Less than a second|About a minute|\d+ (seconds?|minutes?))( ago)?"), r"\1AGE\4"),
    (re.compile(r"\b\d{1,3}(\.\d{1,3}){3}\b"), "ADDRESS"),
    (re.compile(r"\b\d+(\.\d+)?(B|kB|MB|GB|KiB|MiB|GiB)\b"), "SIZE"),
    # Runtimes word this in two ways.
    (re.compile(r"error during container init: "), ""),
    # Columns are as wide as what was masked in them.
    (re.compile(r"  +"), "  "),
]


def mask(text: str, prefix: str) -> str:
    """Return a text with everything replaced that is another one on each engine and in each run."""
    text = text.replace(prefix, "@")
    for pattern, replacement in MASKS:
        text = pattern.sub(replacement, text)
    return "\n".join(line.rstrip() for line in text.splitlines())

"""The keys that detach a client from a terminal, such as `ctrl-p,ctrl-q`."""

from __future__ import annotations

DEFAULT = bytes((16, 17))
_CONTROL = {f"ctrl-{key}": code for code, key in enumerate("@abcdefghijklmnopqrstuvwxyz[\\]^_")}


def parse(keys: str) -> bytes:
    """Return the bytes of a sequence of keys: single characters, `ctrl-X` and `DEL`, separated by commas.

    Empty means the default, ctrl-p ctrl-q. Raises ValueError for a key that is none of these (moby, term.ToBytes).
    """
    if not keys:
        return DEFAULT
    codes = bytearray()
    for key in keys.split(","):
        if len(key) == 1 and ord(key) < 256:
            codes.append(ord(key))
        elif key in _CONTROL:
            codes.append(_CONTROL[key])
        elif key == "DEL":
            codes.append(127)
        else:
            raise ValueError(f"Unknown character: '{key}'")
    return bytes(codes)


class DetachMatcher:
    """Looks for the detach keys in what a user types, in whatever pieces it arrives."""

    def __init__(self, keys: bytes) -> None:
        self._keys = keys
        self._matched = 0

    def feed(self, data: bytes) -> tuple[bytes, bool]:
        """Return what goes on to the process, and whether the keys were typed: nothing after them goes on.

        The beginning of the sequence is held until the next byte shows that it was not meant.
        """
        if not self._matched and self._keys[0] not in data:
            return data, False
        passed = bytearray()
        for code in data:
            while self._matched and code != self._keys[self._matched]:
                self._fall_back(passed)
            if code == self._keys[self._matched]:
                self._matched += 1
                if self._matched == len(self._keys):
                    return bytes(passed), True
            else:
                passed.append(code)
        return bytes(passed), False

    def _fall_back(self, passed: bytearray) -> None:
        """Let go of as many held bytes as are needed for the rest to begin the sequence again."""
        held = self._keys[: self._matched]
        for start in range(1, len(held) + 1):
            if self._keys.startswith(held[start:]):
                passed += held[:start]
                self._matched = len(held) - start
                return

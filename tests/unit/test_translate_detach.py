from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from d2k.translate.detach import DEFAULT, DetachMatcher, parse


def test_parse() -> None:
    assert [parse(""), parse("ctrl-a,x"), parse("ctrl-@,ctrl-_,DEL")] == [DEFAULT, b"\x01x", b"\x00\x1f\x7f"]
    with pytest.raises(ValueError, match="Unknown character: 'bad-x'"):
        parse("bad-x")


@given(st.lists(st.sampled_from(["a", "b", "c"]), min_size=1, max_size=4), st.lists(st.text("abcd", max_size=6)))
def test_keys_are_found_however_the_input_is_cut(keys: list[str], pieces: list[str]) -> None:
    sequence, whole = "".join(keys), "".join(pieces)
    matcher, passed, detached = DetachMatcher(sequence.encode()), b"", False
    for piece in pieces:
        out, detached = matcher.feed(piece.encode())
        passed += out
        if detached:
            break
    assert detached == (sequence in whole)
    if detached:
        assert passed == whole[: whole.index(sequence)].encode()
    else:
        # The beginning of the sequence may still be held.
        assert whole.encode().startswith(passed)
        assert sequence.encode().startswith(whole.encode()[len(passed) :])

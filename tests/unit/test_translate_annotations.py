import pytest
from hypothesis import given
from hypothesis import strategies as st

from d2k.translate.annotations import COMPRESS_ABOVE, decode, encode

json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=20,
)


@given(json_values)
def test_round_trip(value):
    assert decode(encode(value)) == value


@given(st.text(min_size=1, max_size=50), json_values)
def test_round_trip_of_long_documents(text, value):
    document = {"Env": [text] * COMPRESS_ABOVE, "More": value}
    written = encode(document)
    assert written.startswith("zlib:")
    assert decode(written) == document


def test_short_documents_stay_readable():
    assert encode({"Image": "web", "Cmd": None}) == '{"Image":"web","Cmd":null}'


@pytest.mark.parametrize(("length", "compressed"), [(COMPRESS_ABOVE, False), (COMPRESS_ABOVE + 1, True)])
def test_the_limit(length, compressed):
    text = "x" * (length - 2)
    written = encode(text)
    assert written.startswith("zlib:") is compressed
    assert len(written) < 100 or not compressed
    assert decode(written) == text

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from d2k.errors import InvalidParameter
from d2k.translate.commands import command_line, escape, escape_all, path_and_args

VARIABLES = {"A": "value", "": "empty"}


def expand(text, variables=VARIABLES):
    """Kubernetes' expansion, byte by byte as the kubelet does it: the oracle of these tests."""
    data = text.encode("utf-8", "surrogatepass")
    out = bytearray()
    at = 0
    while at < len(data):
        if data[at : at + 1] != b"$" or at + 1 == len(data):
            out.append(data[at])
            at += 1
            continue
        following = data[at + 1]
        if following == ord("$"):
            out += b"$"
            at += 2
        elif following == ord("("):
            end = data.find(b")", at + 2)
            if end < 0:
                out += b"$("
                at += 2
            else:
                name = data[at + 2 : end].decode("utf-8", "surrogatepass")
                out += variables.get(name, f"$({name})").encode("utf-8", "surrogatepass")
                at = end + 1
        else:
            out += b"$" + chr(following).encode()  # one byte taken for a character: spoils what is not ASCII
            at += 2
    return out.decode("utf-8", "replace")


@pytest.mark.parametrize(
    ("text", "escaped"),
    [
        ("plain", "plain"),
        ("$HOME", "$HOME"),
        ("cost: 5$", "cost: 5$"),
        ("$", "$"),
        ("$$", "$$$$"),
        ("$$$", "$$$$$$"),
        ("$(A)", "$$(A)"),
        ("$$(A)", "$$$$(A)"),
        ("$(", "$$("),
        ("$(date) $x ${y}", "$$(date) $x ${y}"),
        ("$é", "$$é"),
        ("é$", "é$"),
        ("($)$)", "($)$)"),
    ],
)
def test_escape(text, escaped):
    assert escape(text) == escaped
    assert expand(escaped) == text


@given(st.one_of(st.text(), st.text("$$$()Aé{} \n")))
@settings(max_examples=1000)
def test_kubernetes_expands_to_the_same_text(text):
    assert expand(escape(text)) == text


def test_the_oracle_does_expand():
    assert expand("$(A)/$(B)/$$(A)/$$/$") == "value/$(B)/$(A)/$/$"
    assert expand("$é") != "$é"


def test_escape_all():
    assert escape_all(["$(A)", "b"]) == ["$$(A)", "b"]


@pytest.mark.parametrize(
    ("entrypoint", "cmd", "expected"),
    [
        (None, ["sh"], ("sh", [])),
        (["/e", "-x"], None, ("/e", ["-x"])),
        (["/e", "-x"], ["a", ""], ("/e", ["-x", "a", ""])),
        ([""], ["x"], ("x", [])),
        ([], ["x", "y"], ("x", ["y"])),
    ],
)
def test_path_and_args(entrypoint, cmd, expected):
    assert path_and_args(entrypoint, cmd) == expected


@pytest.mark.parametrize(("entrypoint", "cmd"), [(None, None), ([], []), ([""], [])])
def test_nothing_to_run(entrypoint, cmd):
    with pytest.raises(InvalidParameter, match=r"^no command specified$"):
        path_and_args(entrypoint, cmd)


@pytest.mark.parametrize(
    ("entrypoint", "cmd", "line"),
    [
        (
            ["/bin/sh", "-c"],
            ["echo hi \"x\" 'y'", "a b", "", "z\\q", "tab\tx", "$HOME", "é"],
            "/bin/sh -c 'echo hi \"x\" 'y'' 'a b'  z\\q tab\tx $HOME é",
        ),
        (None, ["sleep 1"], "sleep 1"),
        (["top"], None, "top"),
        (None, ["sh", "a\nb"], "sh a\nb"),
    ],
)
def test_command_line_as_the_engine_shows_it(entrypoint, cmd, line):
    assert command_line(entrypoint, cmd) == line

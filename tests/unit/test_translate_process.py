import pytest
from container_samples import ID
from hypothesis import given
from hypothesis import strategies as st

from d2k.translate.health import probe
from d2k.translate.process import health_check, host_name, main_process, merged_config, merged_env

variables = st.lists(st.builds("{}={}".format, st.text("ABC", min_size=1, max_size=2), st.text(max_size=5)))


@given(variables, variables)
def test_the_requests_variables_go_before_those_of_the_image(wanted, given_by_image):
    merged = merged_env(wanted, given_by_image)
    assert merged[: len(wanted)] == wanted
    names = {item.partition("=")[0] for item in wanted}
    rest = merged[len(wanted) :]
    assert rest == [item for item in given_by_image if item.partition("=")[0] not in names]


@given(variables)
def test_of_equal_names_the_last_value_counts(wanted):
    fields = main_process({"Env": wanted, "Cmd": ["x"]}, {})
    found = {entry["name"] for entry in fields.get("env", [])}
    assert found == {item.partition("=")[0] for item in wanted}
    assert len(found) == len(fields.get("env", []))


@pytest.mark.parametrize(
    ("wanted", "shown", "warned"),
    [
        ("", "0123456789ab", 0),
        ("web", "web", 0),
        ("WEB-1", "web-1", 0),
        ("a" * 63, "a" * 63, 0),
        ("a" * 64, "0123456789ab", 1),
        ("a.b.c", "0123456789ab", 1),
        ("-a", "0123456789ab", 1),
        ("a_b", "0123456789ab", 1),
        ("web\n", "0123456789ab", 1),
    ],
)
def test_host_name(wanted, shown, warned):
    warnings = []
    assert host_name({"Hostname": wanted}, ID, warnings) == shown
    assert len(warnings) == warned


def test_nothing_of_the_request_or_the_image_is_changed():
    spec = {"Env": ["A=1"], "Labels": {"a": "1"}, "Healthcheck": {"Retries": 1}}
    image = {"Env": ["B=1"], "Labels": {"b": "1"}, "Healthcheck": {"Test": ["CMD", "x"]}}
    before = repr((spec, image))
    merged = merged_config(spec, image)
    merged["Labels"]["c"] = "1"
    merged["Healthcheck"]["Retries"] = 9
    assert repr((spec, image)) == before


@pytest.mark.parametrize(
    ("wanted", "given_by_image", "merged"),
    [
        (None, None, None),
        (None, {"Test": ["CMD", "x"]}, {"Test": ["CMD", "x"]}),
        ({}, None, {}),
        ({"Test": ["NONE"]}, {"Test": ["CMD", "x"], "Retries": 3}, {"Test": ["NONE"], "Retries": 3}),
        ({"StartInterval": 5}, {"Test": ["CMD", "x"], "StartInterval": 3}, {"Test": ["CMD", "x"], "StartInterval": 5}),
        ({"Test": [], "Interval": 0}, {"Test": ["CMD", "x"], "Interval": 3}, {"Test": ["CMD", "x"], "Interval": 3}),
    ],
)
def test_health_check(wanted, given_by_image, merged):
    spec = {} if wanted is None else {"Healthcheck": wanted}
    assert health_check(spec, {} if given_by_image is None else {"Healthcheck": given_by_image}) == merged


def test_the_shell_of_a_probe():
    check = {"Test": ["CMD-SHELL", "test -f /ok"], "Interval": 1, "Timeout": 1_500_000_000, "Retries": 2}
    assert probe(check) == {
        "exec": {"command": ["/bin/sh", "-c", "test -f /ok"]},
        "periodSeconds": 1,
        "timeoutSeconds": 2,
        "failureThreshold": 2,
        "successThreshold": 1,
    }
    assert probe(check, ["/bin/ash", "-ec"])["exec"] == {"command": ["/bin/ash", "-ec", "test -f /ok"]}
    assert probe(None) is None

import random
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from d2k.errors import InvalidParameter, SystemFailure
from d2k.translate.ids import derived_id
from d2k.translate.names import check_container_name, deployment_name, host_name, random_name

RFC1035 = re.compile(r"[a-z]([-a-z0-9]{0,43}[a-z0-9])?")
ID = "0123456789abcdef" * 4
DOCKER_NAMES = st.from_regex(r"[a-zA-Z0-9][a-zA-Z0-9_.-]{1,80}", fullmatch=True)
IDS = st.text("0123456789abcdef", min_size=64, max_size=64)


def free(_name):
    return False


@pytest.mark.parametrize("name", ["ab", "Web", "a..b_c-", "9z", "a" * 300])
def test_names_that_the_engine_takes(name):
    assert check_container_name(name) == name
    assert check_container_name(f"/{name}") == name


@pytest.mark.parametrize("name", ["", "/", "a", "/a", "_x", "-a", "a b", "éa", "//ab", "ab\n", "a/b", "ab/"])
def test_names_that_the_engine_refuses(name):
    with pytest.raises(InvalidParameter) as caught:
        check_container_name(name)
    assert str(caught.value) == f"Invalid container name ({name}), only [a-zA-Z0-9][a-zA-Z0-9_.-] are allowed"


def test_random_names_are_valid_many_and_repeatable():
    names = {random_name(random.Random(seed)) for seed in range(500)}
    assert len(names) > 400
    assert all(re.fullmatch(r"[a-z]+_[a-z]+", check_container_name(name)) for name in names)
    assert random_name(random.Random(7)) == random_name(random.Random(7))


@pytest.mark.parametrize(
    ("docker_name", "expected"),
    [
        ("web", "web"),
        ("a" * 45, "a" * 45),
        ("a" * 46, "a" * 36 + "-HASHHASH"),
        ("Web", "web-HASHHASH"),
        ("my_app.1", "my-app-1-HASHHASH"),
        ("9lives", "c-9lives-HASHHASH"),
        ("x-", "x-HASHHASH"),
        ("0_", "c-0-HASHHASH"),
        ("a" * 35 + "_b" * 10, "a" * 35 + "-HASHHASH"),
    ],
)
def test_deployment_names(docker_name, expected):
    expected = expected.replace("HASHHASH", derived_id(docker_name)[:8])
    # Of two containers that are created with one name at once, only one may find its Deployment's name free.
    assert {deployment_name(docker_name, container_id, free) for container_id in (ID, "f" * 64)} == {expected}


def test_deployment_name_avoids_what_is_taken():
    taken = set()
    given_names = []
    for _ in range(5):
        name = deployment_name("web", ID, taken.__contains__)
        taken.add(name)
        given_names.append(name)
    assert given_names == ["web", f"web-{derived_id('web')[:8]}", "web-01234567", f"web-{ID[:16]}", f"web-{ID[:32]}"]
    with pytest.raises(SystemFailure, match="no free Kubernetes name for container web"):
        deployment_name("web", ID, taken.__contains__)


@given(DOCKER_NAMES, IDS)
def test_deployment_names_are_valid_and_repeatable(docker_name, container_id):
    name = deployment_name(docker_name, container_id, free)
    assert RFC1035.fullmatch(name)
    assert name == deployment_name(docker_name, container_id, free)
    assert RFC1035.fullmatch(deployment_name(docker_name, container_id, lambda taken: taken == name))


@given(st.lists(st.tuples(DOCKER_NAMES, IDS), unique=True, max_size=20))
def test_deployment_names_of_different_containers_differ(containers):
    taken = set()
    for docker_name, container_id in containers:
        taken.add(deployment_name(docker_name, container_id, taken.__contains__))
    assert len(taken) == len(containers)


def test_host_name():
    assert host_name(ID) == "0123456789ab"

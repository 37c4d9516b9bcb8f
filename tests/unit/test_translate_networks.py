from __future__ import annotations

import re

import pytest
from fake_kube import deployment, pod
from hypothesis import given
from hypothesis import strategies as st

from d2k.errors import DockerError, InvalidParameter
from d2k.translate import endpoints, networks
from d2k.translate.networks import Network
from d2k.translate.record import Container

ID = "ab" * 32
CREATED = "2026-01-01T00:00:00.5Z"
TEXT = st.text(max_size=8)


def container(digit, name, ip="", **parts):
    labels = {"d2k.io/container": digit * 63}
    document = deployment(digit * 64, name, labels, ip=ip, **parts)
    return Container(document, [pod(name, labels, ip)] if ip else [])


def test_predefined_networks_keep_their_ids():
    first = networks.predefined("ns")
    assert first == networks.predefined("ns")
    assert first != networks.predefined("other")
    assert [(one.name, one.driver) for one in first] == [("bridge", "bridge"), ("host", "host"), ("none", "null")]


@given(TEXT.filter(str.strip), st.dictionaries(TEXT, TEXT))
def test_a_config_map_gives_its_network_back(name, labels):
    network = Network(ID, name, "bridge", CREATED, {"Name": name, "Labels": labels, "Internal": True})
    stored = networks.config_map(network)
    assert networks.is_network(stored)
    assert networks.network(stored) == network
    assert re.fullmatch(r"d2k-network-[0-9a-f]{12}", stored["metadata"]["name"])


def test_service():
    owner = {"metadata": {"name": "d2k-network-1", "uid": "u"}}
    assert networks.service(Network(ID, "n"), owner) == {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {
            "name": "net-abababababab",
            "labels": {"d2k.io/managed-by": "d2k", "d2k.io/kind": "network"},
            "ownerReferences": [{"apiVersion": "v1", "kind": "ConfigMap", "name": "d2k-network-1", "uid": "u"}],
        },
        "spec": {"clusterIP": "None"},
    }


def test_search_domains():
    found = networks.search_domains([*networks.predefined("ns"), Network(ID, "n")], "ns", "cluster.local")
    assert found == ["net-abababababab.ns.svc.cluster.local"]


@pytest.mark.parametrize(
    ("request_", "status", "text"),
    [
        ({"Name": " "}, 400, "invalid name: name is empty"),
        ({"Name": "bridge"}, 403, "operation is not permitted on predefined bridge network "),
        ({"Name": "default"}, 403, "operation is not permitted on predefined default network "),
        ({"Name": "n", "Driver": "foo"}, 404, 'plugin "foo" not found'),
        ({"Name": "n", "Driver": "host"}, 403, 'only one instance of "host" network is allowed'),
        ({"Name": "n", "Driver": "null"}, 403, 'only one instance of "null" network is allowed'),
        ({"Name": "n", "Scope": "swarm"}, 403, "cannot create a swarm scoped network when swarm is not active"),
        ({"Name": "n", "Ingress": True}, 403, "Ingress network can only be global scope network"),
        ({"Name": "n", "IPAM": {"Driver": "foo"}}, 404, 'plugin "foo" not found'),
        ({"Name": "n", "EnableIPv4": False}, 400, "IPv4 or IPv6 must be enabled"),
        (
            {"Name": "n", "IPAM": {"Config": [{"Gateway": "10.1.1.1"}]}},
            400,
            "invalid network config:\n"
            "invalid gateway 10.1.1.1: parent subnet invalid Prefix doesn't contain this address",
        ),
        (
            {"Name": "n", "IPAM": {"Config": [{"Subnet": "10.123.77.5/24"}]}},
            400,
            "invalid network config:\ninvalid subnet 10.123.77.5/24: it should be 10.123.77.0/24",
        ),
        (
            {"Name": "n", "IPAM": {"Config": [{"Subnet": "10.123.77.0/24", "IPRange": "10.1.0.0/16"}]}},
            400,
            "invalid network config:\n"
            "* invalid ip-range 10.1.0.0/16: CIDR block is bigger than its parent subnet 10.123.77.0/24\n"
            "* invalid ip-range 10.1.0.0/16: parent subnet 10.123.77.0/24 doesn't contain ip-range",
        ),
    ],
)
def test_refused_requests_have_the_engines_texts(request_, status, text):
    with pytest.raises(DockerError) as error:
        networks.check_request(request_)
    assert (error.value.status, str(error.value)) == (status, text)


def test_what_has_no_effect_is_warned_of():
    assert networks.check_request({"Name": "n"}) == []
    request = {"Name": "n", "IPAM": {"Config": [{"Subnet": "10.0.0.0/8"}]}, "EnableIPv6": True, "Internal": True}
    assert len(networks.check_request(request)) == 3


def test_document():
    request = {"Name": "n", "Labels": {"a": "b"}, "Options": {"o": "p"}, "Attachable": True}
    assert networks.document(Network(ID, "n", "bridge", CREATED, request)) == {
        "Name": "n",
        "Id": ID,
        "Created": CREATED,
        "Scope": "local",
        "Driver": "bridge",
        "EnableIPv4": True,
        "EnableIPv6": False,
        "IPAM": {"Driver": "default", "Options": None, "Config": []},
        "Internal": False,
        "Attachable": True,
        "Ingress": False,
        "ConfigFrom": {"Network": ""},
        "ConfigOnly": False,
        "Options": {"o": "p"},
        "Labels": {"a": "b"},
    }


def test_list_filters():
    network = Network(ID, "app_net", "bridge", CREATED, {"Labels": {"a": "b"}})
    for filters, shown in (
        ({}, True),
        ({"name": ["app"]}, True),
        ({"name": ["^app$"]}, False),
        ({"id": ["abab"]}, True),
        ({"driver": ["brid"]}, False),
        ({"scope": ["swarm"]}, False),
        ({"type": ["custom"]}, True),
        ({"type": ["builtin"]}, False),
        ({"type": ["builtin", "custom"]}, True),
        ({"label": ["a=c"]}, False),
        ({"dangling": ["true"]}, False),
        ({"dangling": ["false"]}, True),
    ):
        assert networks.listed(network, filters, in_use=True) is shown, filters
    assert not networks.listed(networks.predefined("ns")[0], {"dangling": ["true"]}, in_use=False)


def test_a_bad_type_is_refused():
    with pytest.raises(InvalidParameter, match=r"^invalid value for filter 'type': must be 'builtin' or 'custom'$"):
        networks.check_filters({"type": ["x"]})


def test_prunable():
    network = Network(ID, "n", "bridge", CREATED, {"Labels": {"a": "b"}})
    assert networks.prunable(network, {}, None)
    assert not networks.prunable(network, {}, 0)
    assert not networks.prunable(network, {"label!": ["a=b"]}, None)
    assert not networks.prunable(networks.predefined("ns")[0], {}, None)


def test_endpoints_have_every_name_of_every_running_member():
    containers = [
        container(
            "1", "db", "10.0.0.2", networks={"n": {"Aliases": ["Database", "under_score", "db"]}}, hostname="h.dom"
        ),
        container("2", "web", "10.0.0.3", networks={"n": {"Aliases": ["db"]}, "bridge": {}}),
        container("3", "other", "10.0.0.4", networks={"bridge": {}}),
        container("4", "stopped", networks={"n": {}}),
    ]
    assert endpoints.endpoints(Network(ID, "n"), containers) == [
        {"addresses": [ip], "conditions": {"ready": True}, "hostname": name}
        for name, ip in (
            ("111111111111", "10.0.0.2"),
            ("222222222222", "10.0.0.3"),
            ("database", "10.0.0.2"),
            ("db", "10.0.0.2"),
            ("db", "10.0.0.3"),
            ("web", "10.0.0.3"),
        )
    ]
    assert endpoints.host_names(["a", "A", "b_c", "h.dom", "-x", "x" * 64]) == (["a"], ["b_c", "h.dom", "-x", "x" * 64])


def test_slices_by_family_and_size():
    owner = {"metadata": {"name": "d2k-network-1", "uid": "u"}}
    many = [f"a{number}" for number in range(1200)]
    containers = [
        container("1", "db", "10.0.0.2", networks={"n": {"Aliases": many}}),
        container("2", "web", "fd00::1", networks={"n": {}}),
    ]
    found = endpoints.slices(Network(ID, "n"), containers, owner)
    assert [(one["metadata"]["name"], one["addressType"], len(one["endpoints"])) for one in found] == [
        ("net-abababababab-ipv4", "IPv4", 1000),
        ("net-abababababab-ipv4-2", "IPv4", 202),
        ("net-abababababab-ipv6", "IPv6", 2),
    ]
    assert found[0]["metadata"]["labels"] == {
        "d2k.io/managed-by": "d2k",
        "d2k.io/kind": "network",
        "kubernetes.io/service-name": "net-abababababab",
        "endpointslice.kubernetes.io/managed-by": "d2k.io",
    }
    [empty] = endpoints.slices(Network(ID, "n"), [], owner)
    assert empty["endpoints"] == []
    assert endpoints.same_slice({**empty, "endpoints": None}, empty)
    assert not endpoints.same_slice(found[2], empty)


def test_container_map():
    shown = endpoints.container_map(Network(ID, "n"), [container("1", "db", "10.0.0.2", networks={"n": {}})])
    assert shown == {
        "1" * 64: {
            "Name": "db",
            "EndpointID": shown["1" * 64]["EndpointID"],
            "MacAddress": "02:42:0a:00:00:02",
            "IPv4Address": "10.0.0.2/32",
            "IPv6Address": "",
        }
    }


@pytest.mark.parametrize(
    ("network", "given_", "text"),
    [
        (
            networks.predefined("ns")[0],
            {"Aliases": ["x"]},
            "invalid endpoint settings:\nnetwork-scoped aliases are only supported for user-defined networks",
        ),
        (
            networks.predefined("ns")[0],
            {"IPAMConfig": {"IPv4Address": "1.2.3.4"}},
            "invalid endpoint settings:\n"
            "* user-specified IP address is supported on user-defined networks only\n"
            "* no configured subnet contains IP address 1.2.3.4",
        ),
        (
            Network(ID, "n"),
            {"IPAMConfig": {"IPv4Address": "1.2.3.4"}},
            "invalid endpoint settings:\nno configured subnet contains IP address 1.2.3.4",
        ),
    ],
)
def test_settings_that_do_not_fit(network, given_, text):
    with pytest.raises(InvalidParameter) as error:
        endpoints.check(network, given_)
    assert str(error.value) == text


def test_an_address_in_the_subnet_is_accepted_with_a_warning():
    network = Network(ID, "n", request={"IPAM": {"Config": [{"Subnet": "10.1.0.0/16"}]}})
    given_ = {"IPAMConfig": {"IPv4Address": "10.1.0.9"}, "MacAddress": "02:42:ac:11:00:09", "Links": ["a:b"]}
    endpoints.check(network, given_)
    assert len(endpoints.warnings("n", given_)) == 3

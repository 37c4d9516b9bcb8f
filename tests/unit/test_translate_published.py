import pytest
from container_samples import KEY, container

from d2k.translate.ports import Port, Published
from d2k.translate.published import (
    has_address,
    host_ports,
    is_published,
    mode_of,
    port_list,
    port_map,
    proxied,
    published_ports,
    service,
)

WISHES = [Published(80, "tcp", "", 30080), Published(53, "udp", "", 8053)]


def made(mode, **changes):
    found = service(container(), "front-published", WISHES, mode)
    found["spec"] |= {"clusterIP": "10.96.0.9"}
    return found | changes


def balanced(**ingress):
    return made("loadbalancer", status={"loadBalancer": {"ingress": [ingress]}})


def ports_at(address, one=8053, other=30080):
    return [Published(53, "udp", address, one), Published(80, "tcp", address, other)]


@pytest.mark.parametrize(
    ("mode", "kind", "node_port"),
    [
        ("loadbalancer", "LoadBalancer", None),
        ("nodeport", "NodePort", 30080),
        ("clusterip", "ClusterIP", None),
        ("proxy", "ClusterIP", None),
    ],
)
def test_service(mode, kind, node_port):
    http = {"name": "tcp-80-30080", "protocol": "TCP", "port": 30080, "targetPort": 80}
    assert service(container(), "front-published", WISHES, mode) == {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {
            "name": "front-published",
            "labels": {"d2k.io/managed-by": "d2k", "d2k.io/kind": "published", "d2k.io/container": KEY},
            "annotations": {"d2k.io/publish": mode},
            "ownerReferences": [
                {"apiVersion": "apps/v1", "kind": "Deployment", "name": "front", "uid": "deployment-uid"}
            ],
        },
        "spec": {
            "type": kind,
            "selector": {"d2k.io/container": KEY},
            "publishNotReadyAddresses": True,
            "ports": [
                http | ({"nodePort": node_port} if node_port else {}),
                {"name": "udp-53-8053", "protocol": "UDP", "port": 8053, "targetPort": 53},
            ],
        },
    }


def test_a_port_that_any_host_port_will_do_for():
    found = service(container(), "n", [Published(80, "tcp", "", 0)], "nodeport")
    assert found["spec"]["ports"] == [{"name": "tcp-80-any", "protocol": "TCP", "port": 80, "targetPort": 80}]


def test_what_is_published_and_how():
    other = {"metadata": {"name": "net-a"}, "spec": {}}
    assert [is_published(other), is_published(made("proxy"))] == [False, True]
    assert [mode_of(other), mode_of(made("proxy"))] == ["loadbalancer", "proxy"]
    held = {("tcp", 30080), ("udp", 8053)}
    found = {mode: host_ports(made(mode)) for mode in ("loadbalancer", "proxy", "nodeport", "clusterip")}
    assert found == {"loadbalancer": held, "proxy": held, "nodeport": set(), "clusterip": set()}


def test_has_address():
    assert has_address(made("proxy")) is True
    assert has_address(made("loadbalancer")) is False
    assert has_address(made("loadbalancer", status={"loadBalancer": {}})) is False
    assert has_address(balanced(ip="203.0.113.5")) is True


def nodeport():
    found = made("nodeport")
    found["spec"]["ports"][0]["nodePort"] = 31080
    found["spec"]["ports"][1]["nodePort"] = 31053
    return found


@pytest.mark.parametrize(
    ("obj", "expected"),
    [
        (made("loadbalancer"), []),
        (balanced(ip="203.0.113.5"), ports_at("203.0.113.5")),
        (balanced(hostname="lb.example"), ports_at("")),
        (made("clusterip"), ports_at("10.96.0.9")),
        (made("proxy"), ports_at("198.51.100.1")),
        (nodeport(), ports_at("192.0.2.7", 31053, 31080)),
        ({"metadata": {"name": "net-a"}, "spec": {"ports": []}}, []),
    ],
)
def test_published_ports(obj, expected):
    assert published_ports([obj], "192.0.2.7", "198.51.100.1") == expected


def test_the_map_and_the_list():
    published = [Published(80, "tcp", "1.2.3.4", 8080), Published(80, "tcp", "1.2.3.4", 8081)]
    exposed = [Port(80, "tcp"), Port(90, "udp")]
    assert port_map(published, exposed) == {
        "80/tcp": [{"HostIp": "1.2.3.4", "HostPort": "8080"}, {"HostIp": "1.2.3.4", "HostPort": "8081"}],
        "90/udp": None,
    }
    assert port_list([*published, Published(70, "tcp", "", 7000)], exposed) == [
        {"IP": "1.2.3.4", "PrivatePort": 80, "PublicPort": 8080, "Type": "tcp"},
        {"IP": "1.2.3.4", "PrivatePort": 80, "PublicPort": 8081, "Type": "tcp"},
        {"PrivatePort": 70, "PublicPort": 7000, "Type": "tcp"},
        {"PrivatePort": 90, "Type": "udp"},
    ]
    assert (port_map([], []), port_list([], [])) == ({}, [])


def test_a_host_name_is_resolved_only_for_a_load_balancer():
    asked = []

    def resolve(name):
        asked.append(name)
        return "203.0.113.9"

    objects = [balanced(hostname="lb.example"), made("proxy"), balanced(ip="203.0.113.5")]
    found = published_ports(objects, "", "198.51.100.1", resolve)
    assert found == sorted([*ports_at("203.0.113.9"), *ports_at("198.51.100.1"), *ports_at("203.0.113.5")])
    assert asked == ["lb.example"]


def test_what_d2k_itself_listens_on():
    objects = [made("loadbalancer"), made("proxy"), {"metadata": {"name": "net-a"}, "spec": {}}]
    assert proxied(objects) == {("tcp", 30080): 80, ("udp", 8053): 53}


def test_two_addresses_of_one_host_port_are_one_port_of_the_service():
    both = [Published(80, "tcp", "127.0.0.1", 8080), Published(80, "tcp", "", 8080)]
    found = service(container(), "n", both, "loadbalancer")
    assert found["spec"]["ports"] == [{"name": "tcp-80-8080", "protocol": "TCP", "port": 8080, "targetPort": 80}]

import pytest

from d2k.translate.capacity import Capacity, of_nodes, of_quotas

GIB = 1 << 30


def node(cpu, memory, architecture="amd64"):
    info = {"kernelVersion": "6.1", "architecture": architecture}
    return {"status": {"capacity": {"cpu": cpu, "memory": memory}, "nodeInfo": info}}


def quota(**hard):
    return {"spec": {"hard": {key.replace("_", "."): value for key, value in hard.items()}}}


def test_of_nodes():
    assert of_nodes([node("2", "4Gi"), node("3500m", "1048576Ki")]) == Capacity(
        cpus=5, memory=5 * GIB, source="2 nodes", kernel="6.1", architecture="x86_64"
    )
    assert of_nodes([node("1", "1Gi", "arm64")]) == Capacity(
        cpus=1, memory=GIB, source="1 node", kernel="6.1", architecture="aarch64"
    )
    assert of_nodes([]) == Capacity(source="0 nodes")


@pytest.mark.parametrize(
    ("quotas", "cpus", "memory"),
    [
        ([quota(requests_cpu="2", limits_cpu="4", memory="2Gi")], 2, 2 * GIB),
        ([quota(cpu="1500m")], 2, 0),
        ([quota(limits_memory="1Gi"), quota(requests_memory="3Gi")], 0, GIB),
        ([{"spec": {"hard": {"cpu": "9"}}, "status": {"hard": {"cpu": "3"}}}], 3, 0),
    ],
)
def test_of_quotas(quotas, cpus, memory):
    assert of_quotas(quotas) == Capacity(cpus=cpus, memory=memory, source="the namespace's quotas")


@pytest.mark.parametrize("quotas", [[], [quota(pods="10")], [{"spec": {}}]])
def test_nothing_is_known(quotas):
    assert of_quotas(quotas) == Capacity()

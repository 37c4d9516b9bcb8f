"""What create refuses: every text is the reference engine's for the same request."""

import pytest
from container_samples import draft, image_with

from d2k.config import Config
from d2k.errors import InvalidParameter, NotFound
from d2k.translate import workload
from d2k.translate.validation import check

MIB = 1 << 20
REFUSE = "conflicting options: "
POLICY = "invalid restart policy: "
HEALTH = " in Healthcheck cannot be less than 1ms"


def host(**fields):
    return {"HostConfig": fields}


def policy(name, count=0, **fields):
    return host(RestartPolicy={"Name": name, "MaximumRetryCount": count}, **fields)


def health(**fields):
    return {"Healthcheck": {"Test": ["CMD", "true"], **fields}}


def shared(**fields):
    config = {key: fields.pop(key) for key in ("Hostname", "ExposedPorts") if key in fields}
    return {**config, **host(NetworkMode="container:q", **fields)}


def created(spec):
    return workload.deployment(draft({"Image": "web:1", **spec}), Config())


@pytest.mark.parametrize(
    ("spec", "expected"),
    [
        (
            policy("sometimes"),
            POLICY + "unknown policy 'sometimes'; use one of 'no', 'always', 'on-failure', or 'unless-stopped'",
        ),
        (policy("no", 3), POLICY + "maximum retry count can only be used with 'on-failure'"),
        (policy("always", 3), POLICY + "maximum retry count can only be used with 'on-failure'"),
        (policy("", 2), POLICY + "maximum retry count can only be used with 'on-failure'"),
        (
            policy("always", -1),
            POLICY + "maximum retry count can only be used with 'on-failure' and cannot be negative",
        ),
        (policy("on-failure", -1), POLICY + "maximum retry count cannot be negative"),
        (policy("always", AutoRemove=True), "can't create 'AutoRemove' container with restart policy"),
        (policy("on-failure", 2, AutoRemove=True), "can't create 'AutoRemove' container with restart policy"),
        (host(Memory=1024), "Minimum memory limit allowed is 6MB"),
        (host(Memory=-1), "Minimum memory limit allowed is 6MB"),
        (host(Memory=6 * MIB - 1), "Minimum memory limit allowed is 6MB"),
        (host(MemoryReservation=1024), "Minimum memory reservation allowed is 6MB"),
        (
            host(Memory=10 * MIB, MemoryReservation=20 * MIB),
            "Minimum memory limit can not be less than memory reservation limit, see usage",
        ),
        (
            host(MemorySwap=10 * MIB),
            "You should always set the Memory limit when using Memoryswap limit, see usage",
        ),
        (
            host(Memory=20 * MIB, MemorySwap=10 * MIB),
            "Minimum memoryswap limit should be larger than memory limit, see usage",
        ),
        (host(MemorySwappiness=101), "Invalid value: 101, valid memory swappiness range is 0-100"),
        (host(MemorySwappiness=-2), "Invalid value: -2, valid memory swappiness range is 0-100"),
        (host(NanoCpus=10**9, CpuQuota=5000), "Conflicting options: Nano CPUs and CPU Quota cannot both be set"),
        (host(NanoCpus=10**9, CpuPeriod=5000), "Conflicting options: Nano CPUs and CPU Period cannot both be set"),
        (host(NanoCpus=-1), "range of CPUs is from 0.01 and up"),
        (
            host(CpuPeriod=500),
            "CPU cfs period can not be less than 1ms (i.e. 1000) or larger than 1s (i.e. 1000000)",
        ),
        (
            host(CpuPeriod=2_000_000),
            "CPU cfs period can not be less than 1ms (i.e. 1000) or larger than 1s (i.e. 1000000)",
        ),
        (host(CpuQuota=500), "CPU cfs quota can not be less than 1ms (i.e. 1000)"),
        (host(CpuShares=-1), "invalid CPU shares (-1): value must be a positive integer"),
        ({"Env": ["=x"]}, "invalid environment variable: =x"),
        ({"Env": [""]}, "invalid environment variable: "),
        ({"Hostname": "x" * 65}, f'hostname "{"x" * 65}" is too long (maximum 64 bytes)'),
        ({"Hostname": "a", **host(UTSMode="host")}, REFUSE + "hostname and the UTS mode"),
        ({"StopSignal": "SIGNOPE"}, "invalid signal: SIGNOPE"),
        ({"StopSignal": "0"}, "invalid signal: 0"),
        (health(Interval=999_999), "Interval" + HEALTH),
        (health(Interval=-1), "Interval" + HEALTH),
        (health(Timeout=1), "Timeout" + HEALTH),
        (health(StartPeriod=1), "StartPeriod" + HEALTH),
        (health(StartInterval=1), "StartInterval" + HEALTH),
        (health(Retries=-1), "Retries in Healthcheck cannot be negative"),
        ({"Healthcheck": {"Interval": 5}}, "Interval" + HEALTH),
        ({"WorkingDir": "rel"}, "the working directory 'rel' is invalid, it needs to be an absolute path"),
        (host(ExtraHosts=["foo"]), 'bad format for add-host: "foo"'),
        (host(ExtraHosts=[":1.2.3.4"]), 'bad format for add-host: ":1.2.3.4"'),
        (host(ExtraHosts=["foo:bar"]), 'invalid IP address in add-host: "bar"'),
        (host(ExtraHosts=["foo:[::1]"]), 'invalid IP address in add-host: "[::1]"'),
        (host(ExtraHosts=["foo:"]), 'invalid IP address in add-host: ""'),
        (host(Dns=["foo"]), 'invalid JSON: ParseAddr("foo"): unable to parse IP'),
        (host(CapAdd=["NOPE"]), 'invalid CapAdd: unknown capability: "CAP_NOPE"'),
        (host(CapDrop=["cap_foo"]), 'invalid CapDrop: unknown capability: "CAP_FOO"'),
        (host(SecurityOpt=["foo"]), 'invalid --security-opt 1: "foo"'),
        (host(SecurityOpt=["label"]), 'invalid --security-opt 1: "label"'),
        (host(SecurityOpt=["foo=bar"]), 'invalid --security-opt 2: "foo=bar"'),
        (host(SecurityOpt=["no-new-privileges=maybe"]), 'invalid --security-opt 2: "no-new-privileges=maybe"'),
        (host(PidMode="foo"), "invalid PID mode: foo"),
        (host(PidMode="container:"), "invalid PID mode: container:"),
        (host(IpcMode="foo"), "invalid IPC mode: foo"),
        (host(UTSMode="foo"), "invalid UTS mode: foo"),
        (host(CgroupnsMode="foo"), "invalid cgroup namespace mode: foo"),
        (host(ShmSize=-1), "SHM size can not be less than 0"),
        (host(OomScoreAdj=5000), "Invalid value 5000, range for oom score adj is [-1000, 1000]"),
        (host(OomScoreAdj=-1001), "Invalid value -1001, range for oom score adj is [-1000, 1000]"),
        (host(Isolation="hyperv"), "invalid isolation (hyperv): linux only supports 'default'"),
        (
            host(Annotations={"": "x"}),
            "invalid Annotations: the empty string is not permitted as an annotation key",
        ),
        (host(NetworkMode="container:"), "invalid network mode: invalid container format container:<name|id>"),
        (
            host(NetworkMode="host", Links=["a"]),
            REFUSE + "host type networking can't be used with links. This would result in undefined behavior",
        ),
        (
            shared(Links=["a"]),
            REFUSE + "container type network can't be used with links. This would result in undefined behavior",
        ),
        (shared(Hostname="x"), REFUSE + "hostname and the network mode"),
        (shared(Dns=["1.1.1.1"]), REFUSE + "dns and the network mode"),
        (shared(ExtraHosts=["a:1.1.1.1"]), REFUSE + "custom host-to-IP mapping and the network mode"),
        (shared(PortBindings={"80/tcp": []}), REFUSE + "port publishing and the container type network mode"),
        (shared(PublishAllPorts=True), REFUSE + "port publishing and the container type network mode"),
        (shared(ExposedPorts={"80/tcp": {}}), REFUSE + "port exposing and the container type network mode"),
        ({"Entrypoint": [""]}, "no command specified"),
        ({"Entrypoint": [""], "Cmd": []}, "no command specified"),
    ],
)
def test_create_refuses_as_the_engine_does(spec, expected):
    with pytest.raises(InvalidParameter) as caught:
        created(spec)
    assert str(caught.value) == expected


@pytest.mark.parametrize(
    "spec",
    [
        {},
        policy("on-failure", 3),
        policy("no", AutoRemove=True),
        policy("", AutoRemove=True),
        policy("unless-stopped"),
        host(Memory=20 * MIB, MemorySwap=-1),
        host(MemorySwap=-1),
        host(MemoryReservation=-5),
        host(NanoCpus=5_000_000),
        host(CpuQuota=-1),
        host(CpuShares=1),
        host(MemorySwappiness=-1),
        {"Env": ["A", "A B=c"]},
        {"Hostname": "x" * 64},
        {"StopSignal": "RTMIN+3"},
        {"StopTimeout": -5},
        health(Interval=10**6, Timeout=0),
        {"Healthcheck": {"Test": ["FOO", "x"]}},
        {"Healthcheck": {"Test": ["CMD"]}},
        {"Healthcheck": {}},
        host(ExtraHosts=["foo:::1", "bar:host-gateway"]),
        host(CapAdd=["all", "CAP_SYS_ADMIN", "net_raw"]),
        host(IpcMode="shareable"),
        host(Isolation="default", Annotations={"a": "b"}),
        host(SecurityOpt=["disable", "label:disable", "apparmor:unconfined", "writable-cgroups=true"]),
        {"Cmd": [""]},
        {"Entrypoint": ["", ""]},
    ],
)
def test_create_accepts_as_the_engine_does(spec):
    document, _ = created(spec)
    assert document["kind"] == "Deployment"


def test_check_alone_needs_nothing():
    assert check({}) is None


def test_an_image_without_a_command_needs_one():
    with pytest.raises(InvalidParameter) as caught:
        workload.deployment(draft({"Image": "web:1"}, image=image_with(Env=["A=1"])), Config())
    assert str(caught.value) == "no command specified"
    assert workload.deployment(draft({"Image": "web:1"}, image=image_with()), Config())[1] == []


def test_another_volume_driver():
    mount = {"Type": "volume", "Target": "/x", "VolumeOptions": {"DriverConfig": {"Name": "nope"}}}
    with pytest.raises(NotFound) as caught:
        created(host(Mounts=[mount]))
    assert str(caught.value) == 'create : error looking up volume plugin nope: plugin "nope" not found'

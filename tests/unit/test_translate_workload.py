"""The whole Deployment of a bare request, and of one with every option that a Pod has a place for.

All of them were accepted by the API server of Kubernetes 1.35 (kubectl apply --dry-run=server).
"""

import pytest
from container_samples import CREATED, ID, IMAGE, KEY, OPEN, PINNED, container, draft, image_with

from d2k.config import Config
from d2k.errors import Forbidden, InvalidParameter, NotSupported
from d2k.translate import annotations as marks
from d2k.translate.workload import LONGEST_GRACE, deployment, grace_of, grace_seconds

LABELS = {
    "d2k.io/managed-by": "d2k",
    "d2k.io/kind": "container",
    "d2k.io/container": KEY,
    "app.kubernetes.io/name": "front",
}
BARE_POD = {
    "containers": [{"name": "main", "image": PINNED, "imagePullPolicy": "IfNotPresent", "restartPolicy": "Never"}],
    "restartPolicy": "Always",
    "terminationGracePeriodSeconds": 10,
    "hostname": "0123456789ab",
    "automountServiceAccountToken": False,
    "enableServiceLinks": False,
    "schedulingGates": [{"name": "d2k.io/start"}],
}
FULL = {
    "Image": "web:1",
    "Hostname": "Front",
    "User": "1000:50",
    "Env": ["A=1", "B=$(A) $$x", "A=2", "C"],
    "Cmd": ["run", "$(HOME)"],
    "Entrypoint": ["/bin/app", "-v"],
    "WorkingDir": "/srv/../app/",
    "Labels": {"com.example.team": "web", "bad key": "x", "d2k.io/kind": "image", "long": "v" * 70},
    "Tty": True,
    "OpenStdin": True,
    "StdinOnce": True,
    "StopSignal": "QUIT",
    "StopTimeout": 30,
    "Shell": ["/bin/ash", "-c"],
    "Healthcheck": {"Test": ["CMD-SHELL", "test -f /ok"], "Interval": 5000000000, "Timeout": 1500000000, "Retries": 2},
    "HostConfig": {
        "Memory": 67108864,
        "MemoryReservation": 33554432,
        "NanoCpus": 1500000000,
        "CpuShares": 512,
        "PidsLimit": 100,
        "DeviceRequests": [{"Count": 2, "Capabilities": [["gpu"]]}],
        "RestartPolicy": {"Name": "on-failure", "MaximumRetryCount": 3},
        "Privileged": False,
        "ReadonlyRootfs": True,
        "CapAdd": ["NET_ADMIN", "CAP_SYS_TIME"],
        "CapDrop": ["ALL"],
        "SecurityOpt": ["no-new-privileges", "seccomp=unconfined", "apparmor=unconfined"],
        "GroupAdd": ["5", "6"],
        "Sysctls": {"net.ipv4.ip_unprivileged_port_start": "0", "kernel.shm_rmid_forced": "1"},
        "ShmSize": 134217728,
        "Dns": ["10.0.0.53"],
        "DnsSearch": ["example.com"],
        "DnsOptions": ["ndots:2", "rotate"],
        "ExtraHosts": ["db:10.0.0.5", "Cache:10.0.0.5", "v6:fd00::1", "me:host-gateway", "under_score:10.0.0.6"],
        "Tmpfs": {"/run": "size=16m,mode=755"},
        "Binds": ["data:/data:ro"],
        "Mounts": [
            {"Type": "tmpfs", "Target": "/cache", "TmpfsOptions": {"SizeBytes": 1048576}},
            {"Type": "volume", "Source": "data", "Target": "/more", "VolumeOptions": {"Subpath": "a/b"}},
        ],
        "Init": True,
        "OomScoreAdj": 5,
        "Ulimits": [{"Name": "nofile", "Soft": 1, "Hard": 2}],
        "LogConfig": {"Type": "syslog"},
    },
}
FULL_POD = {
    "containers": [
        {
            "name": "main",
            "image": PINNED,
            "imagePullPolicy": "IfNotPresent",
            "command": ["/bin/app", "-v"],
            "args": ["run", "$$(HOME)"],
            "env": [{"name": "A", "value": "2"}, {"name": "B", "value": "$$(A) $$$$x"}],
            "workingDir": "/app",
            "stdin": True,
            "stdinOnce": True,
            "tty": True,
            "resources": {
                "limits": {"memory": "67108864", "cpu": "1500m", "nvidia.com/gpu": "2"},
                "requests": {"memory": "33554432", "cpu": "500m", "nvidia.com/gpu": "2"},
            },
            "securityContext": {
                "runAsUser": 1000,
                "runAsGroup": 50,
                "readOnlyRootFilesystem": True,
                "capabilities": {"add": ["NET_ADMIN", "SYS_TIME"], "drop": ["ALL"]},
                "allowPrivilegeEscalation": False,
                "seccompProfile": {"type": "Unconfined"},
                "appArmorProfile": {"type": "Unconfined"},
            },
            "readinessProbe": {
                "exec": {"command": ["/bin/ash", "-c", "test -f /ok"]},
                "periodSeconds": 5,
                "timeoutSeconds": 2,
                "failureThreshold": 2,
                "successThreshold": 1,
            },
            "volumeMounts": [
                {"name": "mount-0", "mountPath": "/cache"},
                {"name": "mount-1", "mountPath": "/data", "readOnly": True},
                {"name": "mount-1", "mountPath": "/more", "subPath": "a/b"},
                {"name": "mount-3", "mountPath": "/run"},
                {"name": "shm", "mountPath": "/dev/shm"},
            ],
            "restartPolicy": "OnFailure",
            "lifecycle": {"stopSignal": "SIGQUIT"},
        }
    ],
    "restartPolicy": "Always",
    "terminationGracePeriodSeconds": 30,
    "hostname": "front",
    "automountServiceAccountToken": False,
    "enableServiceLinks": False,
    "securityContext": {
        "supplementalGroups": [5, 6],
        "sysctls": [
            {"name": "kernel.shm_rmid_forced", "value": "1"},
            {"name": "net.ipv4.ip_unprivileged_port_start", "value": "0"},
        ],
    },
    "volumes": [
        {"name": "mount-0", "emptyDir": {"medium": "Memory", "sizeLimit": "1048576"}},
        {"name": "mount-1", "persistentVolumeClaim": {"claimName": "claim-data"}},
        {"name": "mount-3", "emptyDir": {"medium": "Memory", "sizeLimit": "16Mi"}},
        {"name": "shm", "emptyDir": {"medium": "Memory", "sizeLimit": "134217728"}},
    ],
    "schedulingGates": [{"name": "d2k.io/start"}],
    "os": {"name": "linux"},
    "dnsPolicy": "None",
    "dnsConfig": {
        "searches": ["example.com"],
        "options": [{"name": "ndots", "value": "2"}, {"name": "rotate"}],
        "nameservers": ["10.0.0.53"],
    },
    "hostAliases": [{"ip": "10.0.0.5", "hostnames": ["db", "cache"]}, {"ip": "fd00::1", "hostnames": ["v6"]}],
}
FULL_WARNINGS = [
    "Kubernetes has no equivalent of --init: it is ignored.",
    "Kubernetes has no equivalent of --oom-score-adj: it is ignored.",
    "Kubernetes has no equivalent of --pids-limit: it is ignored.",
    "Kubernetes has no equivalent of --ulimit: it is ignored.",
    "Kubernetes has no equivalent of the tmpfs option mode=755: it is ignored.",
    "Kubernetes keeps the logs itself: --log-driver syslog is ignored.",
    "A Pod has no way back to your machine: --add-host me:host-gateway is ignored.",
    "Kubernetes host names are DNS names: --add-host under_score:10.0.0.6 is ignored.",
]


def pod_of(document):
    return document["spec"]["template"]["spec"]


def pod_for(config=OPEN, **spec):
    return pod_of(deployment(draft({"Image": "web:1", **spec}, config=config), config)[0])


def main_for(**spec):
    """What a request adds to the main container of a bare one."""
    return {
        key: value for key, value in pod_for(**spec)["containers"][0].items() if key not in BARE_POD["containers"][0]
    }


def test_a_bare_request():
    spec = {"Image": "web:1"}
    assert deployment(draft(spec), Config()) == (
        {
            "apiVersion": "apps/v1",
            "kind": "Deployment",
            "metadata": {
                "name": "front",
                "labels": LABELS,
                "annotations": {
                    "d2k.io/id": ID,
                    "d2k.io/name": "front",
                    "d2k.io/created": CREATED,
                    "d2k.io/spec": '{"Image":"web:1"}',
                    "d2k.io/image": marks.encode(IMAGE),
                    "d2k.io/mounts": "[]",
                    "d2k.io/networks": marks.encode({"bridge": {"NetworkID": "f" * 64}}),
                    "d2k.io/run": "0",
                    "d2k.io/desired": "created",
                },
            },
            "spec": {
                "replicas": 0,
                "selector": {"matchLabels": {"d2k.io/container": KEY}},
                "strategy": {"type": "Recreate"},
                "template": {
                    "metadata": {"labels": LABELS, "annotations": {"d2k.io/id": ID, "d2k.io/name": "front"}},
                    "spec": BARE_POD,
                },
            },
        },
        [],
    )


def test_every_option():
    image = image_with(Cmd=["serve"], Entrypoint=["/entry"], Env=["PATH=/bin"], WorkingDir="/srv")
    document, warnings = deployment(draft(FULL, image=image), OPEN)
    assert pod_of(document) == FULL_POD
    assert warnings == FULL_WARNINGS
    assert document["metadata"]["labels"] == {"com.example.team": "web", **LABELS}
    assert document["spec"]["template"]["metadata"]["labels"] == {"com.example.team": "web", **LABELS}
    assert container(FULL).spec == FULL


def test_networks_go_before_other_name_servers():
    wanted = draft(FULL, search_domains=["net-a.ns.svc.cluster.local"])
    document, warnings = deployment(wanted, OPEN)
    assert "dnsPolicy" not in pod_of(document)
    assert pod_of(document)["dnsConfig"] == {
        "searches": ["net-a.ns.svc.cluster.local", "example.com"],
        "options": [{"name": "ndots", "value": "2"}, {"name": "rotate"}],
        "nameservers": ["10.0.0.53"],
    }
    said = "The cluster's DNS is asked before the servers of --dns, so that names of the network resolve."
    assert set(warnings) == {*FULL_WARNINGS, said}


def test_a_privileged_container_in_the_namespaces_of_its_node():
    host = {
        "Privileged": True,
        "PidMode": "host",
        "IpcMode": "host",
        "NetworkMode": "host",
        "RestartPolicy": {"Name": "always"},
        "Binds": ["/tmp:/t:rslave"],
        "SecurityOpt": ["no-new-privileges", "label=disable"],
    }
    document, warnings = deployment(draft({"Image": "web:1", "HostConfig": host}, name="_odd"), OPEN)
    assert pod_of(document) == {
        "containers": [
            {
                "name": "main",
                "image": PINNED,
                "imagePullPolicy": "IfNotPresent",
                "securityContext": {"privileged": True},
                "volumeMounts": [{"name": "mount-0", "mountPath": "/t", "mountPropagation": "HostToContainer"}],
            }
        ],
        "restartPolicy": "Always",
        "terminationGracePeriodSeconds": 10,
        "hostname": "0123456789ab",
        "automountServiceAccountToken": False,
        "enableServiceLinks": False,
        "hostPID": True,
        "hostIPC": True,
        "hostNetwork": True,
        "volumes": [{"name": "mount-0", "hostPath": {"path": "/tmp"}}],
    }
    assert warnings == ["Kubernetes does not combine --privileged with no-new-privileges: the latter is ignored."]
    assert "app.kubernetes.io/name" not in document["metadata"]["labels"]


@pytest.mark.parametrize(
    ("policy", "restart", "gated"),
    [
        ("", "Never", True),
        ("no", "Never", True),
        ("on-failure", "OnFailure", True),
        ("always", None, False),
        ("unless-stopped", None, False),
    ],
)
def test_restart_policies(policy, restart, gated):
    pod = pod_for(HostConfig={"RestartPolicy": {"Name": policy}})
    assert pod["containers"][0].get("restartPolicy") == restart
    assert ("schedulingGates" in pod) is gated
    assert pod["restartPolicy"] == "Always"


@pytest.mark.parametrize(
    ("spec", "seconds"),
    [({}, 10), ({"StopTimeout": 0}, 1), ({"StopTimeout": 30}, 30), ({"StopTimeout": -1}, LONGEST_GRACE)],
)
def test_grace(spec, seconds):
    assert grace_seconds(spec) == seconds
    assert pod_for(**spec)["terminationGracePeriodSeconds"] == seconds


def test_grace_of():
    assert [grace_of(timeout) for timeout in (-5, 0, 1, 7)] == [LONGEST_GRACE, 1, 1, 7]


@pytest.mark.parametrize(
    ("wanted", "given", "lifecycle"),
    [
        ("", "", None),
        ("SIGTERM", "", None),
        ("15", "", None),
        ("INT", "", "SIGINT"),
        ("SIGQUIT", "QUIT", None),
        ("SIGQUIT", "3", None),
        ("SIGTERM", "SIGQUIT", "SIGTERM"),
        ("SIGTERM", "nonsense", "SIGTERM"),
        ("RTMIN+3", "", "SIGRTMIN+3"),
    ],
)
def test_stop_signals(wanted, given, lifecycle):
    spec = {"Image": "web:1", "StopSignal": wanted}
    pod = pod_of(deployment(draft(spec, image=image_with(Cmd=["sh"], StopSignal=given)), OPEN)[0])
    expected = {"stopSignal": lifecycle} if lifecycle else None
    assert pod["containers"][0].get("lifecycle") == expected
    assert pod.get("os") == ({"name": "linux"} if lifecycle else None)


@pytest.mark.parametrize(
    ("spec", "fields"),
    [
        ({"Cmd": ["a", "$(B)"]}, {"args": ["a", "$$(B)"]}),
        ({"Entrypoint": ["x"], "Cmd": ["a"]}, {"command": ["x"], "args": ["a"]}),
        ({"Entrypoint": ["x"]}, {"command": ["x"]}),
        ({"Entrypoint": []}, {"command": ["sh"]}),
        ({"Entrypoint": [""], "Cmd": ["ls"]}, {"command": ["ls"]}),
        ({"Entrypoint": ["", ""]}, {"command": ["", ""]}),
        ({"Env": ["A=1", "A", "B=", "C==x"]}, {"env": [{"name": "B", "value": ""}, {"name": "C", "value": "=x"}]}),
        ({"WorkingDir": "/a/../b/"}, {"workingDir": "/b"}),
        ({"OpenStdin": True}, {"stdin": True}),
        ({"User": "root:0"}, {"securityContext": {"runAsUser": 0, "runAsGroup": 0}}),
        ({"User": ":7"}, {"securityContext": {"runAsGroup": 7}}),
        ({"HostConfig": {"CapAdd": ["all"]}}, {"securityContext": {"capabilities": {"add": ["ALL"]}}}),
        (
            {"HostConfig": {"SecurityOpt": ["no-new-privileges:false", "seccomp=builtin"]}},
            {"securityContext": {"allowPrivilegeEscalation": True, "seccompProfile": {"type": "RuntimeDefault"}}},
        ),
        ({"HostConfig": {"NanoCpus": 10**9}}, {"resources": {"limits": {"cpu": "1"}, "requests": {"cpu": "0"}}}),
        ({"HostConfig": {"CpuQuota": 50_000}}, {"resources": {"limits": {"cpu": "500m"}, "requests": {"cpu": "0"}}}),
        ({"HostConfig": {"CpuShares": 2048}}, {"resources": {"requests": {"cpu": "2"}}}),
        (
            {"HostConfig": {"CpuShares": 2048, "NanoCpus": 500_000_000}},
            {"resources": {"limits": {"cpu": "500m"}, "requests": {"cpu": "500m"}}},
        ),
        (
            {"HostConfig": {"Memory": 8 << 20}},
            {"resources": {"limits": {"memory": "8388608"}, "requests": {"memory": "8388608"}}},
        ),
        ({"HostConfig": {"MemoryReservation": 8 << 20}}, {"resources": {"requests": {"memory": "8388608"}}}),
        ({"HostConfig": {"MemoryReservation": -5}}, {}),
        ({"Healthcheck": {"Test": ["NONE"]}}, {}),
        ({"Healthcheck": {"Test": ["FOO", "x"]}}, {}),
        ({"Healthcheck": {"Test": ["CMD"]}}, {}),
        (
            {"Healthcheck": {"Test": ["CMD", "check", "$(A)"]}},
            {
                "readinessProbe": {
                    "exec": {"command": ["check", "$$(A)"]},
                    "periodSeconds": 30,
                    "timeoutSeconds": 30,
                    "failureThreshold": 3,
                    "successThreshold": 1,
                }
            },
        ),
    ],
)
def test_fields_of_the_main_container(spec, fields):
    assert main_for(**spec) == fields


@pytest.mark.parametrize(
    ("requests", "count", "warned"),
    [
        ([{"Count": 2, "Capabilities": [["gpu"]]}], "2", 0),
        ([{"Count": -1, "Capabilities": [["gpu"]]}], "1", 1),
        ([{"DeviceIDs": ["0", "2"], "Capabilities": [["gpu"]]}], "2", 1),
        ([{"Driver": "nvidia", "Count": 1}], "1", 0),
    ],
)
def test_gpus(requests, count, warned):
    config = Config(gpu_resource_name="amd.com/gpu")
    document, warnings = deployment(draft({"HostConfig": {"DeviceRequests": requests}}), config)
    both = {"amd.com/gpu": count}
    assert pod_of(document)["containers"][0]["resources"] == {"limits": both, "requests": both}
    assert len(warnings) == warned


@pytest.mark.parametrize(
    ("host", "error"),
    [
        ({"Privileged": True}, Forbidden),
        ({"PidMode": "host"}, Forbidden),
        ({"IpcMode": "host"}, Forbidden),
        ({"PidMode": "container:x"}, NotSupported),
        ({"Devices": [{"PathOnHost": "/dev/fuse"}]}, NotSupported),
        ({"GroupAdd": ["audio"]}, InvalidParameter),
        ({"DeviceRequests": [{"Driver": "nope"}]}, InvalidParameter),
    ],
)
def test_what_is_refused_by_default(host, error):
    with pytest.raises(error):
        deployment(draft({"HostConfig": host}), Config())


def test_a_user_that_has_no_number():
    with pytest.raises(InvalidParameter) as caught:
        deployment(draft({"User": "nobody"}), Config())
    assert str(caught.value) == (
        "--user nobody: Kubernetes needs a number, since only the image knows which one the name stands for"
    )


def no_equivalent(option):
    return [f"Kubernetes has no equivalent of {option}: it is ignored."]


@pytest.mark.parametrize(
    ("spec", "warnings"),
    [
        (
            {"PidsLimit": 0, "MemorySwappiness": -1, "Runtime": "runc", "UsernsMode": "host", "VolumeDriver": "local"},
            [],
        ),
        ({"Memory": 8 << 20, "MemorySwap": 16 << 20}, []),
        ({"Memory": 8 << 20, "MemorySwap": 8 << 20}, []),
        ({"Memory": 8 << 20, "MemorySwap": 12 << 20}, no_equivalent("--memory-swap")),
        ({"PidsLimit": 5}, no_equivalent("--pids-limit")),
        ({"UTSMode": "host"}, no_equivalent("--uts host")),
        ({"IpcMode": "none"}, no_equivalent("--ipc none")),
        ({"CgroupnsMode": "host"}, no_equivalent("--cgroupns host")),
        ({"MaskedPaths": [], "ReadonlyPaths": []}, no_equivalent("--security-opt systempaths=unconfined")),
        ({"Tmpfs": {"/t": "mode=1777,size=1m"}}, []),
        (
            {"Mounts": [{"Type": "tmpfs", "Target": "/t", "TmpfsOptions": {"Mode": 0o700}}]},
            no_equivalent("the tmpfs option mode=700"),
        ),
        ({"Links": ["a"], "Init": True}, no_equivalent("--init") + no_equivalent("--link")),
        ({"LogConfig": {"Type": "none"}}, ["Kubernetes keeps the logs itself: --log-driver none is ignored."]),
        ({"SecurityOpt": ["seccomp={}"]}, ["Kubernetes takes no --security-opt seccomp=… from d2k: it is ignored."]),
    ],
)
def test_what_is_ignored_is_said(spec, warnings):
    assert deployment(draft({"Image": "web:1", "HostConfig": spec}), Config())[1] == warnings


def test_what_config_has_and_a_pod_has_not():
    spec = {"Domainname": "d", "MacAddress": "02:42:ac:11:00:02", "NetworkDisabled": True, "Hostname": "a_b"}
    assert deployment(draft(spec), Config())[1] == [
        "Kubernetes has no equivalent of --domainname: it is ignored.",
        "Kubernetes gives every Pod its own MAC address: --mac-address is ignored.",
        "Kubernetes gives every Pod a network: NetworkDisabled is ignored.",
        "Kubernetes host names are DNS labels: --hostname a_b is shown but not set.",
    ]

"""The documents of inspect and ps. The engine's own answers to the same create requests stand here as expected."""

import pytest
from container_samples import (
    CREATED,
    FINISHED,
    ID,
    IMAGE,
    NOW,
    RUNNING,
    STARTED,
    container,
    ended,
    image_with,
    pod,
    running,
)

from d2k.translate.inspect import details, row, shown_config, shown_host_config
from d2k.translate.labels import CONTAINER
from d2k.translate.record import Exit
from d2k.translate.state import state_of

MASKED = [
    "/proc/acpi",
    "/proc/asound",
    "/proc/interrupts",
    "/proc/kcore",
    "/proc/keys",
    "/proc/latency_stats",
    "/proc/sched_debug",
    "/proc/scsi",
    "/proc/timer_list",
    "/proc/timer_stats",
    "/sys/devices/virtual/powercap",
    "/sys/firmware",
]
READ_ONLY = ["/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger"]

BARE_CONFIG = {
    "AttachStderr": False,
    "AttachStdin": False,
    "AttachStdout": False,
    "Cmd": ["sh"],
    "Domainname": "",
    "Entrypoint": None,
    "Env": ["PATH=/bin"],
    "Hostname": "0123456789ab",
    "Image": "web:1",
    "Labels": {},
    "OpenStdin": False,
    "StdinOnce": False,
    "Tty": False,
    "User": "",
    "Volumes": None,
    "WorkingDir": "",
}
# The engine's answer, but for the defaults that follow its host: CgroupnsMode and Runtime.
BARE_HOST_CONFIG = {
    "AutoRemove": False,
    "Binds": None,
    "BlkioDeviceReadBps": None,
    "BlkioDeviceReadIOps": None,
    "BlkioDeviceWriteBps": None,
    "BlkioDeviceWriteIOps": None,
    "BlkioWeight": 0,
    "BlkioWeightDevice": None,
    "CapAdd": None,
    "CapDrop": None,
    "Cgroup": "",
    "CgroupParent": "",
    "CgroupnsMode": "private",
    "ConsoleSize": [0, 0],
    "ContainerIDFile": "",
    "CpuCount": 0,
    "CpuPercent": 0,
    "CpuPeriod": 0,
    "CpuQuota": 0,
    "CpuRealtimePeriod": 0,
    "CpuRealtimeRuntime": 0,
    "CpuShares": 0,
    "CpusetCpus": "",
    "CpusetMems": "",
    "DeviceCgroupRules": None,
    "DeviceRequests": None,
    "Devices": None,
    "Dns": None,
    "DnsOptions": None,
    "DnsSearch": None,
    "ExtraHosts": None,
    "GroupAdd": None,
    "IOMaximumBandwidth": 0,
    "IOMaximumIOps": 0,
    "IpcMode": "private",
    "Isolation": "",
    "Links": None,
    "LogConfig": {"Config": {}, "Type": "json-file"},
    "MaskedPaths": MASKED,
    "Memory": 0,
    "MemoryReservation": 0,
    "MemorySwap": 0,
    "MemorySwappiness": None,
    "NanoCpus": 0,
    "NetworkMode": "bridge",
    "OomKillDisable": False,
    "OomScoreAdj": 0,
    "PidMode": "",
    "PidsLimit": None,
    "PortBindings": {},
    "Privileged": False,
    "PublishAllPorts": False,
    "ReadonlyPaths": READ_ONLY,
    "ReadonlyRootfs": False,
    "RestartPolicy": {"MaximumRetryCount": 0, "Name": "no"},
    "Runtime": "runc",
    "SecurityOpt": None,
    "ShmSize": 67108864,
    "UTSMode": "",
    "Ulimits": None,
    "UsernsMode": "",
    "VolumeDriver": "",
    "VolumesFrom": None,
}
IDLE_ENDPOINT = {
    "Aliases": None,
    "DNSNames": None,
    "DriverOpts": None,
    "EndpointID": "",
    "Gateway": "",
    "GlobalIPv6Address": "",
    "GlobalIPv6PrefixLen": 0,
    "GwPriority": 0,
    "IPAMConfig": None,
    "IPAddress": "",
    "IPPrefixLen": 0,
    "IPv6Gateway": "",
    "Links": None,
    "MacAddress": "",
    "NetworkID": "f" * 64,
}
IDLE_NETWORK = {
    "EndpointID": "",
    "Gateway": "",
    "GlobalIPv6Address": "",
    "GlobalIPv6PrefixLen": 0,
    "IPAddress": "",
    "IPPrefixLen": 0,
    "IPv6Gateway": "",
    "MacAddress": "",
    "Networks": {"bridge": IDLE_ENDPOINT},
    "Ports": {},
    "SandboxID": "",
    "SandboxKey": "",
}
CREATED_STATE = {
    "Dead": False,
    "Error": "",
    "ExitCode": 0,
    "FinishedAt": "0001-01-01T00:00:00Z",
    "OOMKilled": False,
    "Paused": False,
    "Pid": 0,
    "Restarting": False,
    "Running": False,
    "StartedAt": "0001-01-01T00:00:00Z",
    "Status": "created",
}
BARE = {
    "AppArmorProfile": "",
    "Args": [],
    "Config": BARE_CONFIG,
    "Created": CREATED,
    "Driver": "overlay2",
    "ExecIDs": None,
    "GraphDriver": {"Data": None, "Name": "overlay2"},
    "HostConfig": BARE_HOST_CONFIG,
    "HostnamePath": "",
    "HostsPath": "",
    "Id": ID,
    "Image": IMAGE["Id"],
    "LogPath": "",
    "MountLabel": "",
    "Mounts": [],
    "Name": "/front",
    "NetworkSettings": IDLE_NETWORK,
    "Path": "sh",
    "Platform": "linux",
    "ProcessLabel": "",
    "ResolvConfPath": "",
    "RestartCount": 0,
    "State": CREATED_STATE,
}
SERVICE = {
    "metadata": {"labels": {CONTAINER: ID[:63]}, "annotations": {"d2k.io/publish": "loadbalancer"}},
    "spec": {"ports": [{"protocol": "TCP", "port": 18080, "targetPort": 80, "nodePort": 31234}]},
    "status": {"loadBalancer": {"ingress": [{"ip": "203.0.113.5"}]}},
}


def shown(found):
    return details(found, state_of(found, NOW), "")


def test_a_bare_container():
    assert shown(container()) == BARE


def test_a_running_container_with_ports_and_volumes():
    spec = {
        "Cmd": ["sleep", "30"],
        "ExposedPorts": {"80/tcp": {}, "90/UDP": {}},
        "Labels": {"a": "b"},
        "HostConfig": {
            "PortBindings": {"80": [{"HostPort": "18080"}]},
            "Tmpfs": {"/t": "size=4m"},
            "Mounts": [{"Type": "tmpfs", "Target": "/r"}],
            "Binds": ["data:/data"],
        },
    }
    found = running(spec, pods=[pod(state=RUNNING, ready=True)], services=[SERVICE])
    document = shown(found)
    bridge = document["NetworkSettings"]["Networks"]["bridge"]
    live = {
        "EndpointID": bridge["EndpointID"],
        "IPAddress": "10.1.2.3",
        "IPPrefixLen": 32,
        "MacAddress": bridge["MacAddress"],
    }
    assert len(bridge["EndpointID"]) == 64
    assert bridge["MacAddress"].count(":") == 5
    assert document == BARE | {
        "Args": ["30"],
        "Path": "sleep",
        "Config": BARE_CONFIG
        | {"Cmd": ["sleep", "30"], "ExposedPorts": {"80/tcp": {}, "90/udp": {}}, "Labels": {"a": "b"}},
        "HostConfig": BARE_HOST_CONFIG
        | {
            "PortBindings": {"80/tcp": [{"HostIp": "", "HostPort": "18080"}]},
            "Tmpfs": {"/t": "size=4m"},
            "Mounts": [{"Type": "tmpfs", "Target": "/r"}],
            "Binds": ["data:/data"],
        },
        "Mounts": [
            {
                "Type": "volume",
                "Name": "data",
                "Source": "/var/lib/docker/volumes/data/_data",
                "Destination": "/data",
                "Driver": "local",
                "Mode": "z",
                "RW": True,
                "Propagation": "",
            },
            {"Type": "tmpfs", "Source": "", "Destination": "/r", "Mode": "", "RW": True, "Propagation": ""},
        ],
        "NetworkSettings": IDLE_NETWORK
        | live
        | {
            "Networks": {"bridge": IDLE_ENDPOINT | live},
            "Ports": {"80/tcp": [{"HostIp": "203.0.113.5", "HostPort": "18080"}], "90/udp": None},
            "SandboxID": document["NetworkSettings"]["SandboxID"],
        },
        "State": CREATED_STATE | {"Pid": 1, "Running": True, "StartedAt": STARTED, "Status": "running"},
    }


def test_an_ended_container():
    found = running(pods=[pod(phase="Failed", state=ended(3, "Error"))])
    assert shown(found) == BARE | {
        "State": CREATED_STATE | {"Status": "exited", "ExitCode": 3, "StartedAt": STARTED, "FinishedAt": FINISHED},
    }


def test_a_container_that_runs_again_remembers_when_it_ended():
    end = Exit(1, 3, started_at="2026-01-01T00:00:00Z", finished_at="2026-01-01T00:00:01Z")
    found = running(run=2, end=end, pods=[pod(run="2", state=RUNNING)])
    assert shown(found)["State"] == CREATED_STATE | {
        "Status": "running",
        "Running": True,
        "Pid": 1,
        "StartedAt": STARTED,
        "FinishedAt": "2026-01-01T00:00:01Z",
    }


def test_the_rows_of_ps():
    bare_row = {
        "Id": ID,
        "Names": ["/front"],
        "Image": "web:1",
        "ImageID": IMAGE["Id"],
        "Command": "sh",
        "Created": 1767323045,
        "Ports": [],
        "Labels": {},
        "State": "created",
        "Status": "Created",
        "HostConfig": {"NetworkMode": "bridge"},
        "NetworkSettings": {"Networks": {"bridge": IDLE_ENDPOINT}},
        "Mounts": [],
    }
    found = container()
    assert row(found, state_of(found, NOW), "", NOW) == bare_row
    over = running(
        {"Cmd": ["echo", "a b", "c'd", ""], "HostConfig": {"Annotations": {"x": "y"}, "Tmpfs": {"/t": ""}}},
        pods=[pod(phase="Failed", state=ended(3, "Error"))],
    )
    assert row(over, state_of(over, NOW), "", NOW) == bare_row | {
        "Command": "echo 'a b' c'd ",
        "State": "exited",
        "Status": "Exited (3) About a minute ago",
        "HostConfig": {"NetworkMode": "bridge", "Annotations": {"x": "y"}},
    }
    live = running({"ExposedPorts": {"90/udp": {}}}, pods=[pod(state=RUNNING)], services=[SERVICE])
    shown_row = row(live, state_of(live, NOW), "", NOW)
    assert (shown_row["Status"], shown_row["Ports"]) == (
        "Up 2 minutes",
        [
            {"IP": "203.0.113.5", "PrivatePort": 80, "PublicPort": 18080, "Type": "tcp"},
            {"PrivatePort": 90, "Type": "udp"},
        ],
    )


def test_an_image_that_nothing_is_known_of():
    found = container(image=image_with())
    assert (shown(found)["Path"], shown(found)["Args"]) == ("", [])
    assert row(found, state_of(found, NOW), "", NOW)["Command"] == ""


@pytest.mark.parametrize(
    ("spec", "changes"),
    [
        ({"Entrypoint": [""], "Cmd": ["ls"]}, {"Cmd": ["ls"]}),
        ({"Entrypoint": [], "Cmd": ["ls"]}, {"Entrypoint": [], "Cmd": ["ls"]}),
        ({"Entrypoint": []}, {"Entrypoint": []}),
        ({"Entrypoint": ["/bin/echo"]}, {"Entrypoint": ["/bin/echo"], "Cmd": None}),
        ({"Entrypoint": ["/bin/echo"], "Cmd": []}, {"Entrypoint": ["/bin/echo"], "Cmd": []}),
        ({"Cmd": []}, {}),
        ({"Cmd": [""]}, {"Cmd": [""]}),
        ({"Env": ["A", "B=1", "A=2", "PATH=/x"]}, {"Env": ["A", "B=1", "A=2", "PATH=/x"]}),
        ({"Env": ["A=1"]}, {"Env": ["A=1", "PATH=/bin"]}),
        ({"Env": [], "Labels": {}, "Volumes": {}, "ExposedPorts": {}}, {}),
        ({"Volumes": {"/a/../b": {}}}, {"Volumes": {"/a/../b": {}}}),
        ({"ExposedPorts": {"80": {}, "81/UDP": {}}}, {"ExposedPorts": {"80/tcp": {}, "81/udp": {}}}),
        ({"Hostname": "a", "Domainname": "b.c"}, {"Hostname": "a", "Domainname": "b.c"}),
        ({"StopSignal": "9", "StopTimeout": 0}, {"StopSignal": "9", "StopTimeout": 0}),
        ({"StopSignal": "", "StopTimeout": 5, "Healthcheck": {}}, {"StopTimeout": 5, "Healthcheck": {}}),
        ({"WorkingDir": "/a/../b/"}, {"WorkingDir": "/b"}),
        (
            {"Healthcheck": {"Test": ["CMD", "x"], "Interval": 10**9, "Retries": 0}},
            {"Healthcheck": {"Test": ["CMD", "x"], "Interval": 10**9}},
        ),
        ({"Healthcheck": {"Test": [], "Interval": 10**9}}, {"Healthcheck": {"Interval": 10**9}}),
        (
            {"Shell": ["a"], "OnBuild": ["b"], "ArgsEscaped": True, "NetworkDisabled": True},
            {"Shell": ["a"], "OnBuild": ["b"], "ArgsEscaped": True, "NetworkDisabled": True},
        ),
        ({"Shell": [], "OnBuild": None, "ArgsEscaped": False, "NetworkDisabled": False, "MacAddress": ""}, {}),
        ({"MacAddress": "02:42:ac:11:00:02"}, {"MacAddress": "02:42:ac:11:00:02"}),
        ({"AttachStdout": True, "Tty": True}, {"AttachStdout": True, "Tty": True}),
        ({"Unknown": 1}, {}),
    ],
)
def test_config_as_the_engine_shows_it(spec, changes):
    assert shown_config(container(spec)) == BARE_CONFIG | changes


def test_config_takes_from_the_image_what_the_request_leaves_out():
    image = image_with(
        Cmd=["serve"],
        Entrypoint=["/entry"],
        Env=["PATH=/bin", "A=image", "B=image"],
        ExposedPorts={"80/tcp": {}},
        Healthcheck={"Test": ["CMD", "check"], "Interval": 10**9, "Retries": 5},
        Labels={"a": "image", "b": "image"},
        StopSignal="SIGQUIT",
        User="1000",
        Volumes={"/data": {}},
        WorkingDir="/srv",
    )
    spec = {
        "Env": ["A=mine"],
        "ExposedPorts": {"81/tcp": {}},
        "Healthcheck": {"Retries": 2},
        "Labels": {"a": "mine"},
        "Volumes": {"/more": {}},
    }
    found = container(spec, image=image)
    assert shown_config(found) == BARE_CONFIG | {
        "Cmd": ["serve"],
        "Entrypoint": ["/entry"],
        "Env": ["A=mine", "PATH=/bin", "B=image"],
        "ExposedPorts": {"80/tcp": {}, "81/tcp": {}},
        "Healthcheck": {"Test": ["CMD", "check"], "Interval": 10**9, "Retries": 2},
        "Labels": {"a": "mine", "b": "image"},
        "StopSignal": "SIGQUIT",
        "User": "1000",
        "Volumes": {"/data": {}, "/more": {}},
        "WorkingDir": "/srv",
    }
    assert found.labels == shown_config(found)["Labels"]


@pytest.mark.parametrize(
    ("given", "changes"),
    [
        ({"CapAdd": ["net_admin", "CAP_SYS_TIME"]}, {"CapAdd": ["net_admin", "CAP_SYS_TIME"]}),
        ({"Memory": 20 << 20}, {"Memory": 20 << 20, "MemorySwap": 40 << 20}),
        ({"Memory": 20 << 20, "MemorySwap": -1}, {"Memory": 20 << 20, "MemorySwap": -1}),
        ({"PidsLimit": 0}, {}),
        ({"PidsLimit": -5}, {}),
        ({"PidsLimit": 7}, {"PidsLimit": 7}),
        ({"MemorySwappiness": -1}, {}),
        ({"MemorySwappiness": 0}, {"MemorySwappiness": 0}),
        ({"RestartPolicy": {}}, {}),
        ({"RestartPolicy": {"Name": "always"}}, {"RestartPolicy": {"Name": "always", "MaximumRetryCount": 0}}),
        ({"LogConfig": {}}, {}),
        ({"LogConfig": {"Type": "none"}}, {"LogConfig": {"Type": "none", "Config": {}}}),
        ({"NetworkMode": "default"}, {}),
        ({"NetworkMode": "none"}, {"NetworkMode": "none"}),
        (
            {"Privileged": True},
            {"Privileged": True, "SecurityOpt": ["label=disable"], "MaskedPaths": None, "ReadonlyPaths": None},
        ),
        ({"PidMode": "host"}, {"PidMode": "host", "SecurityOpt": ["label=disable"]}),
        (
            {"IpcMode": "host", "SecurityOpt": ["seccomp=unconfined"]},
            {"IpcMode": "host", "SecurityOpt": ["seccomp=unconfined", "label=disable"]},
        ),
        (
            {"SecurityOpt": [], "Dns": [], "Devices": [], "VolumesFrom": []},
            {"SecurityOpt": [], "Dns": [], "Devices": [], "VolumesFrom": []},
        ),
        ({"Links": [], "Sysctls": {}, "StorageOpt": {}, "Tmpfs": {}, "Mounts": [], "Annotations": {}}, {}),
        ({"ReadonlyPaths": [], "MaskedPaths": []}, {"ReadonlyPaths": [], "MaskedPaths": []}),
        ({"Init": False}, {"Init": False}),
        ({"Init": None, "Binds": None, "PortBindings": None}, {}),
        (
            {"PortBindings": {"80/tcp": [{"HostPort": "8080"}], "81/udp": [], "82": None}},
            {
                "PortBindings": {
                    "80/tcp": [{"HostIp": "", "HostPort": "8080"}],
                    "81/udp": [{"HostIp": "", "HostPort": ""}],
                    "82/tcp": [{"HostIp": "", "HostPort": ""}],
                }
            },
        ),
        (
            {"DeviceRequests": [{"Count": -1, "Capabilities": [["gpu"]]}]},
            {
                "DeviceRequests": [
                    {"Driver": "", "Count": -1, "DeviceIDs": None, "Capabilities": [["gpu"]], "Options": None}
                ]
            },
        ),
        ({"Annotations": {"a": "b"}, "Sysctls": {"a.b": "1"}}, {"Annotations": {"a": "b"}, "Sysctls": {"a.b": "1"}}),
        ({"ShmSize": 0, "IpcMode": "", "Runtime": "", "CgroupnsMode": ""}, {}),
        ({"KernelMemory": 100, "AlsoUnknown": [1]}, {}),
    ],
)
def test_host_config_as_the_engine_shows_it(given, changes):
    assert shown_host_config(container({"HostConfig": given})) == BARE_HOST_CONFIG | changes


def test_showing_changes_nothing_of_the_request():
    found = container({"HostConfig": {"Privileged": True, "SecurityOpt": ["seccomp=unconfined"]}})
    before = repr(found.spec)
    shown(found)
    assert repr(found.spec) == before
    shown_host_config(found)["MaskedPaths"] = ["changed"]
    assert shown_host_config(container())["MaskedPaths"] == MASKED

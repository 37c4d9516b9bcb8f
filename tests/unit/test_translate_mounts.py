"""Mounts: the engine's syntax and texts, Docker's MountPoints, and the Pod's volumes."""

import pytest
from container_samples import OPEN

from d2k.config import Config
from d2k.errors import InvalidParameter, NotSupported
from d2k.translate.mounts import DEFAULT_SHM, Mount, described, mount_point, mount_points, pod_volumes, requested

INVALID = "invalid volume specification: "
CONFIG = 'invalid mount config for type "{}": '


def of(config=OPEN, volumes=(), image=(), **host):
    return requested({"HostConfig": host, "Volumes": {path: {} for path in volumes}}, image, config)


def message(config=OPEN, **host):
    with pytest.raises((InvalidParameter, NotSupported)) as caught:
        of(config, **host)
    return str(caught.value)


@pytest.mark.parametrize(
    ("text", "mount"),
    [
        ("data:/x", Mount("volume", "/x", name="data", mode="z")),
        ("data:/x:", Mount("volume", "/x", name="data", mode="z")),
        ("data:/a/../x/:ro,z,nocopy", Mount("volume", "/x", name="data", mode="ro,z,nocopy", read_only=True)),
        ("data:/x:cached", Mount("volume", "/x", name="data", mode="cached")),
        ("/x", Mount("volume", "/x", mode="z")),
        ("/etc:/x", Mount("bind", "/x", source="/etc")),
        ("/tmp/../etc:/x/", Mount("bind", "/x", source="/etc")),
        (
            "/a:/x:z,rslave,ro,cached",
            Mount("bind", "/x", source="/a", mode="z,rslave,ro,cached", read_only=True, propagation="rslave"),
        ),
    ],
)
def test_binds(text, mount):
    assert of(Binds=[text]) == [mount]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            "vol:relative",
            f"{INVALID}'vol:relative': {CONFIG.format('volume')}"
            "invalid mount path: 'relative' mount path must be absolute",
        ),
        ("vol", f"{INVALID}'vol': {CONFIG.format('volume')}invalid mount path: 'vol' mount path must be absolute"),
        ("vol:/", f"{INVALID}'vol:/': {CONFIG.format('volume')}invalid specification: destination can't be '/'"),
        (
            "vol:/x/..",
            f"{INVALID}'vol:/x/..': {CONFIG.format('volume')}invalid specification: destination can't be '/'",
        ),
        ("/x:/", f"{INVALID}'/x:/': {CONFIG.format('bind')}invalid specification: destination can't be '/'"),
        (
            "/tmp:rel",
            f"{INVALID}'/tmp:rel': {CONFIG.format('bind')}invalid mount path: 'rel' mount path must be absolute",
        ),
        ("a::ro", f"{INVALID}'a::ro': {CONFIG.format('volume')}field Target must not be empty"),
        ("a:/x:rshared", f"{INVALID}'a:/x:rshared': {CONFIG.format('volume')}field BindOptions must not be specified"),
        (
            "/tmp:/x:nocopy",
            f"{INVALID}'/tmp:/x:nocopy': {CONFIG.format('bind')}field VolumeOptions must not be specified",
        ),
        ("a:b:c:d", f"{INVALID}'a:b:c:d'"),
        ("vv:/x:ro:z", f"{INVALID}'vv:/x:ro:z'"),
        ("/x:ro", f"{INVALID}'/x:ro'"),
        ("", f"{INVALID}''"),
        (":", f"{INVALID}':'"),
        ("a:", f"{INVALID}'a:'"),
        (":/x", f"{INVALID}':/x'"),
        ("a:/x:foo", "invalid mode: foo"),
        ("a:/x:ro,rw", "invalid mode: ro,rw"),
        ("a:/x:ro,ro", "invalid mode: ro,ro"),
        ("a:/x:ro,foo", "invalid mode: ro,foo"),
        ("vv:/x:z,Z", "invalid mode: z,Z"),
        ("vv:/x:volume-nocopy", "invalid mode: volume-nocopy"),
        ("/tmp:/x:private,shared", "invalid mode: private,shared"),
        ("a:/x:/y", "invalid mode: /y"),
        ("a:/x", "create a: volume name is too short, names should be at least two alphanumeric characters"),
        (
            "a b:/x",
            'create a b: "a b" includes invalid characters for a local volume name, only "[a-zA-Z0-9][a-zA-Z0-9_.-]" '
            "are allowed. If you intended to pass a host directory, use absolute path",
        ),
    ],
)
def test_bad_binds(text, expected):
    assert message(Binds=[text]) == expected


def volume(**fields):
    return {"Type": "volume", "Target": "/x", **fields}


@pytest.mark.parametrize(
    ("mount", "expected"),
    [
        ({}, CONFIG.format("") + "field Target must not be empty"),
        ({"Type": "volume"}, CONFIG.format("volume") + "field Target must not be empty"),
        ({"Type": "foo", "Target": "/x"}, CONFIG.format("foo") + "mount type unknown"),
        ({"Type": "npipe", "Target": "/x"}, CONFIG.format("npipe") + "mount type unknown"),
        ({"Target": "/x"}, CONFIG.format("") + "mount type unknown"),
        (volume(Target="x"), CONFIG.format("volume") + "invalid mount path: 'x' mount path must be absolute"),
        (volume(Target="/"), CONFIG.format("volume") + "invalid specification: destination can't be '/'"),
        ({"Type": "bind", "Target": "/x"}, CONFIG.format("bind") + "field Source must not be empty"),
        ({"Type": "image", "Target": "/x"}, CONFIG.format("image") + "field Source must not be empty"),
        (
            {"Type": "bind", "Source": "rel", "Target": "/x"},
            CONFIG.format("bind") + "invalid mount path: 'rel' mount path must be absolute",
        ),
        (
            {"Type": "bind", "Source": "/tmp", "Target": "/x", "BindOptions": {"Propagation": "nope"}},
            CONFIG.format("bind") + "invalid propagation mode: nope",
        ),
        (
            {"Type": "tmpfs", "Target": "/x", "Source": "y"},
            CONFIG.format("tmpfs") + "field Source must not be specified",
        ),
        (
            volume(BindOptions={"Propagation": "shared"}),
            'BindOptions must not be specified on mount type "volume"',
        ),
        (volume(TmpfsOptions={}), 'TmpfsOptions must not be specified on mount type "volume"'),
        (
            {"Type": "tmpfs", "Target": "/x", "VolumeOptions": {"NoCopy": True}},
            'VolumeOptions must not be specified on mount type "tmpfs"',
        ),
        (
            volume(Source="aa", VolumeOptions={"Subpath": "/abs"}),
            CONFIG.format("volume") + "subpath must be a relative path within the volume",
        ),
        (
            volume(Source="aa", VolumeOptions={"Subpath": "a/../.."}),
            CONFIG.format("volume") + "subpath must be a relative path within the volume",
        ),
        (
            volume(VolumeOptions={"Subpath": "sub"}),
            CONFIG.format("volume") + "must not set Subpath when using anonymous volumes",
        ),
        (
            {"Type": "image", "Source": "busybox", "Target": "/x"},
            "mounts of type image are not supported: copy what you need into a volume",
        ),
    ],
)
def test_bad_mounts(mount, expected):
    assert message(Mounts=[mount]) == expected


@pytest.mark.parametrize(
    ("host", "place"),
    [
        ({"Binds": ["vv:/x", "ww:/x"]}, "/x"),
        ({"Binds": ["vv:/x"], "Mounts": [volume(Target="/x/")]}, "/x/"),
        ({"Mounts": [volume(), {"Type": "tmpfs", "Target": "/x"}]}, "/x"),
        ({"Binds": ["vv:/x"], "Tmpfs": {"/x": ""}}, "/x"),
        ({"Binds": ["/x", "vv:/x"]}, "/x"),
    ],
)
def test_one_place_takes_one_mount(host, place):
    assert message(**host) == f"Duplicate mount point: {place}"


def test_bad_tmpfs():
    assert message(Tmpfs={"rel": ""}) == "invalid mount path: 'rel' mount path must be absolute"
    assert message(Tmpfs={"/": ""}) == "invalid specification: destination can't be '/'"
    assert message(Tmpfs={"/t": "size=abc"}).startswith("invalid size: 'abc'")


@pytest.mark.parametrize(
    "host",
    [{"Binds": ["/etc:/x"]}, {"Binds": ["./a:/x"]}, {"Mounts": [{"Type": "bind", "Source": "/etc", "Target": "/x"}]}],
)
def test_binds_are_refused_unless_allowed(host):
    assert message(Config(), **host).startswith("bind mounts are not supported: ")


def test_everything_together_by_destination():
    found = of(
        volumes=["/own", "/cache", "rel"],
        image=["/data", "/image"],
        Binds=["data:/data"],
        Mounts=[
            {"Type": "tmpfs", "Target": "/r", "ReadOnly": True, "TmpfsOptions": {"SizeBytes": 1000, "Mode": 448}},
            volume(Target="/named", Source="db", VolumeOptions={"NoCopy": True, "Subpath": "a", "Labels": {"a": "b"}}),
        ],
        Tmpfs={"/cache": "size=64m,ro"},
    )
    assert found == [
        Mount("tmpfs", "/cache", read_only=True, size="64Mi", mode="size=64m,ro", hidden=True),
        Mount("volume", "/data", name="data", mode="z"),
        Mount("volume", "/image"),
        Mount("volume", "/named", name="db", mode="z", sub_path="a", labels={"a": "b"}),
        Mount("volume", "/own"),
        Mount("tmpfs", "/r", read_only=True, size="1000"),
        Mount("volume", "/rel"),
    ]


def test_mount_points_leave_out_what_the_engine_leaves_out():
    documents = [described(mount, "claim", "db") for mount in of(Binds=["db:/d:ro", "/etc:/e"], Tmpfs={"/t": ""})]
    assert mount_points(documents) == [
        {
            "Type": "volume",
            "Name": "db",
            "Source": "/var/lib/docker/volumes/db/_data",
            "Destination": "/d",
            "Driver": "local",
            "Mode": "ro",
            "RW": False,
            "Propagation": "",
        },
        {"Type": "bind", "Source": "/etc", "Destination": "/e", "Mode": "", "RW": True, "Propagation": "rprivate"},
    ]
    assert mount_point(documents[2])["Type"] == "tmpfs"


def test_pod_volumes():
    mounts = of(
        Binds=["db:/a", "/etc:/e:ro,rslave", "/var:/v:shared"],
        Mounts=[volume(Target="/b", Source="db", VolumeOptions={"Subpath": "s"}), {"Type": "tmpfs", "Target": "/t"}],
        Tmpfs={"/u": "size=1m"},
    )
    documents = [described(mount, f"claim-{mount.name}", mount.name) for mount in mounts]
    assert pod_volumes(documents, 1 << 20) == (
        [
            {"name": "mount-0", "persistentVolumeClaim": {"claimName": "claim-db"}},
            {"name": "mount-2", "hostPath": {"path": "/etc"}},
            {"name": "mount-3", "emptyDir": {"medium": "Memory"}},
            {"name": "mount-4", "emptyDir": {"medium": "Memory", "sizeLimit": "1Mi"}},
            {"name": "mount-5", "hostPath": {"path": "/var"}},
            {"name": "shm", "emptyDir": {"medium": "Memory", "sizeLimit": "1048576"}},
        ],
        [
            {"name": "mount-0", "mountPath": "/a"},
            {"name": "mount-0", "mountPath": "/b", "subPath": "s"},
            {"name": "mount-2", "mountPath": "/e", "readOnly": True, "mountPropagation": "HostToContainer"},
            {"name": "mount-3", "mountPath": "/t"},
            {"name": "mount-4", "mountPath": "/u"},
            {"name": "mount-5", "mountPath": "/v", "mountPropagation": "Bidirectional"},
            {"name": "shm", "mountPath": "/dev/shm"},
        ],
    )


@pytest.mark.parametrize("size", [0, DEFAULT_SHM])
def test_the_usual_shm_needs_no_volume(size):
    assert pod_volumes([], size) == ([], [])


def test_an_own_mount_at_dev_shm_goes_before_its_size():
    documents = [described(mount, "", "") for mount in of(Tmpfs={"/dev/shm": ""})]
    assert pod_volumes(documents, 1 << 20)[1] == [{"name": "mount-0", "mountPath": "/dev/shm"}]

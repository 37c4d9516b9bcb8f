"""Docker's binds, mounts, tmpfs and image volumes, and what they become in a Pod."""

from __future__ import annotations

import posixpath
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from typing import Any

from d2k.config import Config
from d2k.errors import InvalidParameter, NotSupported
from d2k.translate.quantities import parse_docker_size
from d2k.translate.volumes import check_driver, check_name

Object = dict[str, Any]

# The engine's /dev/shm; only another size needs a volume of its own.
DEFAULT_SHM = 64 * 1024 * 1024
_PROPAGATIONS = ("private", "rprivate", "shared", "rshared", "slave", "rslave")
# The options of a bind: of each group one at most (moby, volume/mounts/linux_parser.go).
_MODES = (("ro", "rw"), ("z", "Z"), ("nocopy",), _PROPAGATIONS, ("consistent", "cached", "delegated", "default"))
# Kubernetes knows Docker's propagation under other names; private is its own default too.
_PROPAGATION = {"slave": "HostToContainer", "shared": "Bidirectional"}
_OPTIONS_OF = {"BindOptions": "bind", "VolumeOptions": "volume", "TmpfsOptions": "tmpfs", "ImageOptions": "image"}


@dataclass(frozen=True)
class Mount:
    """One mount of a container before its volume exists; `name` is empty for an anonymous volume.

    `hidden` says that the engine does not list it among a container's mounts: those of `--tmpfs`.
    """

    type: str
    destination: str
    name: str = ""
    source: str = ""
    read_only: bool = False
    mode: str = ""
    sub_path: str = ""
    size: str = ""
    propagation: str = ""
    hidden: bool = False
    options: Object = field(default_factory=dict)
    labels: dict[str, str] = field(default_factory=dict)


def requested(spec: Object, image_volumes: Iterable[str], config: Config) -> list[Mount]:
    """Return every mount of a create request, the image's volumes included, ordered by destination.

    Raises InvalidParameter as the engine does, also for bind mounts unless D2K_BIND_MOUNTS=hostpath, and for two
    mounts at one place.
    """
    host = spec.get("HostConfig") or {}
    found: dict[str, Mount] = {}
    explicit = [(mount.destination, mount) for mount in (_bind(text, config) for text in host.get("Binds") or ())]
    explicit += [(mount.get("Target"), _mount(mount, config)) for mount in host.get("Mounts") or ()]
    explicit += [(path, _tmpfs(_absolute(path), options)) for path, options in (host.get("Tmpfs") or {}).items()]
    for asked, mount in explicit:
        if mount.destination in found:
            raise InvalidParameter(f"Duplicate mount point: {asked}")
        found[mount.destination] = mount
    for path in (*(spec.get("Volumes") or {}), *image_volumes):
        # The engine takes an image's `VOLUME data` too, as a folder of the root.
        destination = _absolute(posixpath.join("/", path))
        found.setdefault(destination, Mount("volume", destination))
    return [found[key] for key in sorted(found)]


def described(mount: Mount, claim: str, volume_name: str) -> Object:
    """Return the mount as the container remembers it: Docker's MountPoint, and what the Pod needs."""
    document: Object = {
        "Type": mount.type,
        "Destination": mount.destination,
        "Mode": mount.mode,
        "RW": not mount.read_only,
    }
    if mount.type == "volume":
        document |= {
            "Name": volume_name,
            "Source": f"/var/lib/docker/volumes/{volume_name}/_data",
            "Driver": "local",
            "Claim": claim,
            "Anonymous": not mount.name,
        }
        if mount.sub_path:
            document["SubPath"] = mount.sub_path
    elif mount.type == "bind":
        document["Source"] = mount.source
        document["Propagation"] = mount.propagation or "rprivate"
    else:
        document["Source"] = ""
        document["Size"] = mount.size
    if mount.hidden:
        document["Hidden"] = True
    return document


def mount_points(documents: Iterable[Object]) -> list[Object]:
    """Return Docker's `Mounts` for `inspect` and `ps`: the engine leaves out those of `--tmpfs`."""
    return [mount_point(document) for document in documents if not document.get("Hidden")]


def mount_point(document: Object) -> Object:
    """Return Docker's MountPoint of one mount."""
    point = {
        "Type": document["Type"],
        "Source": document["Source"],
        "Destination": document["Destination"],
        "Mode": document["Mode"],
        "RW": document["RW"],
        "Propagation": document.get("Propagation", ""),
    }
    if document["Type"] == "volume":
        point |= {"Name": document["Name"], "Driver": document["Driver"]}
    return point


def pod_volumes(documents: Iterable[Object], shm_size: int) -> tuple[list[Object], list[Object]]:
    """Return the Pod's `volumes` and the main container's `volumeMounts` for the remembered mounts."""
    volumes: dict[str, Object] = {}
    volume_mounts: list[Object] = []
    for index, document in enumerate(documents):
        source = _volume_source(document)
        # One claim mounted twice is one volume.
        name = next(
            (known for known, volume in volumes.items() if volume == source and "emptyDir" not in source),
            f"mount-{index}",
        )
        volumes[name] = source
        mount: Object = {"name": name, "mountPath": document["Destination"]}
        if not document["RW"]:
            mount["readOnly"] = True
        if document.get("SubPath"):
            mount["subPath"] = document["SubPath"]
        propagation = _PROPAGATION.get((document.get("Propagation") or "").removeprefix("r"))
        if propagation:
            mount["mountPropagation"] = propagation
        volume_mounts.append(mount)
    if shm_size not in (0, DEFAULT_SHM) and not any(m["mountPath"] == "/dev/shm" for m in volume_mounts):  # noqa: S108
        volumes["shm"] = {"emptyDir": {"medium": "Memory", "sizeLimit": str(shm_size)}}
        volume_mounts.append({"name": "shm", "mountPath": "/dev/shm"})  # noqa: S108 - the engine's own mount
    return [{"name": name, **source} for name, source in volumes.items()], volume_mounts


def _volume_source(document: Object) -> Object:
    if document["Type"] == "volume":
        return {"persistentVolumeClaim": {"claimName": document["Claim"]}}
    if document["Type"] == "bind":
        return {"hostPath": {"path": document["Source"]}}
    limit = {"sizeLimit": document["Size"]} if document.get("Size") else {}
    return {"emptyDir": {"medium": "Memory", **limit}}


def _absolute(path: str) -> str:
    """Return the clean path of a mount in the container; raises InvalidParameter with the engine's text."""
    if not path.startswith("/"):
        raise InvalidParameter(f"invalid mount path: '{path}' mount path must be absolute")
    clean = posixpath.normpath(path)
    if clean in ("/", "//"):
        raise InvalidParameter("invalid specification: destination can't be '/'")
    return clean


def _destination(kind: str, path: str) -> str:
    try:
        return _absolute(path)
    except InvalidParameter as error:
        raise _invalid(kind, str(error)) from None


def _invalid(kind: str, problem: str) -> InvalidParameter:
    return InvalidParameter(f'invalid mount config for type "{kind}": {problem}')


def _bind(text: str, config: Config) -> Mount:
    """Return the mount of `[source:]destination[:options]` (moby, volume/mounts/linux_parser.go, ParseMountRaw)."""
    parts = text.split(":")
    if len(parts) > 3 or not parts[0] or parts[1:] == [""]:
        raise InvalidParameter(f"invalid volume specification: '{text}'")
    options = parts[2].split(",") if len(parts) == 3 and parts[2] else []
    if not _is_mode(options):
        raise InvalidParameter(f"invalid mode: {parts[2]}")
    if len(parts) == 2 and _is_mode(parts[1].split(",")):
        # An anonymous volume takes no options.
        raise InvalidParameter(f"invalid volume specification: '{text}'")
    source, path = ("", parts[0]) if len(parts) == 1 else (parts[0], parts[1])
    kind = "bind" if source.startswith(("/", ".", "~")) else "volume"
    propagation = next((option for option in options if option in _PROPAGATIONS), "")
    try:
        if not path:
            raise _invalid(kind, "field Target must not be empty")
        destination = _destination(kind, path)
        if kind == "volume" and propagation:
            raise _invalid(kind, "field BindOptions must not be specified")
        if kind == "bind" and "nocopy" in options:
            raise _invalid(kind, "field VolumeOptions must not be specified")
    except InvalidParameter as error:
        raise InvalidParameter(f"invalid volume specification: '{text}': {error}") from None
    mount = Mount(kind, destination, read_only="ro" in options, mode=",".join(options))
    if kind == "bind":
        return _host_path(replace(mount, propagation=propagation), source, config)
    if source:
        check_name(source)
    return replace(mount, name=source, mode=mount.mode or "z")


def _is_mode(options: list[str]) -> bool:
    """Say whether every option is known, and none excludes another."""
    groups = [index for option in options for index, group in enumerate(_MODES) if option in group]
    return len(groups) == len(options) == len(set(groups))


def _check(mount: Object) -> None:
    """Raise InvalidParameter for what the engine refuses on any host, in its order and words."""
    kind, target, source = mount.get("Type") or "", mount.get("Target") or "", mount.get("Source") or ""
    for field_name, owner in _OPTIONS_OF.items():
        if kind != owner and mount.get(field_name) is not None:
            raise InvalidParameter(f'{field_name} must not be specified on mount type "{kind}"')
    if not target:
        raise _invalid(kind, "field Target must not be empty")
    if kind not in _OPTIONS_OF.values():
        raise _invalid(kind, "mount type unknown")
    _destination(kind, target)
    if kind == "tmpfs" and source:
        raise _invalid(kind, "field Source must not be specified")
    if kind in ("bind", "image") and not source:
        raise _invalid(kind, "field Source must not be empty")
    if kind == "bind":
        propagation = (mount.get("BindOptions") or {}).get("Propagation") or ""
        if propagation and propagation not in _PROPAGATIONS:
            raise _invalid(kind, f"invalid propagation mode: {propagation}")
    if kind == "volume":
        _check_sub_path(source, (mount.get("VolumeOptions") or {}).get("Subpath") or "")


def _check_sub_path(source: str, sub_path: str) -> None:
    if sub_path and not source:
        raise _invalid("volume", "must not set Subpath when using anonymous volumes")
    if sub_path.startswith("/") or posixpath.normpath(sub_path or ".").split("/")[0] == "..":
        raise _invalid("volume", "subpath must be a relative path within the volume")


def _mount(mount: Object, config: Config) -> Mount:
    _check(mount)
    kind, source = mount["Type"], mount.get("Source") or ""
    basic = Mount(kind, _absolute(mount["Target"]), read_only=bool(mount.get("ReadOnly")))
    if kind == "bind":
        propagation = (mount.get("BindOptions") or {}).get("Propagation") or ""
        return _host_path(replace(basic, propagation=propagation), source, config)
    if kind == "tmpfs":
        size = (mount.get("TmpfsOptions") or {}).get("SizeBytes") or 0
        return replace(basic, size=str(size) if size > 0 else "")
    if kind == "image":
        raise NotSupported("mounts of type image are not supported: copy what you need into a volume")
    options = mount.get("VolumeOptions") or {}
    driver = options.get("DriverConfig") or {}
    if source:
        check_name(source)
    check_driver(source, driver.get("Name") or "")
    return replace(
        basic,
        name=source,
        mode="z",
        sub_path=options.get("Subpath") or "",
        options=driver.get("Options") or {},
        labels=options.get("Labels") or {},
    )


def _host_path(mount: Mount, source: str, config: Config) -> Mount:
    if config.bind_mounts != "hostpath":
        raise InvalidParameter(
            f"bind mounts are not supported: {source} is a path of your machine, which the cluster cannot reach. "
            "Use a named volume (-v NAME:/path)"
        )
    if not source.startswith("/"):
        raise _invalid("bind", f"invalid mount path: '{source}' mount path must be absolute")
    return replace(mount, source=posixpath.normpath(source))


def _tmpfs(destination: str, options: str) -> Mount:
    size, read_only = "", False
    for option in filter(None, options.split(",")):
        key, _, value = option.partition("=")
        if key == "size":
            size = parse_docker_size(value)
        read_only = read_only or key == "ro"
    return Mount("tmpfs", destination, read_only=read_only, size=size, mode=options, hidden=True)

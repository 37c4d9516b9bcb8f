"""Docker's binds, mounts, tmpfs and image volumes, and what they become in a Pod."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from d2k.config import Config
from d2k.errors import InvalidParameter, NotSupported
from d2k.translate.quantities import parse_docker_size

Object = dict[str, Any]

VOLUME_NAME = re.compile(r"[a-zA-Z0-9][a-zA-Z0-9_.-]+")
# The engine's /dev/shm; only another size needs a volume of its own.
DEFAULT_SHM = 64 * 1024 * 1024
_KNOWN_OPTIONS = {"ro", "rw", "z", "Z", "nocopy", "volume-nocopy"}


@dataclass(frozen=True)
class Mount:
    """One mount of a container before its volume exists; `name` is empty for an anonymous volume."""

    type: str
    destination: str
    name: str = ""
    source: str = ""
    read_only: bool = False
    mode: str = ""
    sub_path: str = ""
    size: str = ""
    options: Object = field(default_factory=dict)
    labels: dict[str, str] = field(default_factory=dict)


def requested(spec: Object, image_volumes: Iterable[str], config: Config) -> list[Mount]:
    """Return every mount of a create request, the image's volumes included, ordered by destination.

    Raises InvalidParameter as the engine does, also for bind mounts unless D2K_BIND_MOUNTS=hostpath, and for two
    mounts at one place.
    """
    host = spec.get("HostConfig") or {}
    found: dict[str, Mount] = {}
    explicit = [_bind(text, config) for text in host.get("Binds") or ()]
    explicit += [_mount(mount, config) for mount in host.get("Mounts") or ()]
    for mount in explicit:
        if mount.destination in found:
            raise InvalidParameter(f"Duplicate mount point: {mount.destination}")
        found[mount.destination] = mount
    for path, options in (host.get("Tmpfs") or {}).items():
        destination = _destination(path)
        if destination in found:
            raise InvalidParameter(f"Duplicate mount point: {destination}")
        found[destination] = _tmpfs(destination, options)
    for path in (*(spec.get("Volumes") or {}), *image_volumes):
        destination = _destination(path)
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
    else:
        document["Source"] = ""
        document["Size"] = mount.size
    return document


def mount_point(document: Object) -> Object:
    """Return Docker's MountPoint for `inspect` and `ps`."""
    point = {
        "Type": document["Type"],
        "Source": document["Source"],
        "Destination": document["Destination"],
        "Mode": document["Mode"],
        "RW": document["RW"],
        "Propagation": "rprivate" if document["Type"] == "bind" else "",
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


def _destination(path: str) -> str:
    if not path.startswith("/"):
        raise InvalidParameter(
            f"invalid mount config for type \"volume\": invalid mount path: '{path}' mount path must be absolute"
        )
    clean = posixpath.normpath(path)
    if clean in ("/", "//"):
        raise InvalidParameter("invalid specification: destination can't be '/'")
    return clean


def _bind(text: str, config: Config) -> Mount:
    parts = text.split(":")
    if not 2 <= len(parts) <= 3 or not all(parts):
        raise InvalidParameter(f"invalid volume specification: '{text}'")
    source, destination = parts[0], parts[1]
    options = parts[2].split(",") if len(parts) == 3 else []
    unknown = [option for option in options if option not in _KNOWN_OPTIONS and not _is_propagation(option)]
    if unknown:
        raise InvalidParameter(f"invalid volume specification: '{text}': invalid mode: {','.join(unknown)}")
    if not destination.startswith("/"):
        raise InvalidParameter(
            f"invalid volume specification: '{text}': invalid mount config for type \"volume\": "
            f"invalid mount path: '{destination}' mount path must be absolute"
        )
    read_only = "ro" in options
    mode = ",".join(options)
    if source.startswith(("/", ".", "~")):
        return _host_path(source, _destination(destination), read_only, mode, config)
    return Mount("volume", _destination(destination), name=_volume_name(source), read_only=read_only, mode=mode or "z")


def _is_propagation(option: str) -> bool:
    return option in (
        "private",
        "rprivate",
        "shared",
        "rshared",
        "slave",
        "rslave",
        "consistent",
        "cached",
        "delegated",
    )


def _mount(mount: Object, config: Config) -> Mount:
    kind = mount.get("Type") or ""
    target, source = mount.get("Target") or "", mount.get("Source") or ""
    read_only = bool(mount.get("ReadOnly"))
    if not target:
        raise InvalidParameter(f'invalid mount config for type "{kind}": field Target must not be empty')
    destination = _destination(target)
    if kind == "bind":
        return _host_path(source, destination, read_only, "", config)
    if kind == "tmpfs":
        size = (mount.get("TmpfsOptions") or {}).get("SizeBytes") or 0
        return Mount("tmpfs", destination, read_only=read_only, size=str(size) if size else "")
    if kind != "volume":
        raise NotSupported(f"mounts of type {kind or '(none)'} have no equivalent in Kubernetes: use a volume or tmpfs")
    options = mount.get("VolumeOptions") or {}
    driver = options.get("DriverConfig") or {}
    if driver.get("Name") not in (None, "", "local"):
        raise InvalidParameter(f'error looking up volume plugin {driver["Name"]}: plugin "{driver["Name"]}" not found')
    return Mount(
        "volume",
        destination,
        name=_volume_name(source) if source else "",
        read_only=read_only,
        mode="z",
        sub_path=options.get("Subpath") or "",
        options=driver.get("Options") or {},
        labels=options.get("Labels") or {},
    )


def _host_path(source: str, destination: str, read_only: bool, mode: str, config: Config) -> Mount:
    if config.bind_mounts != "hostpath":
        raise InvalidParameter(
            f"bind mounts are not supported: {source} is a path of your machine, which the cluster cannot reach. "
            "Use a named volume (-v NAME:/path) and fill it with docker cp"
        )
    if not source.startswith("/"):
        raise InvalidParameter(
            f"invalid mount config for type \"bind\": invalid mount path: '{source}' mount path must be absolute"
        )
    return Mount("bind", destination, source=posixpath.normpath(source), read_only=read_only, mode=mode)


def _tmpfs(destination: str, options: str) -> Mount:
    size, read_only = "", False
    for option in filter(None, options.split(",")):
        key, _, value = option.partition("=")
        if key == "size":
            size = parse_docker_size(value)
        read_only = read_only or key == "ro"
    return Mount("tmpfs", destination, read_only=read_only, size=size, mode=options)


def _volume_name(name: str) -> str:
    if VOLUME_NAME.fullmatch(name) is None:
        raise InvalidParameter(
            f'create {name}: "{name}" includes invalid characters for a local volume name, '
            'only "[a-zA-Z0-9][a-zA-Z0-9_.-]" are allowed. If you intended to pass a host directory, use absolute path'
        )
    return name

#!/usr/bin/env python3
"""Make a one-layer image of a directory and push it to a registry that speaks plain HTTP.

usage: image.py REGISTRY NAME[:TAG] DIRECTORY [CONFIG]

REGISTRY is HOST:PORT; NAME is shortened as Docker does it ("web" is "library/web", no tag is "latest"). CONFIG is a
JSON object, the image's `config`: '{"Cmd": ["httpd", "-f"], "ExposedPorts": {"80/tcp": {}}}'. The files belong to
root, and the same directory and config make the same image: its digest depends on nothing else.
"""

import gzip
import hashlib
import http.client
import io
import json
import os
import sys
import tarfile
import urllib.parse
from typing import Any

DOCKER = "application/vnd.docker."
DEFAULTS = {"Cmd": ["sh"], "Env": ["PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"]}
MACHINES = {"x86_64": "amd64", "aarch64": "arm64"}
EPOCH = "2026-01-01T00:00:00Z"


def sha256(data: bytes) -> str:
    return "sha256:" + hashlib.sha256(data).hexdigest()


def pack(directory: str) -> bytes:
    def anonymous(entry: tarfile.TarInfo) -> tarfile.TarInfo:
        entry.uid = entry.gid = entry.mtime = 0
        entry.uname = entry.gname = "root"
        return entry

    archive = io.BytesIO()
    with tarfile.open(fileobj=archive, mode="w") as tar:
        tar.add(directory, arcname=".", filter=anonymous)
    return archive.getvalue()


class Registry:
    """The few requests of the registry's HTTP API that a push needs."""

    def __init__(self, address: str) -> None:
        self.connection = http.client.HTTPConnection(address, timeout=60)

    def ask(self, method: str, path: str, body: bytes = b"", kind: str = "application/octet-stream") -> Any:
        self.connection.request(method, path, body, {"Content-Type": kind})
        response = self.connection.getresponse()
        text = response.read()
        if response.status >= 400 and method != "HEAD":
            raise SystemExit(f"image.py: {method} {path}: {response.status} {text.decode(errors='replace')}")
        return response

    def upload(self, name: str, blob: bytes) -> None:
        digest = sha256(blob)
        if self.ask("HEAD", f"/v2/{name}/blobs/{digest}").status == 200:
            return
        target = urllib.parse.urlsplit(self.ask("POST", f"/v2/{name}/blobs/uploads/").headers["Location"])
        query = f"{target.query}&" if target.query else ""
        self.ask("PUT", f"{target.path}?{query}digest={urllib.parse.quote(digest)}", blob)


def push(registry: Registry, name: str, layer: bytes, config: dict[str, Any]) -> None:
    """Push the uncompressed layer with that config under the name."""
    name, _, tag = name.partition(":")
    if "/" not in name:
        name = "library/" + name
    packed = gzip.compress(layer, compresslevel=6, mtime=0)
    machine = os.uname().machine
    image = json.dumps(
        {
            "architecture": MACHINES.get(machine, machine),
            "os": "linux",
            "created": EPOCH,
            "config": DEFAULTS | config,
            "rootfs": {"type": "layers", "diff_ids": [sha256(layer)]},
            "history": [{"created": EPOCH, "created_by": f"lab/image.py {name}"}],
        }
    ).encode()
    manifest = {
        "schemaVersion": 2,
        "mediaType": DOCKER + "distribution.manifest.v2+json",
        "config": {
            "mediaType": DOCKER + "container.image.v1+json",
            "size": len(image),
            "digest": sha256(image),
        },
        "layers": [
            {
                "mediaType": DOCKER + "image.rootfs.diff.tar.gzip",
                "size": len(packed),
                "digest": sha256(packed),
            }
        ],
    }
    registry.upload(name, packed)
    registry.upload(name, image)
    path = f"/v2/{name}/manifests/{tag or 'latest'}"
    registry.ask("PUT", path, json.dumps(manifest).encode(), str(manifest["mediaType"]))


def main() -> None:
    if len(sys.argv) not in (4, 5):
        raise SystemExit(__doc__)
    address, name, directory = sys.argv[1:4]
    config = json.loads(sys.argv[4]) if len(sys.argv) == 5 else {}
    push(Registry(address), name, pack(directory), config)


if __name__ == "__main__":
    main()

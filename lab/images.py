#!/usr/bin/env python3
"""Fill the lab's registry with the images that it starts with, all of them made of Debian's static busybox.

usage: images.py REGISTRY BUSYBOX DIRECTORY      (DIRECTORY: where to put the root file system that they share)
"""

import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

from image import Registry, pack, push

USERS = {
    # name: (uid, home, shell)
    "root": (0, "/root", "/bin/sh"),
    "daemon": (1, "/usr/sbin", "/bin/false"),
    "bin": (2, "/bin", "/bin/false"),
    "mail": (8, "/var/spool/mail", "/bin/false"),
    "www-data": (33, "/var/www", "/bin/false"),
    "user": (1000, "/home", "/bin/sh"),
    "nobody": (65534, "/home", "/bin/false"),
}
GROUPS = {"adm": 4, "tty": 5, "disk": 6, "wheel": 10, "audio": 29, "video": 44, "staff": 50, "users": 100}
DIRECTORIES = "bin data dev etc home proc root run sbin sys tmp usr/bin usr/sbin var/www"
SECOND = 1_000_000_000

IMAGES: dict[str, dict[str, Any]] = {
    "busybox:latest": {},
    "busybox:1": {},
    "busybox:1.36": {},
    "alpine:latest": {},
    "web:latest": {
        "Cmd": ["httpd", "-f", "-p", "80", "-h", "/var/www"],
        "ExposedPorts": {"80/tcp": {}},
        "Healthcheck": {
            "Test": ["CMD-SHELL", "wget -qO- http://127.0.0.1/ >/dev/null"],
            "Interval": 2 * SECOND,
            "Timeout": 2 * SECOND,
            "Retries": 2,
        },
        "Labels": {"org.opencontainers.image.title": "web"},
        "StopSignal": "SIGTERM",
        "Volumes": {"/data": {}},
        "WorkingDir": "/var/www",
    },
    "entry:latest": {
        "Entrypoint": ["echo", "entry:"],
        "Cmd": ["default"],
        "Env": ["PATH=/usr/bin:/bin", "FROM_IMAGE=yes"],
    },
    "nonroot:latest": {"Cmd": ["id"], "User": "1000", "WorkingDir": "/home"},
    # what holds a pod's namespaces: it has to outlive its children, reap them, and end when it is told to
    "d2k-lab/pause:1": {
        "Entrypoint": ["sh", "-c", "trap 'exit 0' TERM INT; while :; do sleep 3600 & wait; done"],
        "Cmd": None,
    },
}


def root_file_system(root: Path, busybox: str) -> None:
    shutil.rmtree(root, ignore_errors=True)
    for directory in DIRECTORIES.split():
        (root / directory).mkdir(parents=True)
    (root / "tmp").chmod(0o1777)
    shutil.copy(busybox, root / "bin/busybox")
    for applet in subprocess.run([busybox, "--list"], check=True, capture_output=True, text=True).stdout.split():
        if applet != "busybox":
            (root / "bin" / applet).symlink_to("/bin/busybox")
    (root / "usr/bin/env").symlink_to("/bin/busybox")
    passwd = [f"{name}:x:{uid}:{uid}:{name}:{home}:{shell}\n" for name, (uid, home, shell) in USERS.items()]
    own = {name: uid for name, (uid, _, _) in USERS.items() if name != "nobody"} | {"nogroup": 65534}
    group = [
        f"{name}:x:{gid}:{'root' if name == 'wheel' else ''}\n"
        for name, gid in sorted((own | GROUPS).items(), key=lambda item: item[1])
    ]
    (root / "etc/passwd").write_text("".join(passwd))
    (root / "etc/group").write_text("".join(group))
    (root / "var/www/index.html").write_text("It works: a page of the lab's web image\n")


def main() -> None:
    address, busybox, directory = sys.argv[1:]
    os.umask(0o022)
    root_file_system(Path(directory), busybox)
    registry = Registry(address)
    layer = pack(directory)
    for name, config in IMAGES.items():
        push(registry, name, layer, config)


if __name__ == "__main__":
    main()

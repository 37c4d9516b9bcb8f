"""Commands run in a container: what Kubernetes lacks (environment, folder, user) is done by a shell inside it."""

from __future__ import annotations

import base64
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from d2k.translate.detach import parse
from d2k.translate.state import start_exit_code

Object = dict[str, Any]

# What the wrapper of a detached command writes once the command is about to run.
STARTED = b"+"

_IDENTIFIER = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_ROOT = ("", "0", "root")

# Arguments: folder, user, what to write before the command ("" for a command with a client), the number of variables,
# the variables, the command. The texts and exit codes are the engine's.
_SCRIPT = r"""d2k_fail() {
  printf 'OCI runtime exec failed: exec failed: %s: unknown\r\n' "$1"; exit "$2"
}
d2k_start='unable to start container process'
d2k_dir=$1 d2k_user=$2 d2k_mark=$3 d2k_count=$4
shift 4
d2k_home=
while [ "$d2k_count" -gt 0 ]; do
  case $1 in
    HOME=*) d2k_home=given; export "$1" ;;
    *=*) export "$1" ;;
    *) unset "$1" ;;
  esac
  shift
  d2k_count=$((d2k_count - 1))
done
if [ -n "$d2k_dir" ]; then
  d2k_chdir="$d2k_start: chdir to cwd (\"$d2k_dir\") set in config.json failed"
  case $d2k_dir in /*) ;; *) d2k_fail 'Cwd must be an absolute path' 128 ;; esac
  [ -e "$d2k_dir" ] || d2k_fail "$d2k_chdir: no such file or directory" 127
  [ -d "$d2k_dir" ] || d2k_fail "$d2k_chdir: not a directory" 127
  cd "$d2k_dir" 2>/dev/null || d2k_fail "$d2k_chdir: permission denied" 126
fi
case $1 in
  */*)
    [ -e "$1" ] || d2k_fail "$d2k_start: exec: \"$1\": stat $1: no such file or directory" 127
    [ -d "$1" ] && d2k_fail "$d2k_start: exec: \"$1\": is a directory" 126
    [ -x "$1" ] || d2k_fail "$d2k_start: exec: \"$1\": permission denied" 126 ;;
  *)
    command -v "$1" >/dev/null 2>&1 ||
      d2k_fail "$d2k_start: exec: \"$1\": executable file not found in \$PATH" 127 ;;
esac
"""

_SWITCH = r"""d2k_refuse() { printf '%s\r\n' "$1"; exit 126; }
d2k_name=${d2k_user%%:*} d2k_uid= d2k_gid=0 d2k_groups= d2k_dir=/
while IFS=: read -r d2k_n d2k_x d2k_i d2k_g d2k_c d2k_h d2k_s; do
  if [ "$d2k_n" = "$d2k_name" ] || [ "$d2k_i" = "$d2k_name" ]; then
    d2k_name=$d2k_n d2k_uid=$d2k_i d2k_gid=$d2k_g d2k_dir=$d2k_h
    break
  fi
done 2>/dev/null </etc/passwd
if [ -z "$d2k_uid" ]; then
  case $d2k_name in
    *[!0-9]* | '') d2k_refuse "unable to find user $d2k_name: no matching entries in passwd file" ;;
  esac
  d2k_uid=$d2k_name
fi
case $d2k_user in
  *:*)
    d2k_g=${d2k_user#*:} d2k_gid=
    while IFS=: read -r d2k_n d2k_x d2k_i d2k_m; do
      if [ "$d2k_n" = "$d2k_g" ] || [ "$d2k_i" = "$d2k_g" ]; then d2k_gid=$d2k_i; break; fi
    done 2>/dev/null </etc/group
    if [ -z "$d2k_gid" ]; then
      case $d2k_g in
        *[!0-9]* | '') d2k_refuse "unable to find group $d2k_g: no matching entries in group file" ;;
      esac
      d2k_gid=$d2k_g
    fi ;;
  *)
    while IFS=: read -r d2k_n d2k_x d2k_i d2k_m; do
      case ,$d2k_m, in *",$d2k_name,"*) d2k_groups=$d2k_groups,$d2k_i ;; esac
    done 2>/dev/null </etc/group ;;
esac
[ -n "$d2k_home" ] || export HOME="$d2k_dir"
if [ "$(id -u)" != "$d2k_uid" ] || [ "$(id -g)" != "$d2k_gid" ]; then
  [ "$(id -u)" = 0 ] ||
    d2k_refuse "cannot run as $d2k_user: the container runs as user $(id -u), and only root can become somebody else"
  d2k_all=$d2k_gid$d2k_groups
  if setpriv --reuid "$d2k_uid" --regid "$d2k_gid" --groups "$d2k_all" true 2>/dev/null; then
    set -- setpriv --reuid "$d2k_uid" --regid "$d2k_gid" --groups "$d2k_all" "$@"
  elif chpst -u "$d2k_uid:$d2k_gid" true 2>/dev/null; then
    set -- chpst -u "$d2k_uid:$d2k_gid" "$@"
  elif chroot --skip-chdir --userspec "$d2k_uid:$d2k_gid" --groups "$d2k_all" / true 2>/dev/null; then
    set -- chroot --skip-chdir --userspec "$d2k_uid:$d2k_gid" --groups "$d2k_all" / "$@"
  elif [ "$d2k_user" = "${d2k_user%%:*}" ] && su -m -s /bin/sh -c true "$d2k_name" 2>/dev/null; then
    set -- su -m -s /bin/sh -c 'exec "$@"' "$d2k_name" sh "$@"
  else
    d2k_refuse "cannot run as $d2k_user: Kubernetes runs commands as the container's own user, and the image has\
 neither setpriv, chpst, chroot --userspec nor su for this user"
  fi
fi
"""

_RUN = r"""if [ -n "$d2k_mark" ]; then
  printf %s "$d2k_mark"
  exec "$@" >/dev/null 2>&1 </dev/null
fi
exec "$@"
"""


@dataclass(frozen=True)
class Command:
    """What Kubernetes is asked to run; `needs_shell` says that it needs a shell in the image."""

    words: list[str]
    needs_shell: bool


def command(config: Object, own_user: str, *, detached: bool) -> Command:
    """Return the command for an exec's configuration (Docker's ExecConfig) in a container that runs as `own_user`."""
    words = list(config["Cmd"])
    user = str(config.get("User") or "")
    switch = bool(user) and not same_user(user, own_user)
    env = list(config.get("Env") or [])
    folder = str(config.get("WorkingDir") or "")
    if not (switch or env or folder or detached):
        return Command(words, needs_shell=False)
    plain = [item for item in env if _IDENTIFIER.fullmatch(item.partition("=")[0])]
    # Names that a shell cannot hold go through env.
    odd = [item for item in env if item not in plain and "=" in item]
    if odd:
        words = ["env", *odd, *words]
    script = _SCRIPT + (_SWITCH if switch else "") + _RUN
    mark = STARTED.decode() if detached else ""
    return Command(["sh", "-c", script, "sh", folder, user, mark, str(len(plain)), *plain, *words], needs_shell=True)


def same_user(wanted: str, own: str) -> bool:
    """Say whether two of Docker's users (name or number, with or without a group) are surely the same."""
    if wanted == own:
        return True
    names = [text.partition(":") for text in (wanted, own)]
    users = {"0" if user in _ROOT else user for user, _, _ in names}
    groups = {group for _, _, group in names if group not in _ROOT}
    return len(users) == 1 and not groups


def start_failure(message: str, command: Command) -> tuple[str, int]:
    """Return the engine's text and exit code for a command that Kubernetes could not start."""
    start = message.find("OCI runtime exec failed")
    text = message[start:] if start >= 0 else message
    if command.needs_shell and re.search(r'exec: "sh": |stat sh: ', text):
        return (
            "OCI runtime exec failed: exec failed: the image has no shell (sh), which d2k needs on Kubernetes for a"
            " command that is detached or has an environment, a folder or a user of its own",
            126,
        )
    return text, start_exit_code(text)


def document(identifier: str, container_id: str, config: Object, created: str) -> Object:
    """Return what is stored of a new exec."""
    return {
        "ID": identifier,
        "ContainerID": container_id,
        "Config": config,
        "Created": created,
        "Started": "",
        "Finished": "",
        "ExitCode": None,
        "Pod": "",
    }


def inspect(stored: Object, *, running: bool) -> Object:
    """Return the answer of `GET /exec/{id}/json`."""
    config = stored["Config"]
    words: Sequence[str] = config["Cmd"]
    process: Object = {
        "tty": bool(config.get("Tty")),
        "entrypoint": words[0],
        "arguments": list(words[1:]),
        "privileged": bool(config.get("Privileged")),
    }
    if config.get("User"):
        process["user"] = config["User"]
    keys = parse(config["DetachKeys"]) if config.get("DetachKeys") else b""
    return {
        "ID": stored["ID"],
        "Running": running,
        "ExitCode": None if running else stored["ExitCode"],
        "ProcessConfig": process,
        "OpenStdin": bool(config.get("AttachStdin")),
        "OpenStderr": bool(config.get("AttachStderr")),
        "OpenStdout": bool(config.get("AttachStdout")),
        "CanRemove": False,
        "ContainerID": stored["ContainerID"],
        "DetachKeys": base64.b64encode(keys).decode(),
        "Pid": 0,
    }

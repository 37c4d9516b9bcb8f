"""The commands that are run, in this order, against d2k and against the real engine.

`@` stands for a prefix that belongs to the run: containers, networks, volumes and tags have names that begin with it.
"""

from __future__ import annotations

import shlex
from dataclasses import dataclass

SERVER = "sh -c \"trap 'echo bye; exit 0' TERM; echo up; while :; do sleep 0.1; done\""


@dataclass(frozen=True)
class Step:
    """One docker command line without its `docker`; `stdin` is what is piped into it."""

    line: str
    stdin: str | None = None

    def words(self, prefix: str) -> list[str]:
        """Return the arguments, with the run's prefix in them."""
        return [word.replace("@", prefix) for word in shlex.split(self.line)]


LINES = f"""
version --format '{{{{.Server.Os}}}} {{{{.Server.Arch}}}}'
info --format '{{{{.OSType}}}} {{{{.Architecture}}}} {{{{.Swarm.LocalNodeState}}}}'
pull busybox
images --format '{{{{.Repository}}}}:{{{{.Tag}}}}' busybox
image inspect --format '{{{{json .Config.Cmd}}}} {{{{.Os}}}}' busybox
image inspect @-missing
image history --format '{{{{.Comment}}}}' busybox
tag busybox @:1
tag @-missing @:2
images --format '{{{{.Repository}}}}:{{{{.Tag}}}}' @
rmi @:1
rmi @:1
volume create --label a=b @-v
volume create @-v
volume ls --filter name=@-v --format '{{{{.Name}}}} {{{{.Driver}}}}'
volume inspect --format '{{{{.Name}}}} {{{{json .Labels}}}} {{{{.Scope}}}}' @-v
volume inspect @-missing
volume rm @-missing
network create --label a=b @-n
network create @-n
network ls --filter name=@-n --format '{{{{.Name}}}} {{{{.Driver}}}} {{{{.Scope}}}}'
network inspect --format '{{{{.Name}}}} {{{{json .Labels}}}} {{{{len .Containers}}}}' @-n
network inspect @-missing
network rm bridge
create --name @-c --network @-n --label of=@ -v @-v:/data -e A=1 busybox {SERVER}
create --name @-c busybox true
create --name 'not valid' busybox true
create --pull never @-missing true
start @-c
start @-c
start @-missing
ps --filter name=@-c --format '{{{{.Names}}}} {{{{.Image}}}} {{{{.State}}}} {{{{.Status}}}} {{{{.Ports}}}}'
ps -a --filter name=@-c --no-trunc --format '{{{{.Command}}}} {{{{.Labels}}}} {{{{.Networks}}}} {{{{.Mounts}}}}'
ps -a --filter label=of=@ --format table
inspect --format '{{{{.Name}}}} {{{{json .Config.Env}}}} {{{{.State.Status}}}} {{{{.HostConfig.NetworkMode}}}}' @-c
inspect @-missing
exec @-c sh -c 'echo out; echo err >&2; exit 3'
exec @-c nosuchcommand
exec -w /data -e B=2 @-c sh -c 'echo $A $B $PWD'
exec -i @-c cat
exec @-missing true
logs @-c
logs --tail 1 --timestamps @-c
logs @-missing
port @-c
network rm @-n
volume rm @-v
rm @-c
rename @-c @-d
rename @-missing @-e
kill -s NOTHING @-d
stop @-d
stop @-d
wait @-d
kill @-d
exec @-d true
logs @-d
rm @-d
rm @-d
rm -f @-d
network disconnect @-n @-missing
network rm @-n
volume rm @-v
run --rm busybox sh -c 'sleep 1; echo out; echo err >&2; exit 7'
run --rm busybox sh -c 'echo out; echo err >&2'
run --rm busybox nosuchcommand
run --rm busybox /etc/passwd
run --rm -i busybox cat
run --rm entry
run --rm -w /etc busybox pwd
run --rm --restart sometimes busybox true
run --rm --memory 1m busybox true
run --rm --network @-missing busybox true
run --rm -v @-x:relative busybox true
run --rm -v /etc:/host busybox true
run --rm --user nobody busybox id -u
run --rm --privileged busybox true
run --rm --pid host busybox true
run --rm --network host busybox true
run -d --name @-e --label of=@ busybox sleep 60
top @-e -o args
pause @-e
unpause @-e
update --memory 64m --memory-swap 64m @-e
cp @-e:/etc/hostname -
diff @-e
stats --no-stream --format '{{{{.Name}}}}' @-e
commit @-e @:3
export @-e
save busybox
rm @-e
rm -f @-e
container prune -f --filter label=of=@
volume prune -f --filter label=of=@
network prune -f --filter label=of=@
events --since 1m --until 0s --filter label=of=@ --format '{{{{.Action}}}}'
system df --format '{{{{.Type}}}}'
node ls
service ls
plugin ls --format '{{{{.Name}}}}'
"""

INPUT = {
    "exec -i @-c cat": "piped in\n",
    "run --rm -i busybox cat": "piped in",
}

STEPS = [Step(line, INPUT.get(line)) for line in LINES.strip().splitlines()]

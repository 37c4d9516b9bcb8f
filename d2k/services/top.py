"""The processes of a running container: `docker top`."""

from __future__ import annotations

from typing import Any

from d2k.cluster.channels import STDERR, STDOUT, Channels, ChannelsError
from d2k.cluster.client import KubeClient
from d2k.errors import NotSupported, SystemFailure
from d2k.services.clock import now_ns
from d2k.services.lookup import ContainerLookup, running_pod
from d2k.translate import processes
from d2k.translate.record import MAIN

Object = dict[str, Any]

_LIMIT = 8 * 1024 * 1024


class Top:
    """Lists processes by a command inside the container: the cluster offers no view from outside."""

    def __init__(self, client: KubeClient, lookup: ContainerLookup):
        self._client = client
        self._lookup = lookup

    def top(self, reference: str, arguments: str) -> Object:
        """Return Docker's Titles and Processes for these arguments of ps; empty means `-ef`.

        Raises NotFound, Conflict when the container does not run, NotSupported when the image has no shell (or no ps,
        where columns of its own are asked for), and SystemFailure with ps' own complaint.
        """
        container = self._lookup.get(reference)
        name = running_pod(container)["metadata"]["name"]
        if arguments in ("", processes.DEFAULT_ARGS):
            return processes.parse_listing(self._run(name, processes.listing_command()), now_ns() / 1e9)
        return processes.parse_ps(self._run(name, processes.ps_command(arguments)))

    def _run(self, pod: str, command: list[str]) -> str:
        out = {STDOUT: bytearray(), STDERR: bytearray()}
        with Channels.exec(self._client, pod, MAIN, command, stdin=False, tty=False) as channels:
            for stream, payload in channels:
                out[stream] += payload
                if sum(map(len, out.values())) > _LIMIT:
                    raise SystemFailure("the list of processes is longer than 8 MiB")
            try:
                outcome = channels.outcome
            except ChannelsError as error:
                raise SystemFailure(str(error)) from error
        if outcome.exit_code is None:
            if "not found" in outcome.error or "no such file" in outcome.error:
                raise NotSupported(
                    "Kubernetes shows processes only from inside the container, and the image has no shell (sh)"
                )
            raise SystemFailure(outcome.error)
        if outcome.exit_code == 127:
            raise NotSupported("the image has no ps; without arguments for ps, d2k lists the processes by itself")
        if outcome.exit_code:
            raise SystemFailure(f"ps: {out[STDERR].decode(errors='replace').strip().removeprefix('ps: ')}")
        return out[STDOUT].decode(errors="replace")

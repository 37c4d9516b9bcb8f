"""Reaching a port of a Pod: directly, or through the API server where Pods cannot be dialled."""

from __future__ import annotations

import errno
import logging
from typing import Any

import gevent.socket

from d2k.cluster.client import KubeClient
from d2k.cluster.errors import KubeError
from d2k.cluster.portforward import PortForward
from d2k.cluster.relay import Stream, TcpStream

Object = dict[str, Any]

log = logging.getLogger(__name__)

DIAL_SECONDS = 2.0
# A process that is slow to accept drops connections that Linux asks for again; its Pod is known to be there.
BUSY_SECONDS = 60.0
# What a machine outside the cluster's network gets for a Pod's address; a refusal comes from the Pod itself.
_NO_WAY = (errno.ENETUNREACH, errno.EHOSTUNREACH, errno.EACCES, errno.EPERM, errno.ETIMEDOUT)
_MOST_KNOWN = 4096


class PodDialer:
    """Connects to ports of Pods, and remembers which way each Pod is reached."""

    def __init__(self, client: KubeClient):
        self._client = client
        # The uid of each Pod that was dialled, and whether that went directly.
        self._direct: dict[str, bool] = {}

    def connect(self, pod: Object, port: int) -> Stream:
        """Connect to a TCP port of a running Pod.

        The first connection to a Pod decides: if its address does not answer within DIAL_SECONDS, this one and all
        later ones go through the API server. Raises OSError when the port cannot be reached.
        """
        name, uid = pod["metadata"]["name"], pod["metadata"]["uid"]
        while (direct := self._direct.get(uid)) is not False:
            try:
                return self._dial(pod, port, uid, BUSY_SECONDS if direct else DIAL_SECONDS)
            except OSError as error:
                if direct or not _no_way(error):
                    raise
                # Unless another connection came through meanwhile: then the Pod is only busy.
                if uid not in self._direct:
                    log.info("the Pod %s cannot be dialled (%s): through the API server", name, error)
                    self._remember(uid, direct=False)
        try:
            return PortForward.open(self._client, name, port)
        except KubeError as error:
            raise ConnectionError(f"the API server does not forward the port: {error}") from error

    def _dial(self, pod: Object, port: int, uid: str, seconds: float) -> TcpStream:
        host = address(pod)
        try:
            sock = gevent.socket.create_connection((host, port), timeout=seconds)
        except ConnectionRefusedError:
            self._remember(uid, direct=True)
            raise
        self._remember(uid, direct=True)
        sock.settimeout(None)
        return TcpStream(sock)

    def _remember(self, uid: str, *, direct: bool) -> None:
        if len(self._direct) >= _MOST_KNOWN:
            self._direct.clear()
        self._direct[uid] = direct


def address(pod: Object) -> str:
    """Return the Pod's IP address. Raises ConnectionError while it has none."""
    found = (pod.get("status") or {}).get("podIP")
    if not found:
        raise ConnectionRefusedError(errno.ECONNREFUSED, "the Pod has no address yet")
    return str(found)


def _no_way(error: OSError) -> bool:
    return isinstance(error, TimeoutError) or error.errno in _NO_WAY

"""One HTTP connection that stays open, over plain sockets: what the client costs is the same for both sides."""

from __future__ import annotations

import socket
from urllib.parse import urlsplit


class Connection:
    """A connection to a DOCKER_HOST: `tcp://HOST:PORT` or `unix://PATH`."""

    def __init__(self, host: str) -> None:
        target = urlsplit(host)
        if target.scheme == "unix":
            self._socket = socket.socket(socket.AF_UNIX)
            self._socket.connect(target.path)
        else:
            self._socket = socket.create_connection((target.hostname, target.port or 2375))
            self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._buffer = b""

    def get(self, path: str) -> bytes:
        """Return the body of the answer to a GET. Raises RuntimeError unless its status is 200."""
        self._socket.sendall(f"GET {path} HTTP/1.1\r\nHost: bench\r\nUser-Agent: Docker-Client/28.0\r\n\r\n".encode())
        head = self._until(b"\r\n\r\n")
        status, *lines = head.decode("latin-1").split("\r\n")
        headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
        body = self._chunks() if "transfer-encoding" in headers else self._take(int(headers.get("content-length", 0)))
        if " 200 " not in status:
            raise RuntimeError(f"{path}: {status}: {body.decode(errors='replace')}")
        return body

    def _chunks(self) -> bytes:
        body = b""
        while size := int(self._until(b"\r\n"), 16):
            body += self._take(size)
            self._take(2)
        self._take(2)
        return body

    def _until(self, mark: bytes) -> bytes:
        while mark not in self._buffer:
            self._more()
        found, _, self._buffer = self._buffer.partition(mark)
        return found

    def _take(self, size: int) -> bytes:
        while len(self._buffer) < size:
            self._more()
        found, self._buffer = self._buffer[:size], self._buffer[size:]
        return found

    def _more(self) -> None:
        data = self._socket.recv(1 << 18)
        if not data:
            raise ConnectionError("the server closed the connection")
        self._buffer += data

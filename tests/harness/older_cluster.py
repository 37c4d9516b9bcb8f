"""A cluster that does not know the container's own restartPolicy, made of one that does.

A proxy in front of the API server takes the field out of every Deployment that is written through it, as an API server
without the feature gate ContainerRestartRules does: the answer comes back without the field.
"""

from __future__ import annotations

import base64
import contextlib
import json
import os
import re
import socket
import ssl
import tempfile
import threading
import urllib.parse
import urllib.request
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.error import HTTPError

HOP_BY_HOP = ("connection", "transfer-encoding", "content-length", "host", "accept-encoding", "keep-alive")
DEPLOYMENTS = re.compile(r"/apis/apps/v1/namespaces/[^/]+/deployments\b")
CHUNK = 65536


class OlderCluster:
    """The proxy, while the block runs; `kubeconfig` is a kubeconfig that goes through it."""

    def __init__(self, kubeconfig: Path, directory: Path):
        document = json.loads(kubeconfig.read_text())
        cluster = document["clusters"][0]["cluster"]
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(cluster["server"], _context(cluster)))
        self._server.daemon_threads = True
        self.kubeconfig = directory / "older.kubeconfig"
        cluster.pop("certificate-authority-data", None)
        cluster["server"] = f"http://127.0.0.1:{self._server.server_address[1]}"
        self.kubeconfig.write_text(json.dumps(document))

    def __enter__(self) -> OlderCluster:
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()


def _context(cluster: dict[str, Any]) -> ssl.SSLContext:
    context = ssl.create_default_context()
    if cluster.get("insecure-skip-tls-verify"):
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    elif data := cluster.get("certificate-authority-data"):
        handle, name = tempfile.mkstemp()
        os.write(handle, base64.b64decode(data))
        os.close(handle)
        context.load_verify_locations(name)
        os.unlink(name)
    return context


def _without_the_field(body: bytes) -> bytes:
    document = json.loads(body)
    pod = document.get("spec", {}).get("template", {}).get("spec", {}) if isinstance(document, dict) else {}
    for container in pod.get("containers") or ():
        container.pop("restartPolicy", None)
    return json.dumps(document).encode()


def _copy(source: socket.socket, target: socket.socket) -> None:
    with contextlib.suppress(OSError):
        while chunk := source.recv(CHUNK):
            target.sendall(chunk)
        target.shutdown(socket.SHUT_WR)


def _handler(upstream: str, context: ssl.SSLContext) -> type[BaseHTTPRequestHandler]:
    opener = urllib.request.build_opener(urllib.request.HTTPSHandler(context=context))

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, *_: object) -> None:
            """Say nothing."""

        def _pass_on(self) -> None:
            if self.headers.get("Upgrade"):
                self._tunnel()
                return
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0)) or None
            if body and DEPLOYMENTS.match(self.path):
                body = _without_the_field(body)
            headers = {key: value for key, value in self.headers.items() if key.lower() not in HOP_BY_HOP}
            request = urllib.request.Request(upstream + self.path, body, headers, method=self.command)
            try:
                answer: Any = opener.open(request)
            except HTTPError as error:
                answer = error
            self.send_response(answer.status)
            for key, value in answer.headers.items():
                if key.lower() not in HOP_BY_HOP:
                    self.send_header(key, value)
            self.send_header("Transfer-Encoding", "chunked")
            self.end_headers()
            try:
                while chunk := answer.read1(CHUNK):
                    self.wfile.write(b"%x\r\n%s\r\n" % (len(chunk), chunk))
                    self.wfile.flush()
                self.wfile.write(b"0\r\n\r\n")
            except (ConnectionError, OSError):
                self.close_connection = True
            finally:
                answer.close()

        def _tunnel(self) -> None:
            """Pass a WebSocket on: exec, attach and port-forward."""
            host, port = urllib.parse.urlsplit(upstream).hostname or "", urllib.parse.urlsplit(upstream).port or 443
            head = "".join(f"{key}: {value}\r\n" for key, value in self.headers.items())
            with context.wrap_socket(socket.create_connection((host, port)), server_hostname=host) as server:
                server.sendall(f"{self.requestline}\r\n{head}\r\n".encode())
                threading.Thread(target=_copy, args=(self.connection, server), daemon=True).start()
                _copy(server, self.connection)
            self.close_connection = True

        do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = _pass_on  # noqa: N815 - http.server's names

    return Handler

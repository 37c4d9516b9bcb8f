"""The official Kubernetes client, used for its configuration, credentials and connection pool.

Objects stay plain dicts decoded by orjson: the typed models cost milliseconds per object and refuse fields that are
newer than they are.
"""

from __future__ import annotations

import ssl
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

import gevent
import kubernetes.config
import orjson
import urllib3
import websocket
from kubernetes.client import ApiClient, Configuration
from kubernetes.stream import ws_client

from d2k.cluster import errors
from d2k.cluster.resources import Resource
from d2k.metrics import KUBERNETES_REQUESTS, KUBERNETES_SECONDS

Object = dict[str, Any]

CONNECT_TIMEOUT = 5.0
READ_TIMEOUT = 30.0
# Every stream pins a connection; a pool smaller than the number of greenlets would throw connections away.
POOL_SIZE = 512

MERGE_PATCH = "application/merge-patch+json"
JSON_PATCH = "application/json-patch+json"


@dataclass(frozen=True)
class Target:
    """What a request is about, for the metrics: never an object's name."""

    verb: str
    resource: str


class KubeClient:
    """Calls to one API server in one namespace; safe for any number of greenlets."""

    def __init__(self, kubeconfig: str, namespace: str):
        """Load the credentials.

        `kubeconfig` is a file's path; empty means the Pod's own ServiceAccount. Raises
        `kubernetes.config.ConfigException` when there are none.
        """
        self.namespace = namespace
        configuration = Configuration()
        if kubeconfig:
            kubernetes.config.load_kube_config(kubeconfig, client_configuration=configuration)
        else:
            kubernetes.config.load_incluster_config(client_configuration=configuration)
        configuration.connection_pool_maxsize = POOL_SIZE
        configuration.retries = False
        self._configuration = configuration
        self._api = ApiClient(configuration)
        self._pool: urllib3.PoolManager = self._api.rest_client.pool_manager
        self._pool.connection_pool_kw["ssl_context"] = _tls_context()

    # -- objects ------------------------------------------------------------------------------------------------

    def get(self, resource: Resource, name: str, subresource: str = "") -> Object:
        """Return one object. Raises KubeNotFoundError."""
        return self.call("GET", resource, name, subresource)

    def list_all(self, resource: Resource, selector: str = "", **query: Any) -> Object:
        """Return the List of the objects that `selector` (a label selector) matches."""
        return self.call("GET", resource, query={"labelSelector": selector, **query})

    def create(self, resource: Resource, body: Mapping[str, Any], *, dry_run: bool = False) -> Object:
        """Create an object and return it as stored. Raises KubeAlreadyExistsError."""
        return self.call("POST", resource, body=body, query={"dryRun": "All" if dry_run else ""})

    def patch(self, resource: Resource, name: str, patch: Any, subresource: str = "") -> Object:
        """Apply a merge patch (a mapping) or a JSON patch (a list) and return the object as stored."""
        content_type = JSON_PATCH if isinstance(patch, list) else MERGE_PATCH
        return self.call("PATCH", resource, name, subresource, body=patch, content_type=content_type)

    def replace(self, resource: Resource, name: str, body: Mapping[str, Any]) -> Object:
        """Replace an object; with a `resourceVersion` only if nobody changed it since (KubeConflictError)."""
        return self.call("PUT", resource, name, body=body)

    def delete(
        self,
        resource: Resource,
        name: str,
        *,
        grace_seconds: int | None = None,
        propagation: str = "Background",
        uid: str = "",
    ) -> Object:
        """Delete an object, or only the one with this uid, with a grace period other than its own if given.

        `propagation` is the API's policy for the dependants: Foreground, Background or Orphan. Returns the object as it
        is being deleted, or the Status. Raises KubeNotFoundError.
        """
        options: Object = {"propagationPolicy": propagation}
        if grace_seconds is not None:
            options["gracePeriodSeconds"] = grace_seconds
        if uid:
            options["preconditions"] = {"uid": uid}
        return self.call("DELETE", resource, name, body=options)

    def call(
        self,
        method: str,
        resource: Resource,
        name: str = "",
        subresource: str = "",
        *,
        query: Mapping[str, Any] | None = None,
        body: Any = None,
        content_type: str = "application/json",
    ) -> Object:
        """Make one request about a resource of the namespace and return the decoded answer."""
        target = Target(method, resource.plural + ("/" + subresource if subresource else ""))
        path = resource.path(self.namespace, name, subresource)
        return self.raw(method, path, query=query, body=body, content_type=content_type, target=target)

    def raw(
        self,
        method: str,
        path: str,
        *,
        query: Mapping[str, Any] | None = None,
        body: Any = None,
        content_type: str = "application/json",
        target: Target | None = None,
    ) -> Object:
        """Make one request to any path of the API server and return the decoded answer.

        Raises KubeError, as the kind that fits, when the server refuses; KubeUnavailableError when it is not reached.
        """
        data = None if body is None else orjson.dumps(body)
        response = self._send(method, path, query, data, content_type, READ_TIMEOUT, target or Target(method, "other"))
        decoded = _decode(_body(response))
        if response.status >= 400:
            raise errors.from_status(response.status, decoded)
        return decoded

    # -- streams ------------------------------------------------------------------------------------------------

    def open(
        self,
        resource: Resource,
        name: str = "",
        subresource: str = "",
        *,
        query: Mapping[str, Any] | None = None,
        read_timeout: float | None,
    ) -> urllib3.BaseHTTPResponse:
        """Open a streaming GET (a log or a watch); the caller iterates `stream()` and must `close()` it.

        `read_timeout` is how many seconds may pass without a byte; None waits for ever.
        """
        target = Target(
            "WATCH" if query and query.get("watch") else "GET",
            resource.plural + ("/" + subresource if subresource else ""),
        )
        path = resource.path(self.namespace, name, subresource)
        response = self._send("GET", path, query, None, "", read_timeout, target)
        if response.status >= 400:
            try:
                decoded = _decode(_body(response))
            finally:
                response.close()
            raise errors.from_status(response.status, decoded)
        return response

    def websocket(
        self, resource: Resource, name: str, subresource: str, query: list[tuple[str, str]]
    ) -> websocket.WebSocket:
        """Open the WebSocket of exec or attach; the sub-protocol v5.channel.k8s.io is preferred, v4 accepted.

        Raises KubeError with the server's status when it refuses the upgrade.
        """
        path = resource.path(self.namespace, name, subresource)
        url = ws_client.get_websocket_url(self._configuration.host + path, query)
        headers = {key.lower(): value for key, value in self._auth_headers().items()}
        started = time.monotonic()
        try:
            # The library itself would wait for ever for a server that is gone.
            with gevent.Timeout(READ_TIMEOUT, TimeoutError("no answer in time")):
                connection = ws_client.create_websocket(self._configuration, url, headers)
        except websocket.WebSocketBadStatusException as error:
            status = error.status_code
            KUBERNETES_REQUESTS.labels("CONNECT", f"{resource.plural}/{subresource}", str(status)).inc()
            raise errors.from_status(status, _decode(error.resp_body or b"")) from error
        except (OSError, websocket.WebSocketException) as error:
            raise errors.KubeUnavailableError(
                503, "Unreachable", f"the API server cannot be reached: {error}"
            ) from error
        KUBERNETES_REQUESTS.labels("CONNECT", f"{resource.plural}/{subresource}", "101").inc()
        KUBERNETES_SECONDS.labels("CONNECT", f"{resource.plural}/{subresource}").observe(time.monotonic() - started)
        return connection

    # -- transport ----------------------------------------------------------------------------------------------

    def _auth_headers(self) -> dict[str, str]:
        headers: dict[str, str] = {}
        for setting in self._configuration.auth_settings().values():
            if setting["in"] == "header" and setting["value"]:
                headers[setting["key"]] = setting["value"]
        return headers

    def _send(
        self,
        method: str,
        path: str,
        query: Mapping[str, Any] | None,
        data: bytes | None,
        content_type: str,
        read_timeout: float | None,
        target: Target,
    ) -> urllib3.BaseHTTPResponse:
        url = self._configuration.host + path
        if query:
            url += "?" + urlencode(
                [(key, _query_value(value)) for key, value in query.items() if value not in ("", None)]
            )
        headers = {"Accept": "application/json", "User-Agent": "d2k", **self._auth_headers()}
        if data is not None:
            headers["Content-Type"] = content_type
        started = time.monotonic()
        try:
            response = self._pool.request(
                method,
                url,
                body=data,
                headers=headers,
                preload_content=False,
                timeout=urllib3.Timeout(connect=CONNECT_TIMEOUT, read=read_timeout),
                retries=False,
            )
        except (urllib3.exceptions.HTTPError, OSError) as error:
            KUBERNETES_REQUESTS.labels(target.verb, target.resource, "unreachable").inc()
            raise errors.KubeUnavailableError(
                503, "Unreachable", f"the Kubernetes API server cannot be reached: {error}"
            ) from error
        KUBERNETES_REQUESTS.labels(target.verb, target.resource, str(response.status)).inc()
        KUBERNETES_SECONDS.labels(target.verb, target.resource).observe(time.monotonic() - started)
        return response


def _tls_context() -> ssl.SSLContext:
    """Return a context that takes a cluster's own CA as Go's clients do.

    Since Python 3.13 certificates must follow RFC 5280 to the letter, which those of many clusters' CAs do not (no key
    usage); they are verified as before.
    """
    context = urllib3.util.ssl_.create_urllib3_context()
    context.verify_flags &= ~ssl.VERIFY_X509_STRICT
    return context


def _body(response: urllib3.BaseHTTPResponse) -> bytes:
    try:
        return response.data
    except urllib3.exceptions.HTTPError as error:
        raise errors.KubeUnavailableError(503, "ReadFailed", f"the API server's answer broke off: {error}") from error


def _query_value(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _decode(text: bytes | str) -> Object:
    try:
        decoded = orjson.loads(text)
    except orjson.JSONDecodeError:
        return {"message": text.decode(errors="replace") if isinstance(text, bytes) else text}
    return decoded if isinstance(decoded, dict) else {"message": str(decoded)}

"""The application: every part is made here and given what it needs."""

from __future__ import annotations

import logging
import time

import kubernetes.config
from flask import Flask, Response, g, request

from d2k import metrics
from d2k.api import absent, attach, containers, exec, images, logs, networks, system, top, volumes  # noqa: A004
from d2k.cluster.cache import ClusterCache
from d2k.cluster.client import KubeClient
from d2k.cluster.errors import KubeError
from d2k.cluster.pod_dial import PodDialer
from d2k.config import Config
from d2k.http import errors
from d2k.http.shortcuts import Shortcuts
from d2k.http.version import ENVIRON, VersionPrefix
from d2k.registry.client import Registry
from d2k.services.attach import Attachments
from d2k.services.creation import Creation
from d2k.services.endpoints import EndpointKeeper
from d2k.services.execs import Execs
from d2k.services.host_names import HostNames
from d2k.services.images import Images
from d2k.services.lifecycle import Lifecycle
from d2k.services.listing import ImageAncestry, Listing
from d2k.services.logs import Logs
from d2k.services.lookup import ContainerLookup, ImageUses
from d2k.services.networks import Networks
from d2k.services.proxy import PortProxy
from d2k.services.publish import Publisher
from d2k.services.reconcile import Reconciler
from d2k.services.removal import Removal
from d2k.services.saved_logs import SavedLogs
from d2k.services.signalling import Signaller
from d2k.services.system import System
from d2k.services.top import Top
from d2k.services.volumes import Volumes
from d2k.services.waiting import Waiting
from d2k.services.workloads import Workloads
from d2k.versions import MAXIMUM

log = logging.getLogger(__name__)

SYNC_SECONDS = 30.0


class StartError(Exception):
    """d2k cannot start; the text is one line for the operator."""


def connect(config: Config) -> tuple[KubeClient, ClusterCache]:
    """Return a client and a cache that has listed every kind.

    Raises StartError when there are no credentials, or the namespace cannot be read in time.
    """
    try:
        client = KubeClient(config.kubeconfig, config.namespace)
    except (kubernetes.config.ConfigException, OSError) as error:
        source = f"D2K_KUBECONFIG={config.kubeconfig}" if config.kubeconfig else "the Pod's ServiceAccount"
        raise StartError(f"no Kubernetes credentials in {source}: {error}") from error
    try:
        client.raw("GET", f"/api/v1/namespaces/{config.namespace}")
    except KubeError as error:
        raise StartError(f"the namespace {config.namespace} cannot be read: {error}") from error
    cache = ClusterCache(client)
    cache.start()
    if not cache.wait_synced(SYNC_SECONDS):
        late = [r.resource.plural for r in cache.reflectors if not r.synced.is_set()]
        raise StartError(f"{', '.join(late)} in namespace {config.namespace} cannot be listed: see the log above")
    return client, cache


def create_app(config: Config) -> Flask:
    """Return the application, connected and ready to serve. Raises StartError."""
    client, cache = connect(config)
    app = Flask("d2k")
    errors.register(app)
    _measure(app)
    lookup = ContainerLookup(cache)
    workloads = Workloads(cache)
    saved_logs = SavedLogs(client)
    container_logs = Logs(client, cache, lookup, saved_logs)
    attachments = Attachments(client, cache, lookup, container_logs)
    volume_service = Volumes(cache, lookup, config)
    keeper = EndpointKeeper(cache, lookup)
    network_service = Networks(cache, lookup, config, keeper)
    proxy = PortProxy(cache, lookup, PodDialer(client), config.publish_host)
    publisher = Publisher(cache, lookup, config, proxy)
    removal = Removal(cache, lookup, workloads, publisher, volume_service, attachments)
    reconciler = Reconciler(cache, lookup, workloads, saved_logs, removal)
    image_service = Images(cache, Registry.from_config(config), ImageUses(lookup).of)
    signaller = Signaller(client)
    lifecycle = Lifecycle(cache, lookup, workloads, reconciler, publisher, signaller, network_service, config)
    listing = Listing(lookup, ImageAncestry(image_service).ids, config.publish_host, HostNames().address)
    services = containers.ContainerServices(
        creation=Creation(cache, lookup, workloads, image_service, volume_service, network_service, config),
        lifecycle=lifecycle,
        listing=listing,
        removal=removal,
        waiting=Waiting(cache, lookup),
    )
    for blueprint in (
        system.blueprint(System(client, config, listing.counts, image_service.count), lambda: cache.synced),
        containers.blueprint(services),
        images.blueprint(image_service),
        volumes.blueprint(volume_service),
        networks.blueprint(network_service),
        exec.blueprint(Execs(client, cache, lookup)),
        logs.blueprint(container_logs),
        top.blueprint(Top(client, lookup)),
        attach.blueprint(attachments),
        absent.blueprint(),
    ):
        app.register_blueprint(blueprint)
    # As Flask documents it; mypy takes a method for one that stays.
    app.wsgi_app = VersionPrefix(Shortcuts(app.wsgi_app, listing.inspect))  # type: ignore[method-assign]
    reconciler.start()
    keeper.start()
    proxy.start()
    return app


def _measure(app: Flask) -> None:
    @app.before_request
    def begin() -> None:
        g.started = time.monotonic()
        g.api_version = request.environ.get(ENVIRON, MAXIMUM)

    @app.after_request
    def count(response: Response) -> Response:
        # Without a route the method may be any word, and each would be a series of its own.
        method, route = (request.method, request.url_rule.rule) if request.url_rule else ("any", "none")
        seconds = time.monotonic() - g.started
        metrics.REQUESTS.labels(method, route, str(response.status_code)).inc()
        metrics.REQUEST_SECONDS.labels(method, route).observe(seconds)
        log.debug("%s %s %d %.1f ms", request.method, request.full_path, response.status_code, seconds * 1000)
        return response

"""`docker create`: everything is resolved and checked, then one Deployment is written."""

from __future__ import annotations

import random
from dataclasses import dataclass
from typing import Any

from d2k.cluster.cache import ClusterCache
from d2k.cluster.errors import KubeAlreadyExistsError
from d2k.cluster.resources import DEPLOYMENTS
from d2k.config import Config
from d2k.errors import Conflict, InvalidParameter, SystemFailure
from d2k.services.clock import now_ns
from d2k.services.images import Images
from d2k.services.lifecycle import name_conflict
from d2k.services.lookup import ContainerLookup
from d2k.services.networks import Networks
from d2k.services.volumes import Volumes
from d2k.services.workloads import Workloads
from d2k.translate import annotations as marks
from d2k.translate import ids, mounts, names, ports, process, published, workload
from d2k.translate.labels import is_owned
from d2k.translate.networks import search_domains
from d2k.translate.record import MAIN, Container
from d2k.translate.times import rfc3339

Object = dict[str, Any]

NAME_TRIES = 20


@dataclass(frozen=True)
class Created:
    """The answer of create."""

    id: str
    warnings: list[str]


class Creation:
    """Makes containers."""

    def __init__(
        self,
        cache: ClusterCache,
        lookup: ContainerLookup,
        workloads: Workloads,
        images: Images,
        volumes: Volumes,
        networks: Networks,
        config: Config,
    ):
        self._cache = cache
        self._lookup = lookup
        self._workloads = workloads
        self._images = images
        self._volumes = volumes
        self._networks = networks
        self._config = config
        self._random = random.Random()  # noqa: S311 - names, not secrets

    def create(self, name: str, spec: Object, platform: str = "") -> Created:
        """Create a container from Docker's create request; `name` is empty for a random one.

        `platform` (`os/arch[/variant]`) is what the image must be for.

        Raises NotFound for an unknown image, Conflict for a name that is taken, InvalidParameter, Forbidden or
        NotSupported for what cannot be. Nothing is left behind then but volumes that were named.
        """
        if name:
            name = names.check_container_name(name)
            self._check_name(name)
        if not spec.get("Image"):
            raise InvalidParameter("config cannot be empty in order to create a container")
        record, warnings = self._images.resolve_for_create(spec["Image"], platform)
        image: Object = {
            "Id": record.id,
            "Reference": spec["Image"],
            "Pinned": self._images.pinned(record, spec["Image"]),
            "Config": record.config,
        }
        merged = process.merged_config(spec, record.config)
        wishes = ports.bindings(spec.get("HostConfig") or {}, ports.exposed_ports(merged.get("ExposedPorts")))
        warnings += published.address_warnings(wishes, self._config.publish)
        container_id = ids.new_id()
        draft = workload.Draft(
            id=container_id,
            name=name or self._free_name(),
            object_name="",
            created=rfc3339(now_ns()),
            spec=spec,
            image=image,
            mounts=[],
            networks={},
        )
        # Everything that can be refused is, before the first object is made.
        workload.deployment(draft, self._config)
        endpoints, notes = self._networks.endpoint_settings(spec, container_id, draft.name, named=bool(name))
        warnings += notes
        records = self._networks.known(endpoints)
        domains = search_domains(records, self._cache.namespace, self._config.cluster_domain)
        made: list[str] = []
        try:
            documents = self._mounts(spec, merged, made)
            found = {"mounts": documents, "networks": endpoints, "search_domains": domains}
            draft = workload.Draft(**{**vars(draft), **found})
            return Created(container_id, [*warnings, *self._write(draft)])
        except Exception as error:
            self._volumes.remove_anonymous(made)
            if name or not isinstance(error, Conflict):
                raise
        # Somebody was faster with the name that d2k invented.
        return self.create("", spec, platform)

    def _check_name(self, name: str) -> None:
        owner = self._lookup.by_name(name)
        if owner is not None:
            raise Conflict(name_conflict(name, owner.id))

    def _free_name(self) -> str:
        for _ in range(NAME_TRIES):
            name = names.random_name(self._random)
            if self._lookup.by_name(name) is None:
                return name
        return f"{names.random_name(self._random)}{self._random.randrange(10_000)}"

    def _mounts(self, spec: Object, merged: Object, made: list[str]) -> list[Object]:
        """Make the volumes that do not exist yet and return the mounts; `made` gets the anonymous volumes' names."""
        documents: list[Object] = []
        inherited = self._inherited(spec)
        taken = {document["Destination"] for document in inherited}
        for mount in mounts.requested(spec, merged.get("Volumes") or {}, self._config):
            if mount.type == "volume" and not mount.name and mount.destination in taken:
                continue
            if mount.type != "volume":
                documents.append(mounts.described(mount, "", ""))
                continue
            volume = self._volumes.ensure(mount.name or None, mount.labels, mount.options)
            if not mount.name:
                made.append(volume.name)
            documents.append(mounts.described(mount, volume.claim, volume.name))
        own = {document["Destination"] for document in documents}
        documents += [document for document in inherited if document["Destination"] not in own]
        return sorted(documents, key=lambda document: str(document["Destination"]))

    def _inherited(self, spec: Object) -> list[Object]:
        """Return the mounts of the containers that `--volumes-from` names."""
        found: dict[str, Object] = {}
        for text in (spec.get("HostConfig") or {}).get("VolumesFrom") or ():
            reference, _, mode = text.partition(":")
            for document in self._lookup.get(reference).mounts:
                if document["Type"] == "volume":
                    read_write = document["RW"] and mode != "ro"
                    found[document["Destination"]] = {**document, "RW": read_write, "Anonymous": False}
        return list(found.values())

    def _write(self, draft: workload.Draft) -> list[str]:
        """Write the Deployment under a free name; return the warnings. Raises Conflict when its Docker name is taken.

        The API server decides between two that are made at once: both try the same names in the same order.
        """
        foreign: set[str] = set()

        def taken(object_name: str) -> bool:
            existing = self._cache[DEPLOYMENTS].get(object_name)
            return object_name in foreign or (existing is not None and _is_other(existing, draft.name))

        while True:
            # Another may have got the name while images and volumes were seen to.
            self._check_name(draft.name)
            object_name = names.deployment_name(draft.name, draft.id, taken)
            document, warnings = workload.deployment(
                workload.Draft(**{**vars(draft), "object_name": object_name}), self._config
            )
            try:
                stored = self._cache.create(DEPLOYMENTS, document)
            except KubeAlreadyExistsError:
                # Another d2k made a container a moment ago, or the Deployment is none of d2k's.
                existing = self._cache.read(DEPLOYMENTS, object_name)
                if existing is None or _is_other(existing, draft.name):
                    foreign.add(object_name)
                continue
            return warnings + self._check_stored(document, stored)

    def _check_stored(self, wanted: Object, stored: Object) -> list[str]:
        """Return warnings for what the cluster dropped: fields that it is too old for, or has switched off."""
        warnings = []
        asked, got = _main(wanted), _main(stored)
        container = Container(stored)
        if asked.get("restartPolicy") and got.get("restartPolicy") != asked["restartPolicy"]:
            self._workloads.annotate(container, {marks.FALLBACK: "true"})
            warnings.append(
                "This cluster is older than Kubernetes 1.35 (or has ContainerRestartRules off): it may run the command "
                "again before d2k can stop the container after its first exit."
            )
        if asked.get("lifecycle") and not got.get("lifecycle"):
            signal = asked["lifecycle"]["stopSignal"]
            warnings.append(
                f"This cluster has no container stop signals (ContainerStopSignals): the container is stopped by its "
                f"image's own signal, not {signal}."
            )
        return warnings


def _is_other(deployment: Object, name: str) -> bool:
    """Say whether a Deployment is not the container of this name. Raises Conflict when it is."""
    notes = deployment["metadata"].get("annotations") or {}
    if not is_owned(deployment) or notes.get(marks.NAME) != name or marks.ID not in notes:
        return True
    raise Conflict(name_conflict(name, notes[marks.ID]))


def _main(document: Object) -> Object:
    for container in document["spec"]["template"]["spec"]["containers"]:
        if container["name"] == MAIN:
            found: Object = container
            return found
    raise SystemFailure("the cluster's admission changed d2k's Deployment: its container main is gone")

"""Bodies of the container calls: the fields that d2k reads; all others are kept for inspect."""

from __future__ import annotations

from typing import Any

from marshmallow import ValidationError, fields

from d2k.schemas.base import DockerSchema
from d2k.schemas.networks import EndpointSchema


class StringList(fields.Field[list[str]]):
    """A list of strings; one string counts as a list of one, as in every API version up to 1.51."""

    def _deserialize(self, value: Any, *_: Any, **__: Any) -> list[str]:
        if isinstance(value, str):
            return [value]
        if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
            raise ValidationError("cannot unmarshal into {field} of type []string")
        return value


class RestartPolicy(DockerSchema):
    """HostConfig.RestartPolicy."""

    Name = fields.String()
    MaximumRetryCount = fields.Integer()


class PortBinding(DockerSchema):
    """An entry of HostConfig.PortBindings."""

    HostIp = fields.String()
    HostPort = fields.String()


class HostConfig(DockerSchema):
    """HostConfig, as far as types matter to d2k."""

    Annotations = fields.Dict(keys=fields.String(), values=fields.String())
    AutoRemove = fields.Boolean()
    Binds = fields.List(fields.String())
    CapAdd = StringList()
    CapDrop = StringList()
    CgroupnsMode = fields.String()
    CpuPeriod = fields.Integer()
    CpuQuota = fields.Integer()
    CpuShares = fields.Integer()
    DeviceRequests = fields.List(fields.Dict())
    Devices = fields.List(fields.Dict())
    Dns = fields.List(fields.String())
    DnsOptions = fields.List(fields.String())
    DnsSearch = fields.List(fields.String())
    ExtraHosts = fields.List(fields.String())
    GroupAdd = fields.List(fields.String())
    IpcMode = fields.String()
    Isolation = fields.String()
    Links = fields.List(fields.String())
    LogConfig = fields.Dict()
    MaskedPaths = fields.List(fields.String())
    Memory = fields.Integer()
    MemoryReservation = fields.Integer()
    MemorySwap = fields.Integer()
    MemorySwappiness = fields.Integer()
    Mounts = fields.List(fields.Dict())
    NanoCpus = fields.Integer()
    NetworkMode = fields.String()
    OomScoreAdj = fields.Integer()
    PidMode = fields.String()
    PidsLimit = fields.Integer()
    PortBindings = fields.Dict(values=fields.List(fields.Nested(PortBinding), allow_none=True))
    Privileged = fields.Boolean()
    PublishAllPorts = fields.Boolean()
    ReadonlyPaths = fields.List(fields.String())
    ReadonlyRootfs = fields.Boolean()
    RestartPolicy = fields.Nested(RestartPolicy)
    SecurityOpt = fields.List(fields.String())
    ShmSize = fields.Integer()
    Sysctls = fields.Dict(keys=fields.String(), values=fields.String())
    Tmpfs = fields.Dict(keys=fields.String(), values=fields.String())
    UTSMode = fields.String()
    VolumesFrom = fields.List(fields.String())


class Healthcheck(DockerSchema):
    """Config.Healthcheck; durations in nanoseconds."""

    Test = fields.List(fields.String())
    Interval = fields.Integer()
    Timeout = fields.Integer()
    StartPeriod = fields.Integer()
    StartInterval = fields.Integer()
    Retries = fields.Integer()


class NetworkingConfig(DockerSchema):
    """The endpoints that a create request asks for."""

    EndpointsConfig = fields.Dict(values=fields.Nested(EndpointSchema, allow_none=True))


class CreateRequest(DockerSchema):
    """The body of `POST /containers/create`: Docker's Config with HostConfig and NetworkingConfig."""

    Cmd = StringList()
    Domainname = fields.String()
    Entrypoint = StringList()
    Env = fields.List(fields.String())
    ExposedPorts = fields.Dict()
    Healthcheck = fields.Nested(Healthcheck)
    HostConfig = fields.Nested(HostConfig)
    Hostname = fields.String()
    Image = fields.String()
    Labels = fields.Dict(keys=fields.String(), values=fields.String())
    NetworkingConfig = fields.Nested(NetworkingConfig)
    OpenStdin = fields.Boolean()
    Shell = fields.List(fields.String())
    StdinOnce = fields.Boolean()
    StopSignal = fields.String()
    StopTimeout = fields.Integer()
    Tty = fields.Boolean()
    User = fields.String()
    Volumes = fields.Dict()
    WorkingDir = fields.String()

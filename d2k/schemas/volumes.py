"""The request bodies of the volume endpoints (Docker API 1.51, VolumeCreateOptions)."""

from __future__ import annotations

from marshmallow import fields

from d2k.schemas.base import DockerSchema


class VolumeCreateSchema(DockerSchema):
    """The body of `POST /volumes/create`; a map that is absent stays absent, since Docker shows it as null."""

    Name = fields.String(load_default="")
    Driver = fields.String(load_default="")
    DriverOpts = fields.Dict(keys=fields.String(), values=fields.String())
    Labels = fields.Dict(keys=fields.String(), values=fields.String())
    ClusterVolumeSpec = fields.Dict()

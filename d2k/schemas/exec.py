"""The bodies of exec create and exec start."""

from __future__ import annotations

from marshmallow import fields

from d2k.schemas.base import DockerSchema


class ExecCreate(DockerSchema):
    """Docker's ExecConfig."""

    Cmd = fields.List(fields.String())
    Env = fields.List(fields.String())
    AttachStdin = fields.Boolean()
    AttachStdout = fields.Boolean()
    AttachStderr = fields.Boolean()
    Tty = fields.Boolean()
    Privileged = fields.Boolean()
    User = fields.String()
    WorkingDir = fields.String()
    DetachKeys = fields.String()
    ConsoleSize = fields.List(fields.Integer())


class ExecStart(DockerSchema):
    """How an exec is started; the terminal is the one asked for here, not at create."""

    Detach = fields.Boolean()
    Tty = fields.Boolean()
    ConsoleSize = fields.List(fields.Integer())

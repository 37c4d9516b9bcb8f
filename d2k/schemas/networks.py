"""The request bodies of the network endpoints (Docker API 1.51, Network)."""

from __future__ import annotations

import ipaddress
import json
import re
from typing import Any

from marshmallow import ValidationError, fields

from d2k.schemas.base import DockerSchema

_MAC = re.compile(r"[0-9A-Fa-f]{2}([:-][0-9A-Fa-f]{2}){5}")


def _subnet(value: str) -> None:
    """Check a CIDR block as Go's `netip.ParsePrefix`."""
    if not value:
        return
    quoted = json.dumps(value)
    if "/" not in value:
        raise ValidationError(f"invalid JSON: netip.ParsePrefix({quoted}): no '/'")
    try:
        ipaddress.ip_network(value, strict=False)
    except ValueError as error:
        raise ValidationError(f"invalid JSON: netip.ParsePrefix({quoted}): {error}") from None


def _address(value: str) -> None:
    """Check an address as Go's `netip.ParseAddr`."""
    if not value:
        return
    try:
        ipaddress.ip_address(value)
    except ValueError:
        raise ValidationError(f"invalid JSON: ParseAddr({json.dumps(value)}): unable to parse IP") from None


def _mac(value: str) -> None:
    """Check a hardware address of six bytes as Go's `net.ParseMAC`."""
    if value and not _MAC.fullmatch(value):
        raise ValidationError(f"invalid JSON: address {value}: invalid MAC address")


def _strings(**options: Any) -> fields.Dict:
    return fields.Dict(keys=fields.String(), values=fields.String(), **options)


class AddressRangeSchema(DockerSchema):
    """An entry of `IPAM.Config`."""

    Subnet = fields.String(validate=_subnet)
    IPRange = fields.String(validate=_subnet)
    Gateway = fields.String(validate=_address)
    AuxiliaryAddresses = fields.Dict(keys=fields.String(), values=fields.String(validate=_address))


class IpamSchema(DockerSchema):
    """`IPAM`: how the addresses are given."""

    Driver = fields.String()
    Options = _strings()
    Config = fields.List(fields.Nested(AddressRangeSchema))


class ConfigReferenceSchema(DockerSchema):
    """`ConfigFrom`: the configuration-only network to copy."""

    Network = fields.String()


class NetworkCreateSchema(DockerSchema):
    """The body of `POST /networks/create`."""

    Name = fields.String(load_default="")
    Driver = fields.String()
    Scope = fields.String()
    CheckDuplicate = fields.Boolean()
    Internal = fields.Boolean()
    Attachable = fields.Boolean()
    Ingress = fields.Boolean()
    ConfigOnly = fields.Boolean()
    ConfigFrom = fields.Nested(ConfigReferenceSchema)
    IPAM = fields.Nested(IpamSchema)
    EnableIPv4 = fields.Boolean()
    EnableIPv6 = fields.Boolean()
    Options = _strings()
    Labels = _strings()


class EndpointIpamSchema(DockerSchema):
    """`IPAMConfig` of an endpoint: addresses that the user asks for."""

    IPv4Address = fields.String(validate=_address)
    IPv6Address = fields.String(validate=_address)
    LinkLocalIPs = fields.List(fields.String(validate=_address))


class EndpointSchema(DockerSchema):
    """The settings of a container in one network, for connect and for `NetworkingConfig.EndpointsConfig` of create."""

    IPAMConfig = fields.Nested(EndpointIpamSchema)
    Links = fields.List(fields.String())
    Aliases = fields.List(fields.String())
    MacAddress = fields.String(validate=_mac)
    DriverOpts = _strings()
    GwPriority = fields.Integer()


class ConnectSchema(DockerSchema):
    """The body of `POST /networks/{id}/connect`."""

    Container = fields.String(load_default="")
    EndpointConfig = fields.Nested(EndpointSchema)


class DisconnectSchema(DockerSchema):
    """The body of `POST /networks/{id}/disconnect`."""

    Container = fields.String(load_default="")
    Force = fields.Boolean(load_default=False)

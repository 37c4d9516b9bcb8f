"""Answers a registry's challenge: with the credentials themselves, or with a token of the service that it names."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any
from urllib.parse import urlencode, urlsplit

from d2k.registry.auth import Challenge, Credentials, challenges
from d2k.registry.errors import NoCredentialsError, RegistryError
from d2k.registry.manifests import decode
from d2k.registry.refusals import refusal
from d2k.registry.sharing import Recent
from d2k.registry.transport import Answer, Transport
from d2k.translate.references import Reference

_LIMIT = 1024 * 1024
_DEFAULT_LIFE = 60
# Seconds before its end at which a token is no longer used, so that it does not end on its way.
_MARGIN = 10
_CLIENT_ID = "d2k"

Key = tuple[str, str, str]


class Authenticator:
    """Knows which `Authorization` header a registry accepts for a repository; tokens are kept until they end."""

    def __init__(self, transport: Transport, clock: Callable[[], float] = time.monotonic) -> None:
        """`clock` gives seconds that never go back."""
        self._transport = transport
        self._clock = clock
        self._headers: Recent[tuple[str, float]] = Recent(256)

    def known(self, base: str, reference: Reference, credentials: Credentials) -> str:
        """Return the header that was accepted before and is still good; empty when there is none."""
        if credentials.registry_token:
            return f"Bearer {credentials.registry_token}"
        header, end = self._headers.get(_key(base, reference, credentials)) or ("", 0.0)
        return header if self._clock() < end else ""

    def answer(self, base: str, reference: Reference, credentials: Credentials, refused: Answer) -> str:
        """Return the header that answers a 401.

        Raises NoCredentialsError when a password is needed and there is none, and what `refusal` makes of the token
        service's own answer.
        """
        offered = challenges(refused.headers.get("WWW-Authenticate", ""))
        bearer = next((one for one in offered if one.scheme == "bearer" and one.parameters.get("realm")), None)
        if bearer is not None:
            header, life = self._token(bearer, base, reference, credentials)
        elif any(one.scheme == "basic" for one in offered):
            if not credentials.username:
                raise NoCredentialsError(f'{refused.method.title()} "{refused.url}": no basic auth credentials')
            header, life = credentials.basic, float("inf")
        else:
            raise refusal(refused, reference)
        self._headers.put(_key(base, reference, credentials), (header, self._clock() + life))
        return header

    def _token(
        self, challenge: Challenge, base: str, reference: Reference, credentials: Credentials
    ) -> tuple[str, float]:
        realm = challenge.parameters["realm"]
        scheme = _scheme(realm)
        if scheme not in ("http", "https"):
            raise RegistryError(f"the registry names a token service that cannot be asked: {realm}")
        if credentials and scheme == "http" and urlsplit(base).scheme == "https":
            raise RegistryError(f"the registry wants the credentials sent without encryption, to {realm}")
        asked = {"service": challenge.parameters.get("service", ""), "scope": f"repository:{reference.repository}:pull"}
        if credentials.identity_token:
            form = {
                **asked,
                "grant_type": "refresh_token",
                "client_id": _CLIENT_ID,
                "refresh_token": credentials.identity_token,
            }
            answer = self._transport.send("POST", realm, {}, limit=_LIMIT, form=form)
        else:
            headers = {"Authorization": credentials.basic} if credentials.username else {}
            url = f"{realm}{'&' if '?' in realm else '?'}{urlencode(asked)}"
            answer = self._transport.send("GET", url, headers, limit=_LIMIT)
        if answer.status >= 400:
            raise refusal(answer, reference)
        document = decode(answer.body, "token")
        token = document.get("token") or document.get("access_token")
        if not isinstance(token, str):
            raise RegistryError("authorization server did not include a token in the response")
        return f"Bearer {token}", _life(document.get("expires_in"))


def _scheme(url: str) -> str:
    try:
        return urlsplit(url).scheme
    except ValueError:
        return ""


def _key(base: str, reference: Reference, credentials: Credentials) -> Key:
    return (base, reference.repository, credentials.fingerprint)


def _life(expires_in: Any) -> float:
    seconds = expires_in if isinstance(expires_in, int) and expires_in > 0 else _DEFAULT_LIFE
    return max(0.0, float(seconds) - _MARGIN)

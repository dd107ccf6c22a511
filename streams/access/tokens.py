"""Bearer tokens: whose they are and what they grant, once their signature, issuer, audience and age have been checked.

What a token says before that is used for one thing only, to find the key.
"""

import re
from collections.abc import Mapping
from typing import Any, NamedTuple

import jwt

from schemas.common import holds_national_id
from streams.access.jwks import Keys
from streams.errors import ConfigurationError
from streams.settings import Settings

LEEWAY_SECONDS = 10
MOST_CHARACTERS = 16_000
# What a public key can verify. With a shared secret, whoever has the key that everybody may have could sign.
ALGORITHMS = frozenset(
    {"RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA"}
)  # fmt: skip
_ORGANISATION = re.compile(r"0192:([0-9]{9})\Z")
SUBJECT_CHARACTERS = 200


class Visitor(NamedTuple):
    """Whose token it is. `organisation` is the one that is acted for: the consumer, never its supplier."""

    subject: str
    organisation: str | None
    scopes: frozenset[str]

    @property
    def sharer(self) -> str:
        """Of whose share of what all need it takes: the organisation's, where there is one."""
        return self.organisation or self.subject


class BadToken(Exception):
    """A token that proves nothing; the text says why, without anything out of it."""


class Tokens:
    """Tells good tokens from others."""

    def __init__(self, issuer: str, audience: str, algorithms: frozenset[str], keys: Keys) -> None:
        self._issuer, self._audience, self._algorithms, self._keys = issuer, audience, algorithms, keys

    async def visitor(self, token: str) -> Visitor:
        """Whose it is. Raises BadToken, or KeysUnavailable."""
        if len(token) > MOST_CHARACTERS:
            raise BadToken("The token is too long.")
        try:
            header = jwt.get_unverified_header(token)
        except (jwt.InvalidTokenError, RecursionError, ValueError):
            raise BadToken("The token is no signed JWT.") from None
        if not isinstance(header.get("alg"), str) or header["alg"] not in self._algorithms:
            raise BadToken("The token is signed by an algorithm that is not allowed here.")
        name = header.get("kid")
        key = await self._keys.get(name) if isinstance(name, str) else None
        if key is None:
            raise BadToken("The token is signed by a key that the issuer does not have.")
        return visitor_of(self._claims(token, key))

    def _claims(self, token: str, key: jwt.PyJWK) -> dict[str, Any]:
        try:
            return jwt.decode(
                token,
                key,
                algorithms=sorted(self._algorithms),
                audience=self._audience,
                issuer=self._issuer,
                leeway=LEEWAY_SECONDS,
                options={"require": ["exp", "iat", "iss", "aud"]},
            )
        except jwt.ExpiredSignatureError:
            raise BadToken("The token has expired: get a new one.") from None
        except jwt.InvalidAudienceError:
            raise BadToken("The token is for another audience.") from None
        except jwt.InvalidIssuerError:
            raise BadToken("The token is of another issuer.") from None
        except (jwt.InvalidTokenError, jwt.PyJWTError):
            raise BadToken("The token is not valid.") from None


def tokens_of(settings: Settings) -> Tokens | None:
    """By the settings; None where nobody is asked for a token. Raises ConfigurationError."""
    given = {name: getattr(settings, f"view_{name}") for name in ("issuer", "audience", "jwks", "mapping")}
    if not any(given.values()):
        return None
    for name in ("issuer", "audience", "jwks"):
        if not given[name]:
            raise ConfigurationError(
                f"MELDINGSVAKT_VIEW_{name.upper()} is missing: issuer, audience and keys are needed to check tokens."
            )
    algorithms = frozenset(settings.view_algorithms.replace(",", " ").split())
    if not algorithms or not algorithms <= ALGORITHMS:
        raise ConfigurationError(f"MELDINGSVAKT_VIEW_ALGORITHMS may name {', '.join(sorted(ALGORITHMS))}.")
    return Tokens(given["issuer"], given["audience"], algorithms, Keys(given["jwks"]))


def visitor_of(claims: Mapping[str, Any]) -> Visitor:
    """Who is meant by claims that have been checked."""
    organisation = _organisation(claims.get("consumer"))
    subject = next(
        (one for name in ("sub", "client_id") if (one := _name(claims.get(name)))), organisation or "unnamed"
    )
    return Visitor(subject, organisation, _scopes(claims.get("scope")))


def _organisation(consumer: object) -> str | None:
    """`{"authority": "iso6523-actorid-upis", "ID": "0192:<organisation number>"}`, as Maskinporten writes it."""
    if not isinstance(consumer, Mapping) or consumer.get("authority") != "iso6523-actorid-upis":
        return None
    found = _ORGANISATION.match(str(consumer.get("ID")))
    return found[1] if found else None


def _name(value: object) -> str | None:
    """A name that may be kept in the record of who looked: no national id number."""
    if not isinstance(value, str) or not value or holds_national_id(value):
        return None
    return value[:SUBJECT_CHARACTERS]


def _scopes(value: object) -> frozenset[str]:
    if isinstance(value, str):
        return frozenset(value.split())
    return frozenset(one for one in value if isinstance(one, str)) if isinstance(value, list) else frozenset()

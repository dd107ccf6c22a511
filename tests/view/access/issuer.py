"""An issuer of tokens: keys made for the test, tokens as Maskinporten writes them, and a desk that trusts it."""

import json
import time
from pathlib import Path
from typing import Any

import httpx
import jwt
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from streams.view.services import Desk
from tests.view.conftest import asking, desk_with

ISSUER, AUDIENCE = "https://issuer.example/", "https://meldingsvakt.example/"
OSLO, BERGEN, SEVERAL, NOBODY = "958935420", "964338531", "910753614", "999888777"
OWN, AGGREGATES, NATIONAL, SQL = (f"meldingsvakt:{name}" for name in ("own", "aggregates", "national", "sql"))
UNIT = "0b7f3d52-unit"
MAPPING = f"""
[[organisation]]
number = "{OSLO}"
name = "Oslo kommune"
receivers = [{{ municipality = "0301" }}]

[[organisation]]
number = "{BERGEN}"
receivers = [{{ municipality = "1201" }}]

[[organisation]]
number = "{SEVERAL}"
receivers = [{{ municipality = "1103" }}, {{ municipality = "0301", district = "03" }},
             {{ municipality = "5001", unit = "{UNIT}" }}]
"""


def consumer(organisation: str) -> dict[str, str]:
    """How a token names an organisation."""
    return {"authority": "iso6523-actorid-upis", "ID": f"0192:{organisation}"}


class Issuer:
    """Signs tokens with its newest key; `publish` writes the keys where the view reads them."""

    def __init__(self, folder: Path) -> None:
        self.jwks, self.mapping = folder / "jwks.json", folder / "mapping.toml"
        self.mapping.write_text(MAPPING, encoding="utf-8")
        self.keys: dict[str, rsa.RSAPrivateKey] = {}
        self.rotate()

    def rotate(self) -> None:
        """A new key, beside those that there are."""
        self.keys[f"key-{len(self.keys)}"] = rsa.generate_private_key(65537, 2048)
        self.publish()

    def publish(self, *names: str) -> None:
        """Those keys, or all of them."""
        keys = [
            json.loads(jwt.algorithms.RSAAlgorithm.to_jwk(self.keys[name].public_key()))
            | {"kid": name, "alg": "RS256", "use": "sig"}
            for name in names or self.keys
        ]
        self.jwks.write_text(json.dumps({"keys": keys}), encoding="utf-8")

    def claims(self, *scopes: str, organisation: str = OSLO, **changes: Any) -> dict[str, Any]:
        """What a token says; None removes a claim."""
        now = int(time.time())
        made = {
            "iss": ISSUER, "aud": AUDIENCE, "iat": now, "exp": now + 120, "client_id": "system-1",
            "consumer": consumer(organisation), "scope": " ".join(scopes),
        } | changes  # fmt: skip
        return {name: value for name, value in made.items() if value is not None}

    def token(self, *scopes: str, organisation: str = OSLO, **changes: Any) -> str:
        """A token."""
        return self.sign(self.claims(*scopes, organisation=organisation, **changes))

    def sign(self, claims: dict[str, Any], name: str | None = None, **header: Any) -> str:
        """Claims as a token, signed with a key of its own."""
        name = name or list(self.keys)[-1]
        return jwt.encode(claims, self.keys[name], "RS256", headers={"kid": name} | header)

    def public_pem(self) -> bytes:
        """The newest public key, which everybody may have."""
        key = list(self.keys.values())[-1].public_key()
        return key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)

    def settings(self) -> dict[str, str]:
        """The view's settings that trust it."""
        return {
            "view_issuer": ISSUER, "view_audience": AUDIENCE, "view_jwks": str(self.jwks),
            "view_mapping": str(self.mapping),
        }  # fmt: skip

    def desk(self, **settings: object) -> Desk:
        """A desk that trusts it."""
        return desk_with(**self.settings(), **settings)


class Recorded:
    """Stands where Kafka would be: what would have been recorded, and whether it can be."""

    def __init__(self) -> None:
        self.looks: list[tuple[str, str | None, str, tuple[str, ...], str | None]] = []

    async def write(self, visitor: Any, action: str, report_ids: list[str], question: str | None) -> None:
        """Remember it."""
        self.looks.append((visitor.subject, visitor.organisation, action, tuple(report_ids), question))

    async def close(self) -> None:
        """Nothing to do."""


def with_token(desk: Desk, token: str | None) -> httpx.AsyncClient:
    """A client that sends a token with every request."""
    client = asking(desk)
    if token is not None:
        client.headers["Authorization"] = f"Bearer {token}"
    return client

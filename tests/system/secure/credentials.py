"""Certificates and tokens of the tests' own authorities."""

import json
import os
import time
from base64 import urlsafe_b64encode
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import jwt
import trustme
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)

ISSUER, AUDIENCE = "https://issuer.test", "kafka"


def issue(authority: trustme.CA, name: str, valid: timedelta = timedelta(days=1)) -> trustme.LeafCert:
    """A client's certificate; a negative time makes one that has expired."""
    now = datetime.now(UTC)
    begin = now + min(valid, timedelta(0)) - timedelta(days=1)
    return authority.issue_cert(
        f"{name}.test",  # Java refuses one without any alternative name, as trustme would make it
        common_name=name,
        organization_name="Kommunen",
        organization_unit_name="Barnevern, nord",
        not_before=begin,
        not_after=now + valid,
    )


def principal_of(name: str) -> str:
    """How a broker names whom `issue` gave a certificate."""
    return rf"User:CN={name},OU=Barnevern\, nord,O=Kommunen"


def key_pem(certificate: trustme.LeafCert, password: str | None = None) -> bytes:
    """Its key as Kafka reads keys: PKCS #8."""
    key = load_pem_private_key(certificate.private_key_pem.bytes(), None)
    encryption = BestAvailableEncryption(password.encode()) if password else NoEncryption()
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, encryption)


def chain_pem(certificate: trustme.LeafCert) -> bytes:
    """It and what leads to its authority."""
    return b"".join(blob.bytes() for blob in certificate.cert_chain_pems)


class Mounted:
    """A folder as Kubernetes mounts a secret: files are links through `..data`, which is exchanged in one step."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._number = 0
        folder.mkdir(parents=True)

    def put(self, **files: bytes) -> None:
        """Exchange all files at once; an underscore in a name stands for a dot."""
        self._number += 1
        version = self.folder / f"..version-{self._number}"
        version.mkdir()
        for name, content in files.items():
            (version / name.replace("_", ".")).write_bytes(content)
            link = self.folder / name.replace("_", ".")
            if not link.is_symlink():
                link.symlink_to(f"..data/{link.name}")
        (self.folder / "..new").symlink_to(version.name)
        os.replace(self.folder / "..new", self.folder / "..data")

    def put_pair(self, certificate: trustme.LeafCert, *authorities: trustme.CA) -> None:
        """A client's certificate with its key, and whom it is to trust."""
        trusted = b"".join(authority.cert_pem.bytes() for authority in authorities)
        self.put(tls_crt=chain_pem(certificate), tls_key=key_pem(certificate), ca_crt=trusted)

    def settings(self) -> dict[str, str]:
        """The settings that name the files."""
        names = {"CAFILE": "ca.crt", "CERTFILE": "tls.crt", "KEYFILE": "tls.key"}
        return {f"KAFKA_SSL_{setting}": str(self.folder / name) for setting, name in names.items()}


class Issuer:
    """Signs tokens; its public key is a JWKS file for the brokers."""

    def __init__(self) -> None:
        self._key = rsa.generate_private_key(65537, 2048)

    def jwks(self) -> str:
        """The public key, as brokers fetch it."""
        numbers = self._key.public_key().public_numbers()
        key = {"kty": "RSA", "kid": "1", "use": "sig", "alg": "RS256", "n": _base64(numbers.n), "e": _base64(numbers.e)}
        return json.dumps({"keys": [key]})

    def token(self, subject: str, seconds: float = 300, **claims: Any) -> str:
        """A token that is valid for so long."""
        now = time.time()
        known = {"iss": ISSUER, "aud": AUDIENCE, "sub": subject, "iat": int(min(now, now + seconds) - 1)}
        return jwt.encode(known | {"exp": int(now + seconds)} | claims, self._key, "RS256", {"kid": "1"})


def _base64(number: int) -> str:
    return urlsafe_b64encode(number.to_bytes((number.bit_length() + 7) // 8, "big")).decode().rstrip("=")

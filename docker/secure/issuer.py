"""Stands in for the real issuer (Maskinporten, a login proxy's OIDC provider) in the secure compose stack, to try it.

Whoever can start a container of this stack gets any token from it: never let a view for operation trust its key.

    issuer.py keys           make a key and its public half (JWKS), if they are not there yet
    issuer.py token own sql --organisation 958935420
"""

import argparse
import json
import os
import sys
import time
from pathlib import Path
from uuid import uuid4

import jwt
from cryptography.hazmat.primitives.asymmetric import rsa
from jwt.algorithms import RSAAlgorithm

KEY = Path("/run/issuer/key.json")
JWKS = Path("/run/jwks/jwks.json")
MELDINGSVAKT_IMAGE = 10001  # the user of the image, in whose name the token is signed
SCOPES = ("own", "aggregates", "national", "sql", "proof", "portal", "decide")


def make_keys() -> None:
    """At the first start only: a new key would end every token that is in use."""
    if JWKS.exists():
        return
    key = rsa.generate_private_key(65537, 2048)
    name = {"kid": uuid4().hex, "alg": "RS256", "use": "sig"}
    _hand_over(KEY, RSAAlgorithm.to_jwk(key, as_dict=True) | name, 0o400)
    _hand_over(JWKS, {"keys": [RSAAlgorithm.to_jwk(key.public_key(), as_dict=True) | name]}, 0o444)
    print("a key for the trial issuer")


def token(scopes: list[str], organisation: str, subject: str, minutes: int) -> str:
    """A token as Maskinporten writes it."""
    key = jwt.PyJWK.from_json(KEY.read_text(encoding="utf-8"))
    now = int(time.time())
    claims = {
        "iss": os.environ["MELDINGSVAKT_VIEW_ISSUER"],
        "aud": os.environ["MELDINGSVAKT_VIEW_AUDIENCE"],
        "iat": now,
        "exp": now + minutes * 60,
        "client_id": subject,
        "consumer": {"authority": "iso6523-actorid-upis", "ID": f"0192:{organisation}"},
        "scope": " ".join(f"meldingsvakt:{name}" for name in scopes),
    }
    return jwt.encode(claims, key.key, "RS256", headers={"kid": key.key_id})


def _hand_over(path: Path, content: dict[str, object], mode: int) -> None:
    """A reader finds the whole file or none."""
    new = path.with_suffix(".new")
    new.write_text(json.dumps(content), encoding="utf-8")
    new.chmod(mode)
    os.chown(new, MELDINGSVAKT_IMAGE, MELDINGSVAKT_IMAGE)
    path.parent.chmod(0o755)
    new.replace(path)


def main() -> None:
    """Do what is asked for."""
    parser = argparse.ArgumentParser(prog="issuer.py", description="A trial issuer, in place of the real one.")
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("keys", help="make the key and its public half")
    asked = commands.add_parser("token", help="print a token")
    asked.add_argument("scopes", nargs="+", choices=SCOPES, help="what it opens")
    asked.add_argument("--organisation", required=True, help="the number of the organisation that is acted for")
    asked.add_argument("--subject", default="trial", help="who asks, for the record of who looked")
    asked.add_argument("--minutes", type=int, default=60, help="how long it is valid")
    given = parser.parse_args()
    if given.command == "keys":
        os.umask(0o077)
        make_keys()
    elif not KEY.exists():
        sys.exit("The trial issuer has no key yet: start the stack first (up).")
    else:
        print(token(given.scopes, given.organisation, given.subject, given.minutes))


if __name__ == "__main__":
    main()

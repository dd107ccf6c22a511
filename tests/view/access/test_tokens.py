"""Tokens that prove nothing: each way that somebody could try to get in by one."""

import asyncio
import base64
import hashlib
import hmac
import json
import threading
import time
from collections.abc import Callable
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import rsa

from streams.access import jwks
from streams.access.tokens import visitor_of
from streams.errors import ConfigurationError
from streams.settings import Settings
from streams.view.http.application import application
from streams.view.services import Desk
from tests.view.access.issuer import AUDIENCE, BERGEN, ISSUER, NATIONAL, OSLO, OWN, Issuer, consumer, with_token
from tests.view.conftest import desk_with, failed

EVERYWHERE = ("/", "/reports", "/nn/books", "/api/v1/reports", "/api/v1/openapi.json", "/live", "/api/v1/nothing")
NOW = 1_900_000_000


def _text(value: dict[str, Any] | bytes) -> str:
    raw = value if isinstance(value, bytes) else json.dumps(value).encode()
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def _unsigned(issuer: Issuer, algorithm: str) -> str:
    return f"{_text({'alg': algorithm, 'kid': 'key-0'})}.{_text(issuer.claims(NATIONAL))}."


def _by_public_key(issuer: Issuer) -> str:
    """Signed with what everybody knows, as if it were a shared secret."""
    signed = f"{_text({'alg': 'HS256', 'kid': 'key-0'})}.{_text(issuer.claims(NATIONAL))}"
    return f"{signed}.{_text(hmac.new(issuer.public_pem(), signed.encode(), hashlib.sha256).digest())}"


def _by_another_key(issuer: Issuer) -> str:
    other = rsa.generate_private_key(65537, 2048)
    return jwt.encode(issuer.claims(NATIONAL), other, "RS256", headers={"kid": "key-0"})


def _with_its_own_key(issuer: Issuer) -> str:
    other = rsa.generate_private_key(65537, 2048)
    own = json.loads(jwt.algorithms.RSAAlgorithm.to_jwk(other.public_key()))
    headers = {"kid": "key-0", "jwk": own, "jku": "https://attacker.example/jwks"}
    return jwt.encode(issuer.claims(NATIONAL), other, "RS256", headers=headers)


def _forged_organisation(issuer: Issuer) -> str:
    """The claims changed after signing."""
    head, _, signature = issuer.token(OWN, organisation=BERGEN).split(".")
    return f"{head}.{_text(issuer.claims(OWN, organisation=OSLO))}.{signature}"


ATTACKS: dict[str, Callable[[Issuer], str]] = {
    "none": lambda issuer: _unsigned(issuer, "none"),
    "None": lambda issuer: _unsigned(issuer, "None"),
    "nOnE": lambda issuer: _unsigned(issuer, "nOnE"),
    "no signature": lambda issuer: issuer.token(NATIONAL).rpartition(".")[0] + ".",
    "half a signature": lambda issuer: issuer.token(NATIONAL)[:-100],
    "public key as secret": _by_public_key,
    "another key": _by_another_key,
    "its own key in the header": _with_its_own_key,
    "forged organisation": _forged_organisation,
    "unknown key": lambda issuer: issuer.sign(issuer.claims(NATIONAL), kid="key-9"),
    "no key named": lambda issuer: jwt.encode(issuer.claims(NATIONAL), issuer.keys["key-0"], "RS256"),
    "a key named by a number": lambda issuer: issuer.sign(issuer.claims(NATIONAL), kid="../../etc/passwd"),
    "an algorithm that is not allowed": lambda issuer: jwt.encode(
        issuer.claims(NATIONAL), issuer.keys["key-0"], "RS512", headers={"kid": "key-0"}
    ),
    "wrong audience": lambda issuer: issuer.token(NATIONAL, aud="https://elsewhere.example/"),
    "no audience": lambda issuer: issuer.token(NATIONAL, aud=None),
    "wrong issuer": lambda issuer: issuer.token(NATIONAL, iss="https://issuer.example.attacker/"),
    "no issuer": lambda issuer: issuer.token(NATIONAL, iss=None),
    "expired": lambda issuer: issuer.token(NATIONAL, exp=int(time.time()) - 60),
    "no expiry": lambda issuer: issuer.token(NATIONAL, exp=None),
    "expiry that is no number": lambda issuer: issuer.token(NATIONAL, exp="tomorrow"),
    "not valid yet": lambda issuer: issuer.token(NATIONAL, nbf=int(time.time()) + 600),
    "issued in the future": lambda issuer: issuer.token(NATIONAL, iat=int(time.time()) + 600),
    "nothing": lambda issuer: "",
    "no JWT": lambda issuer: "a.b.c",
    "a JWT of lists": lambda issuer: f"{_text(b'[]')}.{_text(b'[]')}.{_text(b'x')}",
    "critical extension": lambda issuer: issuer.sign(issuer.claims(NATIONAL), crit=["exp2"], exp2=1),
    "an algorithm that is a list": lambda issuer: f"{_text({'alg': ['RS256'], 'kid': 'key-0'})}.{_text(b'{}')}.x",
    "an algorithm that is a map": lambda issuer: f"{_text({'alg': {}, 'kid': 'key-0'})}.{_text(b'{}')}.x",
    "very deep": lambda issuer: f"{_text(b'[' * 5_000)}.{_text(b'{}')}.x",
    "very long": lambda issuer: issuer.token(NATIONAL, padding="x" * 20_000),
    "a megabyte of dots": lambda issuer: "." * 15_000,
}


@pytest.mark.parametrize("attack", ATTACKS)
async def test_a_token_that_proves_nothing_opens_nothing(guarded: Desk, keys: Issuer, attack: str) -> None:
    token = ATTACKS[attack](keys)
    async with with_token(guarded, token) as client:
        for path in ("/api/v1/reports", "/reports"):
            answer = await client.get(path)
            assert answer.status_code == 401
            assert answer.headers["www-authenticate"] == 'Bearer realm="meldingsvakt"'
            assert "00000000-0000" not in answer.text
            assert len(token) < 20 or token not in answer.text


@pytest.mark.parametrize("path", EVERYWHERE)
async def test_nothing_is_open_without_a_token(guarded: Desk, path: str) -> None:
    async with with_token(guarded, None) as client:
        answer = await client.get(path)
        assert answer.status_code == 401
        assert ("Authorization: Bearer" if path.startswith("/api/") else "Logg inn på nytt") in answer.text


@pytest.mark.parametrize("path", ["/livez", "/isReady", "/internal/metrics", "/static/page.css"])
async def test_health_and_what_pages_are_drawn_with_are_open(guarded: Desk, path: str) -> None:
    async with with_token(guarded, None) as client:
        assert (await client.get(path)).status_code != 401


@pytest.mark.parametrize(
    "headers",
    [
        [("Authorization", "Basic dXNlcjpwYXNz")],
        [("Authorization", "Bearer")],
        [("Cookie", "token={good}")],
        [("X-Forwarded-User", "admin"), ("X-Organisation", OSLO)],
        [("Authorization", "Bearer {good}"), ("Authorization", "Bearer {good}")],
    ],
)
async def test_a_token_comes_in_one_header_only(guarded: Desk, keys: Issuer, headers: list[tuple[str, str]]) -> None:
    good = keys.token(NATIONAL)
    async with with_token(guarded, None) as client:
        given = [(name, value.replace("{good}", good)) for name, value in headers]
        assert (await client.get("/api/v1/reports", headers=given)).status_code == 401
        assert (await client.get(f"/api/v1/reports?access_token={good}")).status_code == 401


async def test_a_good_token_lets_in(guarded: Desk, keys: Issuer) -> None:
    async with with_token(guarded, keys.token(NATIONAL)) as client:
        assert len((await client.get("/api/v1/reports")).json()["reports"]) == 10
        assert (await client.get("/", headers={"Authorization": f"bearer {keys.token(NATIONAL)}"})).status_code == 200


class TestRotation:
    """The issuer's keys change."""

    async def test_a_new_key_is_taken_and_an_old_one_is_dropped(
        self, issuer: Issuer, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        desk = issuer.desk()
        async with with_token(desk, issuer.token(NATIONAL)) as client:
            assert (await client.get("/api/v1/summary")).status_code == 200
            issuer.rotate()
            client.headers["Authorization"] = f"Bearer {issuer.token(NATIONAL)}"
            assert (await client.get("/api/v1/summary")).status_code == 401  # just asked
            monkeypatch.setattr(jwks, "ASK_AGAIN_AFTER_SECONDS", 0.0)
            assert (await client.get("/api/v1/summary")).status_code == 200
            issuer.publish("key-1")
            monkeypatch.setattr(jwks, "FRESH_SECONDS", 0.0)
            client.headers["Authorization"] = f"Bearer {issuer.sign(issuer.claims(NATIONAL), 'key-0')}"
            assert (await client.get("/api/v1/summary")).status_code == 401
        await desk.stop()

    async def test_the_last_keys_are_used_while_the_issuer_is_away(
        self, issuer: Issuer, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
    ) -> None:
        monkeypatch.setattr(jwks, "ASK_AGAIN_AFTER_SECONDS", 0.0)
        monkeypatch.setattr(jwks, "FRESH_SECONDS", 0.0)
        desk = issuer.desk()
        async with with_token(desk, issuer.token(NATIONAL)) as client:
            assert (await client.get("/api/v1/summary")).status_code == 200
            for text in ("<html>502</html>", "[]", "null", '{"keys": 1}', '{"keys": [1]}', "[" * 50_000, ""):
                issuer.jwks.write_text(text, encoding="utf-8")
                assert (await client.get("/api/v1/summary")).status_code == 200
            assert "the last ones are used" in caplog.text
            monkeypatch.setattr(jwks, "STALE_SECONDS", 0.0)
            answer = await client.get("/api/v1/summary")
            assert (answer.status_code, answer.json()["type"]) == (503, "urn:meldingsvakt:problem:keys-unavailable")
        await desk.stop()

    async def test_an_issuer_that_hangs_keeps_nobody_waiting_whose_key_is_known(
        self, issuer: Issuer, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        desk = issuer.desk()
        async with with_token(desk, issuer.token(NATIONAL)) as client:
            assert (await client.get("/api/v1/summary")).status_code == 200
            monkeypatch.setattr(jwks, "FRESH_SECONDS", 0.0)
            monkeypatch.setattr(jwks, "ASK_AGAIN_AFTER_SECONDS", 0.0)
            read, asked, answers = jwks._content, threading.Event(), threading.Event()

            def hanging(path: Any) -> str:
                asked.set()
                answers.wait()
                return read(path)

            monkeypatch.setattr(jwks, "_content", hanging)
            try:
                for _ in range(5):
                    assert (await client.get("/api/v1/summary")).status_code == 200
                assert await asyncio.to_thread(asked.wait, 30), "it was asked, and nobody waited for it"
            finally:
                answers.set()
        await desk.stop()

    async def test_made_up_key_names_do_not_make_it_ask_again(
        self, issuer: Issuer, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        asked = 0
        read = jwks._content

        def counting(path: Any) -> str:
            nonlocal asked
            asked += 1
            return read(path)

        monkeypatch.setattr(jwks, "_content", counting)
        desk = issuer.desk()
        async with with_token(desk, None) as client:
            for number in range(50):
                token = issuer.sign(issuer.claims(NATIONAL), kid=f"made-up-{number}")
                answer = await client.get("/api/v1/summary", headers={"Authorization": f"Bearer {token}"})
                assert answer.status_code == 401
        await desk.stop()
        assert asked == 1


def test_the_organisation_is_the_consumer_and_never_the_supplier() -> None:
    both = {"consumer": consumer(OSLO), "supplier": consumer(BERGEN), "scope": OWN, "client_id": "c"}
    assert visitor_of(both).organisation == OSLO
    assert visitor_of({"supplier": consumer(BERGEN), "client_id": "c"}).organisation is None
    wrongs: tuple[Any, ...] = (
        "0192:958935420", {"ID": "0192:958935420"}, consumer("958935420 "), consumer("9589354201"), [], None,
    )  # fmt: skip
    for wrong in wrongs:
        assert visitor_of({"consumer": wrong, "client_id": "c"}).organisation is None


def test_no_national_id_is_kept_as_a_subject() -> None:
    assert visitor_of({"sub": "12345678901", "client_id": "c"}).subject == "c"
    assert visitor_of({"sub": "NO:12345678901", "consumer": consumer(OSLO)}).subject == OSLO
    assert visitor_of({"sub": "x" * 500}).subject == "x" * 200
    assert visitor_of({}).subject == "unnamed"


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"view_issuer": ISSUER}, "MELDINGSVAKT_VIEW_AUDIENCE is missing"),
        ({"view_issuer": ISSUER, "view_audience": AUDIENCE}, "MELDINGSVAKT_VIEW_JWKS is missing"),
        ({"view_audience": AUDIENCE}, "MELDINGSVAKT_VIEW_ISSUER is missing"),
        ({"view_jwks": "https://issuer.example/jwks"}, "MELDINGSVAKT_VIEW_ISSUER is missing"),
        ({"view_jwks": "http://issuer.example/jwks"}, "MELDINGSVAKT_VIEW_JWKS must be an https address"),
        ({"view_jwks": "ftp://issuer.example/jwks"}, "MELDINGSVAKT_VIEW_JWKS must be an https address"),
        ({"view_algorithms": "none"}, "MELDINGSVAKT_VIEW_ALGORITHMS may name"),
        ({"view_algorithms": "RS256,HS256"}, "MELDINGSVAKT_VIEW_ALGORITHMS may name"),
        ({"view_algorithms": ""}, "MELDINGSVAKT_VIEW_ALGORITHMS may name"),
    ],
)
def test_settings_that_would_leave_a_door_open_are_refused(settings: dict[str, str], said: str) -> None:
    whole = {"view_issuer": ISSUER, "view_audience": AUDIENCE, "view_jwks": "https://issuer.example/jwks"}
    given = settings if "missing" in said else whole | settings
    desk = desk_with(**given)
    try:
        with pytest.raises(ConfigurationError, match=said):
            application(desk, failed)
    finally:
        desk.store.close()


def test_the_settings_have_no_algorithm_by_secret() -> None:
    assert Settings().view_algorithms == "RS256"

"""Tokens for OAUTHBEARER: kept until shortly before their end, fetched by one for all, and never shown."""

import asyncio
import logging
import ssl
import time
from base64 import b64decode
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import trustme
from aiohttp import web
from aiohttp.test_utils import TestServer

from streams.addresses import is_safe
from streams.kafka import oauth
from streams.kafka.oauth import EndpointTokens, FileTokens, Token, TokenUnavailable
from tests.system.secure.credentials import Issuer

SECRET = "not to be seen: %&"
ISSUER = Issuer()


class Endpoint:
    """A token endpoint that answers as a test wants it to."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, dict[str, Any]]] = []
        self.status, self.answer, self.slow = 200, {"access_token": "first", "expires_in": 300}, 0.0
        self.url = ""

    async def handle(self, request: web.Request) -> web.StreamResponse:
        self.asked.append((request.headers["Authorization"], dict(await request.post())))
        await asyncio.sleep(self.slow)
        return web.json_response(self.answer, status=self.status, headers={"Location": self.url})

    def tokens(self, scope: str | None = "kafka") -> EndpointTokens:
        return EndpointTokens(self.url, "checker", SECRET, scope)


@pytest.fixture
async def endpoint() -> AsyncIterator[Endpoint]:
    """The endpoint, on loopback."""
    asked = Endpoint()
    app = web.Application()
    app.router.add_post("/token", asked.handle)
    async with TestServer(app) as server:
        asked.url = str(server.make_url("/token"))
        yield asked


async def test_it_asks_with_the_clients_credentials_and_the_scope(endpoint: Endpoint) -> None:
    assert await endpoint.tokens().token() == "first"
    ((authorization, form),) = endpoint.asked
    kind, _, pair = authorization.partition(" ")
    assert (kind, b64decode(pair)) == ("Basic", b"checker:not%20to%20be%20seen%3A%20%25%26")
    assert form == {"grant_type": "client_credentials", "scope": "kafka"}


async def test_a_token_is_kept_while_it_is_valid(endpoint: Endpoint) -> None:
    source = endpoint.tokens(scope=None)
    assert [await source.token() for _ in range(5)] == ["first"] * 5
    assert [form for _, form in endpoint.asked] == [{"grant_type": "client_credentials"}]


async def test_it_is_renewed_before_it_expires(endpoint: Endpoint) -> None:
    source = endpoint.tokens()
    endpoint.answer = {"access_token": "short", "expires_in": 0.2}
    assert await source.token() == "short"
    endpoint.answer = {"access_token": "next", "expires_in": 300}
    await asyncio.sleep(0.19)
    assert await source.token() == "next"


async def test_many_clients_at_once_ask_once(endpoint: Endpoint) -> None:
    source, endpoint.slow = endpoint.tokens(), 0.1
    assert await asyncio.gather(*(source.token() for _ in range(20))) == ["first"] * 20
    assert len(endpoint.asked) == 1


async def test_who_gives_up_does_not_take_the_token_from_the_others(endpoint: Endpoint) -> None:
    source, endpoint.slow = endpoint.tokens(), 0.2
    impatient, patient = asyncio.create_task(source.token()), asyncio.create_task(source.token())
    await asyncio.sleep(0.05)
    impatient.cancel()
    assert await patient == "first"


async def test_how_long_it_is_valid_may_stand_in_the_token_itself(endpoint: Endpoint) -> None:
    endpoint.answer = {"access_token": ISSUER.token("who", seconds=120)}
    token = await endpoint.tokens().read()
    assert token.subject == "who"
    assert token.until == pytest.approx(time.time() + 120, abs=5)


async def test_a_token_of_unknown_age_is_used_once(endpoint: Endpoint) -> None:
    source, endpoint.answer = endpoint.tokens(), {"access_token": "opaque"}
    assert [await source.token(), await source.token()] == ["opaque", "opaque"]
    assert len(endpoint.asked) == 2


async def test_one_that_is_still_valid_is_used_while_the_endpoint_fails(
    endpoint: Endpoint, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    source, clock = endpoint.tokens(), time.time
    endpoint.answer = {"access_token": "long", "expires_in": 600}
    await source.token()
    endpoint.status = 503
    monkeypatch.setattr(time, "time", lambda: clock() + 570)  # half a minute before its end
    with caplog.at_level(logging.WARNING):
        assert await source.token() == "long"
    assert "answers 503" in caplog.text


@pytest.mark.parametrize(
    ("status", "answer", "sentence"),
    [
        (401, {"error": SECRET}, "answers 401: correct KAFKA_SASL_OAUTHBEARER_CLIENT_ID"),
        (500, {"error": SECRET}, "answers 500"),
        (307, {}, "answers 307"),
        (200, {"token": SECRET}, "no token"),
        (200, [SECRET], "no token"),
        (200, {"access_token": f"{SECRET}\x01auth=x"}, "no bearer token"),
        (200, {"access_token": "fine", "expires_in": SECRET}, "no token"),
    ],
)
async def test_what_is_no_token_is_said_without_the_answer(
    endpoint: Endpoint, status: int, answer: Any, sentence: str
) -> None:
    endpoint.status, endpoint.answer = status, answer
    with pytest.raises(TokenUnavailable) as raised:
        await endpoint.tokens().token()
    assert sentence in str(raised.value)
    assert endpoint.url in str(raised.value)
    assert SECRET not in f"{raised.value!r} {raised.value}"


async def test_an_endpoint_that_is_down_or_silent_is_said_in_time(
    endpoint: Endpoint, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(oauth, "FETCH_SECONDS", 0.1)
    endpoint.slow = 0.5
    with pytest.raises(TokenUnavailable, match="does not answer within"):
        await endpoint.tokens().token()
    monkeypatch.setattr(oauth, "FETCH_SECONDS", 30)  # a busy machine takes its time to refuse
    with pytest.raises(TokenUnavailable, match="cannot be asked"):
        await EndpointTokens("http://127.0.0.1:9/token", "checker", SECRET, None).token()


async def test_an_endpoint_whose_certificate_nobody_trusts_gets_no_secret(endpoint: Endpoint) -> None:
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    trustme.CA().issue_cert("127.0.0.1").configure_cert(context)
    app = web.Application()
    app.router.add_post("/token", endpoint.handle)
    server = TestServer(app, scheme="https")
    await server.start_server(ssl=context)
    try:
        source = EndpointTokens(str(server.make_url("/token")), "checker", SECRET, None)
        with pytest.raises(TokenUnavailable, match="its certificate is of no authority that the system trusts"):
            await source.token()
    finally:
        await server.close()
    assert endpoint.asked == []


async def test_a_file_is_read_anew_for_each_connection(tmp_path: Path) -> None:
    file, source = tmp_path / "token", FileTokens(tmp_path / "token")
    file.write_text("one\n")
    assert await source.token() == "one"
    file.write_text(two := ISSUER.token("who"))
    assert await source.token() == two
    assert (await source.read()).subject == "who"


@pytest.mark.parametrize(
    ("content", "sentence"),
    [(None, "No such file"), (b"two words", "no bearer token"), (b"\xff", "not text"), (b"", "no bearer token")],
)
async def test_a_file_without_a_token_is_said(content: bytes | None, sentence: str, tmp_path: Path) -> None:
    if content is not None:
        (tmp_path / "token").write_bytes(content)
    with pytest.raises(TokenUnavailable, match=f"KAFKA_SASL_OAUTHBEARER_TOKEN_FILE.*{sentence}"):
        await FileTokens(tmp_path / "token").token()


async def test_a_file_whose_token_has_expired_is_said(tmp_path: Path) -> None:
    (tmp_path / "token").write_text(ISSUER.token("who", seconds=-5))
    with pytest.raises(TokenUnavailable, match="has expired: does what renews it run"):
        await FileTokens(tmp_path / "token").token()


@pytest.mark.parametrize(
    ("url", "safe"),
    [
        ("https://login.example.no/token", True),
        ("http://127.0.0.1:8080/token", True),
        ("http://localhost/token", True),
        ("http://[::1]:80/token", True),
        ("http://login.example.no/token", False),
        ("http://127.0.0.1.example.no/token", False),
        ("ftp://login.example.no", False),
        ("https://", False),
        ("token", False),
    ],
)
def test_the_secret_goes_over_tls_or_not_beyond_this_machine(url: str, safe: bool) -> None:
    assert is_safe(url) is safe


def test_a_token_does_not_show_itself() -> None:
    assert SECRET not in repr(Token(SECRET, None, "who"))

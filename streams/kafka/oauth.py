"""OAuth tokens for SASL/OAUTHBEARER: from a token endpoint, or from a file that a sidecar renews."""

import asyncio
import logging
import re
import time
from base64 import b64encode
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

import aiohttp
import jwt
import orjson
from aiokafka.abc import AbstractTokenProvider
from aiokafka.errors import KafkaError

log = logging.getLogger(__name__)

FETCH_SECONDS = 5.0
TOKEN_BYTES = 65_536
# A token is renewed when a tenth of its life is left, but this long before its end at the most.
RENEW_SECONDS = 60.0
BEARER = re.compile(r"[A-Za-z0-9._~+/-]+=*")  # RFC 6750: nothing that could end the field it is sent in


class TokenUnavailable(KafkaError):  # type: ignore[misc]  # aiokafka has no types for us
    """There is no token to show to the brokers; one sentence, without what was answered. It may pass."""

    retriable = True


@dataclass(frozen=True)
class Token:
    """A bearer token; `until` is on the wall clock, None where nobody says how long it is valid."""

    text: str
    until: float | None
    subject: str | None

    def __repr__(self) -> str:
        """Not the token: who has it is its owner."""
        return f"Token(subject={self.subject!r}, until={self.until})"


class FileTokens(AbstractTokenProvider):  # type: ignore[misc]
    """The file as it is when a connection is made."""

    def __init__(self, path: Path) -> None:
        self._path = path

    async def token(self) -> str:
        """What the file holds. Raises TokenUnavailable."""
        return (await self.read()).text

    async def read(self) -> Token:
        """The same with what it says of itself. Raises TokenUnavailable."""
        try:
            text = self._path.read_text(encoding="ascii").strip()
        except (OSError, UnicodeError) as error:
            why = getattr(error, "strerror", None) or "it is not text"
            raise TokenUnavailable(f"KAFKA_SASL_OAUTHBEARER_TOKEN_FILE cannot be read ({self._path}: {why})") from None
        token = _token(text, None, f"KAFKA_SASL_OAUTHBEARER_TOKEN_FILE ({self._path})")
        if token.until is not None and token.until <= time.time():
            raise TokenUnavailable(
                f"the token in KAFKA_SASL_OAUTHBEARER_TOKEN_FILE ({self._path}) has expired: does what renews it run?"
            )
        return token


class EndpointTokens(AbstractTokenProvider):  # type: ignore[misc]
    """Client credentials for a token, kept until shortly before it expires; one fetch at a time for all clients."""

    def __init__(self, url: str, client_id: str, client_secret: str, scope: str | None) -> None:
        self._url, self._client_id, self._secret, self._scope = url, client_id, client_secret, scope
        self._kept: Token | None = None
        self._renew_at = 0.0
        self._fetching: asyncio.Task[Token] | None = None

    async def token(self) -> str:
        """A token that is still valid. Raises TokenUnavailable."""
        return (await self.read()).text

    async def read(self) -> Token:
        """The same with what it says of itself. Raises TokenUnavailable."""
        if self._kept is not None and time.time() < self._renew_at:
            return self._kept
        running = self._fetching
        if running is None or running.done() or running.get_loop() is not asyncio.get_running_loop():
            running = self._fetching = asyncio.create_task(self._renew())
        try:
            return await asyncio.shield(running)  # whoever gives up must not take it from the others
        except TokenUnavailable as error:
            if self._kept is not None and self._kept.until is not None and time.time() < self._kept.until:
                log.warning("The token is not renewed yet: %s", error)
                return self._kept
            raise

    async def _renew(self) -> Token:
        asked_at = time.time()
        try:
            async with asyncio.timeout(FETCH_SECONDS):
                status, body = await self._ask()
        except TimeoutError:
            raise self._unavailable(f"does not answer within {FETCH_SECONDS:.0f} s") from None
        except (aiohttp.ClientError, OSError) as error:
            raise self._unavailable(f"cannot be asked ({_kind(error)})") from None
        if status != 200:
            raise self._unavailable(f"answers {status}{self._advice(status)}")
        token = self._understood(body, asked_at)
        if token.until is not None:
            left = token.until - asked_at
            self._kept, self._renew_at = token, token.until - min(RENEW_SECONDS, left / 10)
        return token

    async def _ask(self) -> tuple[int, bytes]:
        form = {"grant_type": "client_credentials"} | ({"scope": self._scope} if self._scope else {})
        # RFC 6749, 2.3.1: both are form-encoded before they are put together.
        pair = f"{quote(self._client_id, safe='')}:{quote(self._secret, safe='')}"
        headers = {"Authorization": f"Basic {b64encode(pair.encode()).decode()}"}
        async with (
            aiohttp.ClientSession() as session,
            session.post(self._url, data=form, headers=headers, allow_redirects=False) as response,
        ):
            return response.status, await response.content.read(TOKEN_BYTES)

    def _understood(self, body: bytes, asked_at: float) -> Token:
        try:
            answer = orjson.loads(body)
            text, seconds = answer["access_token"], answer.get("expires_in")
            until = None if seconds is None else asked_at + float(seconds)
        except (ValueError, TypeError, KeyError, AttributeError):
            raise self._unavailable("answers with something that is no token") from None
        return _token(text, until, f"the answer of {self._url}")

    def _advice(self, status: int) -> str:
        if status in (400, 401, 403):
            return (
                ": correct KAFKA_SASL_OAUTHBEARER_CLIENT_ID, KAFKA_SASL_OAUTHBEARER_CLIENT_SECRET or "
                "KAFKA_SASL_OAUTHBEARER_SCOPE"
            )
        return ""

    def _unavailable(self, what: str) -> TokenUnavailable:
        return TokenUnavailable(f"the token endpoint {self._url} {what}")


def _token(text: Any, until: float | None, source: str) -> Token:
    if not isinstance(text, str) or not BEARER.fullmatch(text):
        raise TokenUnavailable(f"{source} holds no bearer token")
    claims = _claims(text)
    expires, subject = claims.get("exp"), claims.get("sub")
    if until is None and isinstance(expires, int | float):
        until = float(expires)
    return Token(text, until, subject if isinstance(subject, str) else None)


def _claims(text: str) -> dict[str, Any]:
    """What a JWT says of itself, unverified, which is for the brokers; nothing where it is another kind of token."""
    try:
        found: dict[str, Any] = jwt.decode(text, options={"verify_signature": False})
    except (jwt.InvalidTokenError, ValueError, RecursionError):
        return {}
    return found


def _kind(error: BaseException) -> str:
    """The kind of failure only: messages of this library may quote what was sent."""
    if isinstance(error, aiohttp.ClientConnectorCertificateError):
        return "its certificate is of no authority that the system trusts, or of another name"
    cause = getattr(error, "os_error", error)
    if isinstance(cause, OSError) and cause.strerror:
        return cause.strerror
    return type(error).__name__

"""The issuer's public keys (JWKS): cached, followed when they rotate, and never asked for more often than is good."""

import asyncio
import logging
import time
from http import HTTPStatus
from pathlib import Path

import aiohttp
import jwt

from streams.addresses import is_safe
from streams.errors import ConfigurationError

log = logging.getLogger(__name__)

FRESH_SECONDS = 3600.0
# Whoever sends tokens with made-up key ids cannot make us ask more often.
ASK_AGAIN_AFTER_SECONDS = 30.0
# An issuer that hangs keeps nobody waiting whose key is known: but one, for so long.
KEYS_PATIENCE_SECONDS = 0.25
# Keys that the issuer can no longer be asked about: as long as a weekend's outage.
STALE_SECONDS = 3 * 86400.0
TIMEOUT = aiohttp.ClientTimeout(total=5)
NO_KEYS = (AttributeError, TypeError, KeyError, RecursionError)  # JSON, but not what it should be
MOST_BYTES, MOST_KEYS = 256 * 1024, 64


class KeysUnavailable(Exception):
    """The keys are not there and cannot be had."""


class Keys:
    """The keys at an address, or in a file."""

    def __init__(self, place: str) -> None:
        """Raises ConfigurationError where the address would let others put in keys of theirs."""
        self._place = place
        self._url = place if "://" in place else None
        if self._url and not is_safe(self._url):
            raise ConfigurationError("MELDINGSVAKT_VIEW_JWKS must be an https address or a file.")
        self._keys: dict[str, jwt.PyJWK] = {}
        self._read_at = self._asked_at = float("-inf")
        self._asking = asyncio.Lock()
        self._renewing: asyncio.Task[None] | None = None

    async def get(self, name: str) -> jwt.PyJWK | None:
        """The key of that name (`kid`); None if the issuer has none. Raises KeysUnavailable."""
        if name not in self._keys:
            await self._renew(name)
        elif self._old(name) and self._renewing is None:
            self._renewing = asyncio.create_task(self._renew(name))
            self._renewing.add_done_callback(self._renewed)
            await asyncio.wait({self._renewing}, timeout=KEYS_PATIENCE_SECONDS)
        if time.monotonic() - self._read_at > STALE_SECONDS:
            raise KeysUnavailable
        return self._keys.get(name)

    async def _renew(self, name: str) -> None:
        async with self._asking:  # and wait for whoever is asking just now
            if self._old(name) and time.monotonic() - self._asked_at > ASK_AGAIN_AFTER_SECONDS:
                await self._ask()

    def _renewed(self, done: "asyncio.Task[None]") -> None:
        self._renewing = None
        if not done.cancelled() and (error := done.exception()) is not None:
            log.error("The keys for tokens could not be read anew: %s", type(error).__name__)

    def _old(self, name: str) -> bool:
        return time.monotonic() - self._read_at > FRESH_SECONDS or name not in self._keys

    async def _ask(self) -> None:
        self._asked_at = time.monotonic()
        try:
            text = await self._fetched() if self._url else await asyncio.to_thread(_content, Path(self._place))
            keys = jwt.PyJWKSet.from_json(text).keys
        except (aiohttp.ClientError, OSError, ValueError, jwt.PyJWTError, *NO_KEYS) as error:
            log.warning("The keys for tokens cannot be read (%s): the last ones are used.", type(error).__name__)
            return
        self._keys = {key.key_id: key for key in keys[:MOST_KEYS] if key.key_id and key.public_key_use in (None, "sig")}
        self._read_at = time.monotonic()

    async def _fetched(self) -> str:
        assert self._url is not None
        async with (
            aiohttp.ClientSession(timeout=TIMEOUT, trust_env=True) as session,
            session.get(self._url, allow_redirects=False) as answer,
        ):
            if answer.status != HTTPStatus.OK:
                raise ValueError
            body = await answer.content.read(MOST_BYTES + 1)
            while len(body) <= MOST_BYTES and (more := await answer.content.read(MOST_BYTES)):
                body += more
        if len(body) > MOST_BYTES:
            raise ValueError
        return body.decode()


def _content(path: Path) -> str:
    with path.open("rb") as file:
        return file.read(MOST_BYTES).decode()

"""The gate: nobody gets past it without a token where tokens are asked for, and nobody takes more than their share.

It stands before the routes, so that a new one cannot be left open by mistake.
"""

import asyncio
import re
from collections.abc import Callable
from http import HTTPStatus

from fastapi import Request, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from streams.access.doors import Door
from streams.access.jwks import KeysUnavailable
from streams.access.quotas import Shares
from streams.access.tokens import BadToken, Tokens, Visitor
from streams.health_paths import LIVE, METRICS, READY
from streams.problems import BadRequest, Problem

# Open to everybody: whether it lives and works, and what a page is drawn with.
OPEN = frozenset(LIVE + READY + METRICS)
STATIC = "/static/"
BODY_SECONDS = 10.0
QUERIES = frozenset({"sql", "sql.csv", "sql.parquet"})
READING = frozenset({"GET", "HEAD", "OPTIONS"})
FROM_OURSELVES = frozenset({"same-origin", "none"})
BEARER = "bearer "
# RFC 3986: a name of letters, digits, dots and hyphens, or an address; and a port.
HOST = re.compile(r"(?P<name>[A-Za-z0-9]([A-Za-z0-9.-]{0,252})|\[[0-9A-Fa-f:.]{2,45}\])(:[0-9]{1,5})?\Z")
HERE = ("localhost", "127.0.0.1", "::1")

Refuse = Callable[[Request, Problem], Response]
Seated = Callable[[Request, Visitor | None], object]


class Gate:
    """ASGI middleware. Whoever is let in finds a `seat` in the request's state: what `seated` makes of the visitor.

    `tokens` is None where nobody is asked for one.
    """

    def __init__(self, app: ASGIApp, door: Door, tokens: Tokens | None, seated: Seated, refuse: Refuse) -> None:
        self._app, self._door, self._tokens, self._seated, self._refuse = app, door, tokens, seated, refuse
        self._shares = Shares(door.requests_a_minute)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        request = Request(scope)
        try:
            _ensure_host(request)
            if not _open(scope["path"]):
                _refuse_other_sites(request)
                scope.setdefault("state", {})["seat"] = await self._seat(request)
            most_bytes = self._door.most_body_bytes(scope["path"])
            if scope["method"] not in READING and most_bytes is not None:
                receive = await _body(receive, most_bytes)
        except Problem as problem:
            answer = self._refuse(request, problem)
            answer.headers.update(_headers(problem))
            await answer(scope, receive, send)
            return
        await self._app(scope, receive, send)

    async def _seat(self, request: Request) -> object:
        if self._tokens is None:
            self._refuse_other_hosts(request)
            return self._seated(request, None)
        try:
            visitor = await self._visitor(request, self._tokens)
        except Exception:
            self._shares.take(f"address {request.client.host if request.client else 'unknown'}")
            raise
        self._shares.take(f"organisation {visitor.sharer}")
        return self._seated(request, visitor)

    async def _visitor(self, request: Request, tokens: Tokens) -> Visitor:
        given = request.headers.getlist("authorization")
        if len(given) != 1 or not given[0].lower().startswith(BEARER):
            raise _Unknown("Say who you are: send a token in one header, Authorization: Bearer …")
        try:
            return await tokens.visitor(given[0][len(BEARER) :].strip())
        except BadToken as error:
            raise _Unknown(str(error)) from None
        except KeysUnavailable:
            raise Problem(
                "keys-unavailable",
                "The issuer's keys cannot be had at the moment, so that no token can be checked: try again.",
                status=HTTPStatus.SERVICE_UNAVAILABLE,
            ) from None

    def _refuse_other_hosts(self, request: Request) -> None:
        """Where nobody is asked for a token, a name that somebody else has pointed at this machine opens nothing."""
        if not self._door.unprotected and _named(request) not in {*HERE, self._door.host}:
            raise Problem(
                "unknown-host",
                f"This {self._door.name} is for its own machine only: ask it at http://127.0.0.1 and its port.",
                status=HTTPStatus.FORBIDDEN,
            )


class _Unknown(Problem):
    """Nobody knows who asks."""

    status = HTTPStatus.UNAUTHORIZED

    def __init__(self, detail: str) -> None:
        super().__init__("no-token", detail)


def _headers(problem: Problem) -> dict[str, str]:
    if isinstance(problem, _Unknown):
        return {"WWW-Authenticate": 'Bearer realm="meldingsvakt"'}
    if problem.status is HTTPStatus.TOO_MANY_REQUESTS:
        return {"Retry-After": "60"}
    return {}


def _named(request: Request) -> str | None:
    """The name in the one Host of a request, as it is written in lower case; None where it is none.

    Not the framework's: what it cannot parse it takes for the address that the server listens on.
    """
    found = [HOST.match(host) for host in request.headers.getlist("host")]
    name = found[0]["name"] if len(found) == 1 and found[0] else None
    return name.strip("[]").lower() if name else None


def _ensure_host(request: Request) -> None:
    if _named(request) is None:
        raise BadRequest("bad-host", "The request names no host that could be: send one header Host, as host:port.")


def _open(path: str) -> bool:
    return path in OPEN or path.startswith(STATIC)


def _refuse_other_sites(request: Request) -> None:
    """Refuse what a page of somebody else's makes a browser send. Programs do not send these headers.

    A link may lead here from elsewhere, but not to a query that would run.
    """
    headers = request.headers
    origin = headers.get("origin")
    from_elsewhere = headers.get("sec-fetch-site", "none") not in FROM_OURSELVES or (
        origin is not None and origin.partition("://")[2] != headers.get("host")
    )
    followed = (headers.get("sec-fetch-mode"), headers.get("sec-fetch-dest")) == ("navigate", "document")
    runs = request.url.path.rpartition("/")[2] in QUERIES and "query" in request.query_params
    if from_elsewhere and not (followed and request.method in READING and not runs):
        raise Problem("cross-site", "This was sent by a page of another site: ask here.", status=HTTPStatus.FORBIDDEN)


async def _body(receive: Receive, most_bytes: int) -> Receive:
    """The whole body, if it is not too long and does not take too long; as it is then handed on."""
    parts, size = [], 0
    try:
        async with asyncio.timeout(BODY_SECONDS):
            while True:
                message = await receive()
                if message["type"] != "http.request":
                    return receive
                parts.append(message.get("body", b""))
                size += len(parts[-1])
                if size > most_bytes:
                    raise Problem(
                        "body-too-large",
                        f"The request is longer than {most_bytes} bytes: shorten it.",
                        status=HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
                    )
                if not message.get("more_body"):
                    break
    except TimeoutError:
        raise Problem(
            "body-too-slow",
            f"The request did not come within {BODY_SECONDS:g} seconds: send it again.",
            status=HTTPStatus.REQUEST_TIMEOUT,
        ) from None
    whole: list[Message] = [{"type": "http.request", "body": b"".join(parts), "more_body": False}]

    async def handed_on() -> Message:
        return whole.pop() if whole else await receive()

    return handed_on

"""What the routes of the pages have in common: an address in every language, and what is asked of who comes."""

from collections.abc import Awaitable, Callable
from http import HTTPStatus

from fastapi import APIRouter, Response

from streams.presentation.municipality_names import known_today
from streams.problems import NotFound, Problem
from streams.view.page.render import PageReader
from streams.view.session import Seat

PREFIXES = {"": "nb", "/nn": "nn", "/en": "en"}
Show = Callable[..., Awaitable[Response]]


def on(router: APIRouter) -> Callable[[str], Callable[[Show], Show]]:
    """What registers a page under its address in every language."""

    def everywhere(path: str) -> Callable[[Show], Show]:
        def register(show: Show) -> Show:
            for prefix in PREFIXES:
                for address in dict.fromkeys(((prefix + path).rstrip("/") or "/", prefix + path)):
                    router.add_api_route(address, show, methods=["GET"], response_class=Response)
            return show

        return register

    return everywhere


def ensure_rows(seat: Seat, reader: PageReader) -> None:
    """Raise Problem, in the reader's words, where single reports may not be seen."""
    if not seat.shows_rows:
        raise Problem("counts-only", reader.words("error.counts_only"), status=HTTPStatus.FORBIDDEN)


def known(municipality: str, reader: PageReader) -> str:
    """Today's number of a municipality. Raises NotFound, in the reader's words, where nobody knows it."""
    today = known_today(municipality)
    if today is None:
        raise NotFound("not-found", reader.words("error.not_found"))
    return today

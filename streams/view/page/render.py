"""From what was found to a page: templates, the reader's words, and how far the picture is complete."""

from datetime import UTC, datetime
from functools import cache
from typing import Any, NamedTuple

from fastapi import Request, Response
from jinja2 import ChoiceLoader, Environment, PackageLoader, StrictUndefined

from streams.core.row import Flag
from streams.data import todays_number
from streams.presentation.municipality_names import former, municipality_names
from streams.presentation.times import norwegian_day
from streams.presentation.words import LANGUAGES, Language, Words, catalogue
from streams.problems import Problem
from streams.view.http.for_people import PACKAGES
from streams.view.page.days import as_day, presets
from streams.view.page.links import Here
from streams.view.page.refusals import told
from streams.view.queries.grounds import says_of_day, says_of_feed, says_of_moment
from streams.view.queries.statement import last_day
from streams.view.responses import headers_of, seat_of, tagged
from streams.view.store.cache import Answer
from streams.view.store.freshness import Picture
from streams.view.store.tables import REASONS, STATUSES

DAYS = ("day_from", "day_to")


class PageReader(NamedTuple):
    """Who reads: where they are, in which words, and when."""

    here: Here
    words: Words
    now: datetime


def reader_of(request: Request) -> PageReader:
    """The reader of a request, from its address alone."""
    path = request.url.path
    language: Language = next((one for one in LANGUAGES if path == f"/{one}" or path.startswith(f"/{one}/")), "nb")
    if language != "nb":
        path = path.removeprefix(f"/{language}") or "/"
    path = "/" + path.lstrip("/\\")  # with more of them in front, a browser would take it for another site
    given = request.query_params.multi_items()
    pairs = tuple((name, as_day(value) if name in DAYS else value) for name, value in given if value != "")
    here = Here(language, path, pairs)
    utc = ("utc", "1") in pairs
    return PageReader(here, words_of(language, utc=utc), datetime.now(UTC))


def words_of(language: Language, *, utc: bool = False) -> Words:
    """The words of the page in a language."""
    return Words(language, utc, PACKAGES)


async def page(
    request: Request,
    reader: PageReader,
    template: str,
    answer: Answer,
    *,
    kept: bool = True,
    media_type: str = "text/html",
    **shown: Any,
) -> Response:
    """A page, HTML unless told, with the picture that its answer was given in; 304 where the reader has it already."""
    seat = seat_of(request)
    picture = seat.picture(answer.coverage, reader.now)

    def render() -> bytes:
        text = _environment().get_template(template).render(
            here=reader.here, t=reader.words, now=reader.now, picture=picture, tag=answer.tag,
            shows_rows=seat.shows_rows, warnings=warnings(reader.words, picture), **shown,
        )  # fmt: skip
        return text.encode()

    # Many who look at the same page in the same second see the same one.
    key = (str(request.url), seat.reach, answer.tag, picture.model_dump_json(), int(reader.now.timestamp()))
    body = await (seat.desk.pages.get(key, render) if kept else seat.desk.pages.once(render))
    return tagged(request, body, media_type, headers_of(picture))


def refusal(request: Request, problem: Problem) -> Response:
    """A page that says what went wrong and what to do."""
    reader, seat = reader_of(request), getattr(request.state, "seat", None)
    status = problem.status.value
    body = _environment().get_template("problem.html").render(
        here=reader.here, t=reader.words, now=reader.now, picture=None, tag="", warnings=[],
        shows_rows=seat is not None and seat.shows_rows, told=told(reader.words, problem),
    )  # fmt: skip
    return Response(body, status_code=status, media_type="text/html")


def warm_up() -> None:
    """Compile the templates and load the languages before somebody waits for it."""
    for name in _environment().list_templates(extensions=["html", "atom"]):
        _environment().get_template(name)
    for language in LANGUAGES:
        words, now = words_of(language), datetime.now(UTC)
        words.time(now), words.day(now.date()), words.month(now.date()), words.number(1000)


def warnings(words: Words, picture: Picture) -> list[str]:
    """What stands in the way of a whole picture, in sentences; empty if nothing does."""
    said = []
    left = words.number(picture.records_left or 0)
    since = {"kafka_unreachable": picture.unreachable_since, "checker_silent": picture.complete_until}
    if picture.behind:
        time = words.time(since.get(picture.behind), seconds=True)
        said.append(words(f"picture.{picture.behind}", left=left, time=time, trouble=picture.trouble or ""))
    if picture.gaps:
        first, count = picture.gaps[0], len(picture.gaps)
        said.append(
            words(
                "picture.gap" if count == 1 else "picture.gaps",
                time=words.time(first.since, seconds=True),
                cause=words.code("cause", first.cause),
                count=words.number(count),
            )
        )
    if picture.losses:
        said.append(words.count("picture.losses", picture.losses))
    return said


def _flag_in(flag: str, words: Words) -> str:
    """What was odd about a report, in words."""
    if flag.startswith(Flag.UNREADABLE):
        return words("flag.unreadable", field=flag.removeprefix(Flag.UNREADABLE))
    return words.code("flag", flag)


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=ChoiceLoader([PackageLoader(one) for one in PACKAGES]), autoescape=True, undefined=StrictUndefined,
        trim_blocks=True, lstrip_blocks=True,
    )  # fmt: skip
    environment.filters["flag_in"] = _flag_in
    environment.globals.update(
        languages=[(one, catalogue(one)["language"]) for one in LANGUAGES],
        statuses=STATUSES,
        reasons=REASONS,
        names=municipality_names(),
        former=former,
        today=todays_number,
        parse_time=datetime.fromisoformat,
        last_day=last_day,
        norwegian_day=norwegian_day,
        presets=presets,
        says_of_day=says_of_day,
        says_of_moment=says_of_moment,
        says_of_feed=says_of_feed,
    )
    return environment

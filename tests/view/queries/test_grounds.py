"""No page, list, chart, statement or answer gives comfort without ground, in whatever state the picture is."""

from collections.abc import AsyncIterator, Callable
from datetime import UTC, date, datetime, timedelta
from typing import Any

import httpx
import pytest

from streams.presentation.words import LANGUAGES, Language, catalogue
from streams.view.http.for_people import PACKAGES
from streams.view.queries.grounds import Watch, says_of, says_of_day, says_of_list
from streams.view.services import Desk
from streams.view.store.freshness import Picture
from tests.examples import first
from tests.view.conftest import asking, desk_with
from tests.view.stock import after, changes, coverage, missing, report_id, state, text

NOW = datetime.now(UTC)
MONTH = (NOW.replace(day=1) - timedelta(days=20)).replace(day=5)
GAP = {"since": text(NOW - timedelta(hours=3)), "cause": "no_marks"}


def sent(number: int, status: str = "stored", **more: Any) -> dict[str, Any]:
    """A report of last month, and when it came."""
    at = text(MONTH + timedelta(minutes=number))
    placed = {"topic": "reports.sent", "partition": 0, "offset": number, "arrived": at}
    return state(number, status, sent_at=at, sent_record=placed, alarm_at=at, due_at=at, **more)


def seen(until: datetime = NOW, **more: Any) -> dict[str, Any]:
    return coverage(0, text(until), first_complete=text(MONTH - timedelta(days=70)), **more)


# What is in the tables, and what may be said of it.
STATES: dict[str, tuple[list[dict[str, Any]], list[dict[str, Any]]]] = {
    "building": ([], []),
    "nothing_received": ([], [seen()]),
    "behind": ([sent(1)], [seen(gap=GAP)]),
    "frozen": ([sent(1)], [seen(NOW - timedelta(days=2))]),
    "silent": ([], [seen(NOW - timedelta(days=2))]),
    "undetermined": ([sent(1), sent(2, "undetermined", flags=["evidence_lost"])], [seen()]),
    "missing": ([sent(1), sent(2, "missing")], [seen()]),
    "confirmed": ([sent(1)], [seen()]),
}
SAID = {"frozen": "behind", "silent": "behind"}
WHOLE = (
    "/",
    "/reports",
    "/receivers",
    "/receivers/0301",
    "/trends",
    "/confirmation",
    "/books",
    "/sql",
    "/reports?order=due_at",
)
PARTS = (
    "/?receiver=4601", "/reports?receiver=4601", "/receivers?q=osslo", "/receivers?q=zzzz", "/reports?status=missing",
    "/?q=zzzz", "/find?q=zzzz", "/find?q=ber", "/reports?case_system=X", "/receivers/4601", f"/?q={report_id(2)[:8]}",
)  # fmt: skip
COMFORT = (
    "sentence.all_accounted",
    "list.empty_missing",
    "receivers.chart_none",
    "statement.none_missing",
    "home.confirmed",
)


def comfort(language: Language) -> dict[str, str]:
    """What is only said of everything, in a whole picture; up to where a time stands in it."""
    words = catalogue(language, PACKAGES)
    texts = {key: words[key.partition(".")[0]][key.partition(".")[2]] for key in COMFORT}
    return {key: said.partition("{")[0] for key, said in texts.items()}


@pytest.fixture(params=STATES)
async def stood(request: pytest.FixtureRequest) -> AsyncIterator[tuple[str, httpx.AsyncClient]]:
    desk = desk_with(view_silent_after=timedelta(hours=12))  # however long the tests before it take
    rows, spoken = STATES[request.param]
    events = [missing(2, sent_at=text(MONTH), due_at=text(MONTH), alarm_at=text(MONTH))]
    desk.store.apply(changes(rows, events if request.param == "missing" else [], spoken))
    async with asking(desk) as client:
        yield SAID.get(request.param, request.param), client
    await desk.stop()


@pytest.mark.parametrize("language", first(1, LANGUAGES))
async def test_no_page_gives_comfort_without_ground(stood: tuple[str, httpx.AsyncClient], language: Language) -> None:
    says, client = stood
    prefix = "" if language == "nb" else f"/{language}"
    for path in (*WHOLE, *PARTS):
        answer = await client.get(prefix + path)
        assert answer.status_code == 200, path
        given = [key for key, said in comfort(language).items() if said in answer.text]
        of_part = path in PARTS and not path.startswith(("/?", "/receivers?"))  # above these stands what is said of all
        assert says == "confirmed" or not given, (path, given)
        assert not (of_part and given), (path, given)
        assert "list.empty_missing" not in given or path == "/", path
        if path.startswith("/?"):
            assert "list.empty_missing" not in given, path


async def test_the_api_says_the_same(stood: tuple[str, httpx.AsyncClient]) -> None:
    says, client = stood
    whole = (await client.get("/api/v1/summary")).json()
    assert whole["says"] == says
    assert (whole["watched_since"] is None) == (says == "building")
    assert (await client.get("/api/v1/summary?receiver=4601")).json()["says"] == "nothing_found"
    assert (await client.get("/api/v1/reports?receiver=4601")).json()["says"] == "nothing_found"


async def test_a_statement_is_made_of_what_was_watched_only(stood: tuple[str, httpx.AsyncClient]) -> None:
    says, client = stood
    for month, kind in (("2030-01", "not-begun"), ("2025-01", "not-watched")):
        for path in (f"/api/v1/statements/0301/{month}", f"/receivers/0301/{month}", f"/en/receivers/0301/{month}"):
            answer = await client.get(path)
            assert answer.status_code == 409, path
            assert "sha256" not in answer.text.lower()
            assert kind in answer.text or not path.startswith("/api"), path
    path = f"/api/v1/statements/0301/{MONTH:%Y-%m}"
    answer = await client.get(path)
    if says == "building":
        assert answer.status_code == 409
        return
    made = answer.json()
    page = (await client.get(f"/en/receivers/0301/{MONTH:%Y-%m}")).text
    assert made["made"]["says"] == says
    assert made["made"]["in_order"] == (says not in ("behind",))
    assert ("No report of this month lacks confirmed storage" in page) == (says == "confirmed")
    assert made["sha256"] in page
    assert (await client.get(path)).json()["sha256"] == made["sha256"]


async def test_the_checksum_is_of_the_content(desk: Desk, client: httpx.AsyncClient) -> None:
    path = f"/api/v1/statements/0301/{MONTH:%Y-%m}"
    desk.store.apply(changes([sent(1)], spoken=[seen()]))
    first = (await client.get(path)).json()
    desk.store.apply(changes([], spoken=[seen(NOW + timedelta(seconds=1))], at=5))
    again = (await client.get(path)).json()
    assert (again["sha256"], again["statement"]) == (first["sha256"], first["statement"])
    desk.store.apply(changes([sent(1, "missing")], spoken=[seen()], at=9))
    for kept in list(desk.answers._kept.values()):
        kept.worked_out_at = float("-inf")
    assert (await client.get(path)).json()["sha256"] != first["sha256"]


async def test_a_month_whose_rows_may_be_gone_is_refused() -> None:
    desk = desk_with(retention=timedelta(days=10), keep=timedelta(days=20))
    desk.store.apply(changes([sent(1)], spoken=[seen()]))
    async with asking(desk) as client:
        answer = await client.get(f"/api/v1/statements/0301/{MONTH:%Y-%m}")
        assert (answer.status_code, answer.json()["type"]) == (409, "urn:meldingsvakt:problem:month-erased")
    await desk.stop()


async def test_a_search_in_vain_says_what_was_searched_and_who_may_be_meant(
    desk: Desk, client: httpx.AsyncClient
) -> None:
    desk.store.apply(changes([sent(1), sent(2, "missing")], [missing(2)], [seen()]))
    page = (await client.get("/en/receivers?q=Osslo")).text
    assert "No receiver with reports is called “Osslo”." in page
    assert "Did you mean Oslo?" in page
    assert "Oslo" in page.partition('class="bars"')[2].partition("</dl>")[0]  # the chart is of all
    for q in ("oslo", "0301", "OSL"):
        assert ("Did you mean" in (await client.get(f"/en/receivers?q={q}")).text) is False, q


@pytest.mark.parametrize(
    ("status", "says"),
    [
        ({}, "confirmed"), ({"missing": 1}, "missing"), ({"missing": None}, "hidden"),
        ({"undetermined": 1}, "undetermined"), ({"undetermined": None}, "undetermined"),
        ({"reports": 0}, "nothing_received"),
    ],
)  # fmt: skip
def test_what_is_said_of_everything(status: dict[str, int | None], says: str) -> None:
    counts = {"reports": 9, "missing": 0, "undetermined": 0} | status
    whole = picture()
    assert says_of(whole, counts) == says
    for blind in (picture(behind="checker_silent"), picture(behind="stuck"), picture(gaps=True)):
        assert says_of(blind, counts) == (says if says in ("missing", "hidden") else "behind")
    assert says_of(picture(until=None), counts) == (says if says in ("missing", "hidden") else "building")
    assert says_of_list(whole, 3, counts, filtered=False) == "found"
    assert says_of_list(whole, 0, counts, filtered=True) == "nothing_found"


def picture(until: datetime | None = NOW, behind: Any = None, *, gaps: bool = False) -> Picture:
    gap = [{"partition": 0, "since": NOW, "cause": "no_marks"}] if gaps else []
    return Picture.model_validate(
        {
            "complete_until": until, "behind": behind, "records_left": 0, "unreachable_since": None, "trouble": None,
            "gaps": gap, "losses": 0,
        }
    )  # fmt: skip


DAY = NOW.date() - timedelta(days=5)
NONE = dict.fromkeys(("reports", "missing", "undetermined", "pending", "stored"), 0)


@pytest.mark.parametrize(
    ("day", "counts", "says"),
    [
        (DAY, {}, "none_sent"),
        (DAY, {"reports": 2, "stored": 2}, "confirmed"),
        (DAY, {"reports": 2, "undetermined": 1}, "undetermined"),
        (DAY, {"reports": 2, "pending": 1}, "pending"),
        (DAY - timedelta(days=10), {}, "unwatched"),
        (DAY - timedelta(days=10), {"reports": 2, "stored": 2}, "unwatched"),
        (DAY - timedelta(days=10), {"reports": 2, "missing": 2}, "missing"),
        (DAY - timedelta(days=2), {}, "unwatched"),  # a part of it
        (DAY - timedelta(days=30), {}, "erased"),
        (DAY + timedelta(days=9), {}, "incomplete"),
        (DAY + timedelta(days=9), {"missing": None}, "missing"),
    ],
)
def test_what_is_said_of_a_day(day: date, counts: dict[str, int | None], says: str) -> None:
    noon = datetime.combine(DAY, datetime.min.time(), UTC) + timedelta(hours=12)
    watch = Watch(noon - timedelta(days=2), noon - timedelta(days=20))
    assert says_of_day(day, NONE | counts, picture(), watch) == says
    blind: Callable[[], str] = lambda: says_of_day(day, NONE | counts, picture(), Watch(None, watch.kept_since))  # noqa: E731
    assert blind() not in ("none_sent", "confirmed")


async def test_days_before_anybody_watched_are_said_so(desk: Desk, client: httpx.AsyncClient) -> None:
    begun = NOW - timedelta(days=8)
    desk.store.apply(changes([], spoken=[coverage(0, text(NOW), first_complete=text(begun))]))
    page = (await client.get("/en")).text
    assert page.count("not watched yet") >= 21
    assert "none sent" in page
    assert after() < text(NOW)

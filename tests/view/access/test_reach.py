"""What each organisation sees, wherever it looks: its own receivers, and not a trace of others'."""

import html
import io
import re
from collections.abc import AsyncIterator
from typing import Any

import duckdb
import httpx
import pyarrow.parquet
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from streams.access.scope import Reach, ReceiverScope
from streams.view.page.render import words_of
from streams.view.services import Desk
from streams.view.store.store import Store
from streams.view.store.tables import COUNTS_ONLY, PUBLIC
from tests.examples import examples
from tests.view.access.conftest import FEEDS, WHERE
from tests.view.access.issuer import (
    AGGREGATES,
    BERGEN,
    NATIONAL,
    NOBODY,
    OSLO,
    OWN,
    SEVERAL,
    SQL,
    UNIT,
    Issuer,
    Recorded,
    with_token,
)
from tests.view.stock import changes, event_id, missing, receiver, report_id, state

API = "/api/v1"
# Which of the ten reports each may see. Bergen is in the mapping by its former number.
SEEN = {OSLO: {0, 1, 2}, BERGEN: {3, 4}, SEVERAL: {0, 5, 6}}
MONTH = "2026-03"


@pytest.fixture(params=SEEN)
def organisation(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
async def own(asked: Desk, keys: Issuer, organisation: str) -> AsyncIterator[httpx.AsyncClient]:
    async with with_token(asked, keys.token(OWN, SQL, organisation=organisation)) as client:
        yield client


@pytest.fixture
def seen(organisation: str) -> set[str]:
    return {report_id(number) for number in SEEN[organisation]}


@pytest.fixture
def hidden(seen: set[str]) -> set[str]:
    return {report_id(number) for number in range(10)} - seen


def ids(rows: list[dict[str, Any]]) -> set[str]:
    return {row["report_id"] for row in rows}


async def test_lists_and_files_hold_ones_own(own: httpx.AsyncClient, seen: set[str], hidden: set[str]) -> None:
    assert ids((await own.get(f"{API}/reports")).json()["reports"]) == seen
    first = (await own.get(f"{API}/reports?limit=1")).json()
    assert (await own.get(f"{API}/reports?limit=9&cursor={first['next']}")).json()["reports"] != []
    assert ids((await own.get(f"{API}/announcements")).json()["announcements"]) <= seen
    events, announced = (await own.get(f"{API}/events")).json(), (await own.get(f"{API}/announcements")).json()
    assert [one["data"]["event_id"] for one in events] == [one["event_id"] for one in announced["announcements"]]
    feed = (await own.get("/events.atom")).text
    assert not any(one in feed for one in hidden)
    for suffix in ("csv?limit=9", "ndjson", "csv"):
        text = (await own.get(f"{API}/reports.{suffix}")).text
        assert all(one in text for one in seen)
        assert not any(one in text for one in hidden)
    table = pyarrow.parquet.read_table(io.BytesIO((await own.get(f"{API}/announcements.parquet")).content))
    assert {str(one) for one in table.column("report_id").to_pylist()} <= seen


async def test_others_reports_are_not_there(own: httpx.AsyncClient, seen: set[str], hidden: set[str]) -> None:
    for one in seen:
        assert (await own.get(f"{API}/reports/{one}")).status_code == 200
        assert (await own.get(f"/reports/{one}")).status_code == 200
    unknown = await own.get(f"{API}/reports/{report_id(99)}")
    for one in hidden:
        answer = await own.get(f"{API}/reports/{one}")
        assert (answer.status_code, answer.content) == (404, unknown.content)
        assert (await own.get(f"/reports/{one}")).status_code == 404
        for q in (one, one[:8], f"m{int(one[:8])}"):
            found = await own.get("/find", params={"q": q})
            assert (found.status_code, "location" in found.headers) == (200, False), q
        assert (await own.get(f"{API}/announcements?report_id={one}")).json()["announcements"] == []


async def test_counts_are_of_ones_own(own: httpx.AsyncClient, seen: set[str]) -> None:
    for by in ("", "?by=receiver&by=status", "?by=day", "?by=district&by=hour"):
        answer = (await own.get(f"{API}/summary{by}")).json()
        assert answer["total"]["reports"] == len(seen)
        assert not by or sum(group["reports"] for group in answer["groups"]) == len(seen)
    times = (await own.get(f"{API}/confirmation-times")).json()["groups"]
    assert sum(group["confirmed"] for group in times) <= len(seen)


async def test_pages_show_ones_own(own: httpx.AsyncClient, organisation: str, seen: set[str], hidden: set[str]) -> None:
    for path in ("/", "/reports", "/nn/reports", "/receivers", "/confirmation", "/books", "/sql", "/en"):
        text = (await own.get(path)).text
        assert not any(one in text for one in hidden), path
        assert "Indre Østfold" not in text  # 3301
        assert ("Oslo" in text) or organisation != OSLO or path not in ("/receivers", "/reports")
    listed = (await own.get("/reports")).text
    assert all(one in listed for one in seen)


async def test_the_search_leads_to_ones_own(own: httpx.AsyncClient, seen: set[str]) -> None:
    for one in seen:
        assert (await own.get("/find", params={"q": one[:8]})).headers["location"] == f"/reports/{one}"
    for q in ("3301", "Indre Østfold", "Indre Østfolg"):
        page = await own.get("/find", params={"q": q})
        assert page.status_code == 200
        assert "/receivers/3301" not in page.text
        assert "Mente du" not in page.text


@pytest.mark.parametrize("number", ["3301", "4204", "9999"])
async def test_others_receivers_are_not_there(own: httpx.AsyncClient, number: str) -> None:
    for path in (
        f"{API}/reports?receiver={number}", f"{API}/reports.csv?receiver={number}",
        f"{API}/summary?receiver={number}", f"{API}/confirmation-times?receiver={number}",
        f"{API}/announcements?receiver={number}", f"{API}/statements/{number}/{MONTH}", f"/reports?receiver={number}",
        f"/receivers/{number}", f"/receivers/{number}/{MONTH}", f"/?receiver={number}",
    ):  # fmt: skip
        assert (await own.get(path)).status_code == 404, path


async def test_a_statement_is_of_a_whole_municipality(asked: Desk, keys: Issuer) -> None:
    async with with_token(asked, keys.token(OWN, organisation=BERGEN)) as client:
        for number in ("4601", "1201"):
            answer = await client.get(f"{API}/statements/{number}/{MONTH}")
            assert (answer.status_code, answer.json()["statement"]["sent"]) == (200, 2)
    async with with_token(asked, keys.token(OWN, organisation=SEVERAL)) as client:
        assert (await client.get(f"{API}/statements/1103/{MONTH}")).status_code == 200
        assert (await client.get(f"{API}/statements/0301/{MONTH}")).status_code == 404  # only a district of it


async def test_books_are_of_whole_municipalities(asked: Desk, keys: Issuer) -> None:
    shown = {OSLO: {"0301"}, BERGEN: {"1201", "4601"}, SEVERAL: set()}
    for organisation, numbers in shown.items():
        async with with_token(asked, keys.token(OWN, organisation=organisation)) as client:
            rows = (await client.get(f"{API}/books")).json()["books"]
            assert {row["municipality"] for row in rows} == numbers


QUERIES = (
    "SELECT report_id FROM reports",
    "FROM reports SELECT report_id",
    "WITH reports AS (SELECT * FROM reports) SELECT report_id FROM reports",
    "WITH other AS (FROM reports), reports AS (FROM other) SELECT report_id FROM reports",
    "SELECT a.report_id FROM reports a JOIN announcements b ON a.report_id <> b.report_id",
    "SELECT report_id FROM announcements UNION SELECT report_id FROM missing_now",
    "SELECT (SELECT max(report_id) FROM reports) AS report_id",
    "SELECT report_id FROM reports WHERE municipality = '3301' OR true",
    "SELECT last_value(report_id) OVER (ORDER BY report_id) FROM reports",
    'SELECT report_id FROM "REPORTS"',
    "SELECT report_id FROM (reports PIVOT (count(*) FOR status IN ('missing', 'stored') GROUP BY report_id))",
)


@pytest.mark.parametrize("query", QUERIES)
async def test_sql_reads_ones_own(own: httpx.AsyncClient, seen: set[str], query: str) -> None:
    answer = await own.post(f"{API}/sql", json={"query": query})
    assert answer.status_code == 200, answer.text
    assert answer.json()["rows"] != []
    assert {row[0] for row in answer.json()["rows"]} <= seen


@pytest.mark.parametrize(
    "table", ["main.reports", "memory.main.reports", "own_0.reports", "positions", "about", "duckdb_views"]
)
async def test_sql_knows_no_other_way_to_a_table(own: httpx.AsyncClient, table: str) -> None:
    answer = await own.post(f"{API}/sql", json={"query": f"SELECT * FROM {table}"})
    assert (answer.status_code, answer.json()["type"]) == (400, "urn:meldingsvakt:problem:sql-not-allowed")


@pytest.mark.parametrize("name", PUBLIC)
async def test_every_table_of_sql_is_ones_own(
    asked: Desk, own: httpx.AsyncClient, keys: Issuer, hidden: set[str], name: str
) -> None:
    query = {"query": f"SELECT * FROM {name}"}
    answer = await own.post(f"{API}/sql", json=query)
    assert answer.status_code == 200
    assert not any(one in answer.text for one in hidden)
    async with with_token(asked, keys.token(NATIONAL, SQL)) as client:
        everything = (await client.post(f"{API}/sql", json=query)).json()["rows"]
    shared = name in ("municipalities", "coverage", "losses", "trust")
    assert (answer.json()["rows"] == everything) is shared


async def test_feeds_are_those_that_ones_own_reports_wait_for(asked: Desk, keys: Issuer) -> None:
    """And nobody is told how many proofs there are for all that a feed serves, but who may see all of them."""
    shown = {OSLO: {"flyt-oslo"}, BERGEN: {"flyt-bergen"}, SEVERAL: {"flyt-oslo", "quiet"}}
    for organisation, feeds in shown.items():
        async with with_token(asked, keys.token(OWN, organisation=organisation)) as client:
            said = (await client.get(f"{API}/coverage")).json()
            page = (await client.get("/books")).text
        assert {feed["feed"] for feed in said["feeds"]} == feeds
        assert [(word["feed"], word["proofs"]) for word in said["feed_words"]] == [
            (feed, None) for feed in feeds - {"quiet"}
        ]
        assert "familia-3301" not in page
    async with with_token(asked, keys.token(NATIONAL)) as client:
        said = (await client.get(f"{API}/coverage")).json()
    assert {word["feed"]: word["proofs"] for word in said["feed_words"]} == dict.fromkeys(FEEDS.values(), 3) | {
        "quiet": 1
    }
    assert {feed["feed"]: feed["waiting"] for feed in said["feeds"]}["familia-3301"] == 1


async def test_who_sees_counts_only_is_told_feeds_words_and_no_number(asked: Desk, keys: Issuer) -> None:
    async with with_token(asked, keys.token(AGGREGATES)) as client:
        said = (await client.get(f"{API}/coverage")).json()
        page = (await client.get("/en/books")).text
    for table in ("feeds", "feed_words"):
        assert {feed["feed"] for feed in said[table]} == set(FEEDS.values())
    assert {feed["says"] for feed in said["feeds"]} <= {"hidden", "behind"}
    counts = [feed[name] for feed in said["feeds"] for name in ("waiting", "undetermined", "oldest_alarm_at")]
    assert {*counts, *(word["proofs"] for word in said["feed_words"])} == {None}
    assert "has vouched until" in page
    assert "Waiting for its word" not in page


class TestScopes:
    """What a token may ask for."""

    async def ask(self, desk: Desk, token: str, path: str) -> httpx.Response:
        async with with_token(desk, token) as client:
            if path == "/sql":
                return await client.post(f"{API}/sql", json={"query": "SELECT count(*) FROM municipalities"})
            return await client.get(f"{API}{path}")

    @pytest.mark.parametrize(
        ("scopes", "path", "status", "kind"),
        [
            ((), "/summary", 403, "no-scope"),
            (("other:own", "meldingsvakt:", "own"), "/summary", 403, "no-scope"),
            ((SQL,), "/sql", 403, "no-scope"),
            ((OWN,), "/reports", 200, ""),
            ((OWN,), "/sql", 403, "no-sql"),
            ((OWN, SQL), "/sql", 200, ""),
            ((OWN,), "/summary?reach=national", 403, "no-scope"),
            ((AGGREGATES,), "/reports", 403, "counts-only"),
            ((AGGREGATES,), f"/reports/{report_id(1)}", 403, "counts-only"),
            ((AGGREGATES,), "/announcements.csv", 403, "counts-only"),
            ((AGGREGATES,), "/summary", 200, ""),
            ((AGGREGATES, SQL), "/sql", 200, ""),
            ((NATIONAL,), "/reports", 200, ""),
            ((NATIONAL,), "/sql", 403, "no-sql"),
        ],
    )
    async def test_a_scope_opens_what_it_says(
        self, asked: Desk, keys: Issuer, scopes: tuple[str, ...], path: str, status: int, kind: str
    ) -> None:
        answer = await self.ask(asked, keys.token(*scopes), path)
        assert answer.status_code == status
        assert answer.json().get("type", "").removeprefix("urn:meldingsvakt:problem:") == kind

    async def test_an_organisation_that_is_not_in_the_mapping_sees_nothing(self, asked: Desk, keys: Issuer) -> None:
        for changes_ in ({"organisation": NOBODY}, {"consumer": None}, {"consumer": "0192:958935420"}):
            token = keys.sign(keys.claims(OWN, **changes_)) if "consumer" in changes_ else keys.token(OWN, **changes_)
            answer = await self.ask(asked, token, "/reports")
            assert (answer.status_code, answer.json()["type"]) == (403, "urn:meldingsvakt:problem:no-receiver")

    async def test_a_supplier_sees_what_its_consumer_may(self, asked: Desk, keys: Issuer) -> None:
        token = keys.token(
            OWN, organisation=OSLO, supplier={"authority": "iso6523-actorid-upis", "ID": f"0192:{BERGEN}"}
        )
        answer = await self.ask(asked, token, "/reports")
        assert ids(answer.json()["reports"]) == {report_id(number) for number in SEEN[OSLO]}

    async def test_national_counts_hide_small_numbers(self, asked: Desk, keys: Issuer) -> None:
        both = keys.token(OWN, AGGREGATES)
        own = (await self.ask(asked, both, "/summary")).json()["total"]
        assert own["reports"] == 3
        national = (await self.ask(asked, both, "/summary?reach=national")).json()["total"]
        assert (national["reports"], national["pending"]) == (10, None)

    async def test_a_file_of_sql_holds_the_counts_that_its_page_shows(self, asked: Desk, keys: Issuer) -> None:
        query = {"query": "SELECT count(*) AS lines FROM counts_suppressed"}
        held = {}
        async with with_token(asked, keys.token(OWN, AGGREGATES, SQL)) as client:
            for reach in ({}, {"reach": "national"}):
                page = (await client.get("/sql", params=query | reach)).text
                shown = re.findall(r'<td class="number">(\d+)</td>', page)
                links = [html.unescape(one) for one in re.findall(r'href="(/api/v1/sql\.csv[^"]*)"', page)]
                files = [re.findall(r"\d+", (await client.get(link)).text) for link in links]
                assert files == [shown, shown]
                held[len(reach)] = shown
        assert held[0] != held[1]

    async def test_sql_without_rows_reads_counts_only(self, asked: Desk, keys: Issuer) -> None:
        async with with_token(asked, keys.token(AGGREGATES, SQL)) as client:
            for name in PUBLIC:
                answer = await client.post(f"{API}/sql", json={"query": f"SELECT * FROM {name}"})
                assert answer.status_code == (200 if name in COUNTS_ONLY else 400), name


async def test_who_may_see_what_is_kept_apart_in_every_cache(asked: Desk, keys: Issuer) -> None:
    """The same questions one after another by different people, and again."""
    for _ in range(2):
        for organisation, numbers in SEEN.items():
            async with with_token(asked, keys.token(OWN, organisation=organisation)) as client:
                found = await client.get(f"{API}/reports")
                assert ids(found.json()["reports"]) == {report_id(number) for number in numbers}
                assert "Authorization" in found.headers["vary"]
                page = (await client.get("/reports")).text
                assert all((report_id(number) in page) is (number in numbers) for number in range(10))
        async with with_token(asked, keys.token(NATIONAL)) as client:
            assert len((await client.get(f"{API}/reports")).json()["reports"]) == 10


async def test_a_tag_of_somebody_else_is_none(asked: Desk, keys: Issuer) -> None:
    async with with_token(asked, keys.token(NATIONAL)) as client:
        tags = [(await client.get(path)).headers["etag"] for path in (f"{API}/reports.csv", f"{API}/reports")]
    async with with_token(asked, keys.token(OWN)) as client:
        for tag in tags:
            for path in (f"{API}/reports.csv", f"{API}/reports"):
                assert (await client.get(path, headers={"If-None-Match": tag})).status_code == 200


async def test_who_looks_is_recorded_before_anything_is_shown(guarded: Desk, keys: Issuer) -> None:
    record = guarded.record
    assert isinstance(record, Recorded)
    mine = [report_id(number) for number in (2, 1, 0)]
    async with with_token(guarded, keys.token(OWN, SQL)) as client:
        for path in (
            f"{API}/reports?limit=9", f"{API}/reports/{mine[0]}", f"{API}/reports.csv?receiver=0301",
            f"/reports/{mine[1]}", f"{API}/statements/0301/{MONTH}", f"/receivers/0301/{MONTH}",
            f"{API}/summary", "/receivers", f"{API}/reports/{report_id(5)}", f"{API}/events?limit=9", "/nn/events.atom",
            f"/find?q={mine[1][:8]}", f"/find?q={report_id(5)[:8]}", "/find?q=Oslo", "/receivers/0301",
        ):  # fmt: skip
            await client.get(path)
        await client.post(f"{API}/sql", json={"query": "SELECT 1"})
    looks = [(action, ids_, question) for _, _, action, ids_, question in record.looks]
    assert looks == [
        ("list", tuple(mine), "limit=9"),
        ("read_report", (mine[0],), None),
        ("read_file", (), "reports.csv?receiver=0301"),
        ("read_report", (mine[1],), None),
        ("read_statement", (mine[2], mine[1]), f"0301/{MONTH}"),
        ("read_statement", (mine[2], mine[1]), f"0301/{MONTH}"),
        ("read_events", (mine[2], mine[1]), "limit=9"),
        ("read_events", (mine[1], mine[2]), ""),
        ("list", (mine[1],), mine[1][:8]),
        ("list", (mine[2],), "receiver=0301"),
        ("query", (), "SELECT 1"),
    ]
    assert {(subject, organisation) for subject, organisation, *_ in record.looks} == {("system-1", OSLO)}


async def test_who_is_the_receiver_is_not_told_to_ask_it_and_others_are_not_counted(asked: Desk, keys: Issuer) -> None:
    path = f"/en/reports/{report_id(3)}"
    async with with_token(asked, keys.token(OWN, organisation=BERGEN)) as client:
        own = (await client.get(path)).text
    async with with_token(asked, keys.token(NATIONAL)) as client:
        national = (await client.get(path)).text
    steps = ("Search for the report in the case system", "Get in touch with the child welfare service of Bergen")
    assert [step in own for step in steps] == [True, False]
    assert [step in national for step in steps] == [False, True]
    assert words_of("en")("guide.others_none") in own
    assert "4 more with the same case system and version" in national


async def test_a_query_is_recorded_before_it_can_tell_anything(guarded: Desk, keys: Issuer) -> None:
    record = guarded.record
    assert isinstance(record, Recorded)
    telling = "SELECT string_agg(report_id::text, ' ')::int FROM reports"
    async with with_token(guarded, keys.token(OWN, SQL)) as client:
        answer = await client.post(f"{API}/sql", json={"query": telling})
        assert answer.status_code == 400
        assert (await client.get("/sql", params={"query": telling})).status_code == 200
        assert (await client.post(f"{API}/sql", json={"query": "DROP TABLE reports"})).status_code == 400
    assert [question for *_, question in record.looks] == [telling, telling]


RECEIVERS = st.frozensets(
    st.builds(
        ReceiverScope,
        st.sampled_from(("0301", "4601", "1103")),
        st.sampled_from((None, "03", "04")),
        st.sampled_from((None, UNIT, "it's")),
    ),
    max_size=3,
)
PLACES = st.tuples(
    st.sampled_from((None, "0301", "4601", "1201", "1103")),
    st.sampled_from((None, "03", "04")),
    st.sampled_from((None, UNIT)),
)
TODAY = {"1201": "4601"}


def _within(place: tuple[str | None, str | None, str | None], receivers: frozenset[ReceiverScope]) -> bool:
    municipality, district, unit = place
    return any(
        TODAY.get(municipality or "", municipality) == one.municipality
        and one.district in (None, district)
        and one.unit in (None, unit)
        for one in receivers
    )


@examples(8, 300)
def test_for_any_receivers_and_any_rows_exactly_theirs_are_seen(examples: int) -> None:
    @settings(max_examples=examples, deadline=None)
    @given(places=st.lists(PLACES, max_size=8), receivers=RECEIVERS)
    def see(places: list[tuple[str | None, str | None, str | None]], receivers: frozenset[ReceiverScope]) -> None:
        store = Store(None, "200MB", threads=1)
        try:
            made = [receiver(m, district=d, unit_id=u) if m else None for m, d, u in places]
            rows = [state(number, "missing", receiver=of) for number, of in enumerate(made)]
            events = [missing(number, receiver=of) for number, of in enumerate(made)]
            store.apply(changes(rows, events))
            wanted = {number for number, place in enumerate(places) if place[0] and _within(place, receivers)}
            with store.reading(Reach(True, receivers)) as cursor:
                for query, name in (
                    ("SELECT report_id FROM reports", report_id), ("SELECT report_id FROM missing_now", report_id),
                    ("SELECT event_id FROM announcements", event_id),
                ):  # fmt: skip
                    assert {str(row[0]) for row in cursor.execute(query).fetchall()} == {name(n) for n in wanted}
                assert cursor.execute("SELECT sum(reports) FROM counts_by_day").fetchall() == [(len(wanted) or None,)]
        finally:
            store.close()

    see()


def test_views_that_are_gone_never_fall_back_to_everybodys_tables(store: Store) -> None:
    reach = Reach(True, frozenset({ReceiverScope("0301")}))
    store.apply(changes([state(1), state(2, receiver=receiver("4601"))]))
    with store.reading(reach) as cursor:
        assert cursor.execute("SELECT count(*) FROM reports").fetchall() == [(1,)]
    store.rebuild()
    store.apply(changes([state(1), state(2, receiver=receiver("4601"))]))
    with store.reading(reach) as cursor:
        assert cursor.execute("SELECT count(*) FROM reports").fetchall() == [(1,)]
        for statement in (
            "DROP SCHEMA main CASCADE",
            f"DROP VIEW {reach.schema}.reports",
            "INSERT INTO about SELECT 1",
        ):
            with pytest.raises(duckdb.Error):
                cursor.execute(statement)


def test_the_ten_reports_are_where_the_tests_think() -> None:
    assert [place[0] for place in WHERE] == ["0301"] * 3 + ["4601", "1201", "1103", "5001", "5001", "3301", None]

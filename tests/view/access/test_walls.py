"""How long a question takes tells nothing of rows that one may not see: nothing of it is worked out on them."""

import json
import time
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import duckdb
import pytest

from streams.access.scope import EVERYTHING, Reach, ReceiverScope
from streams.data import municipalities, todays_number
from streams.view.page.home import home_of
from streams.view.page.overview import lead
from streams.view.queries.alike import alike
from streams.view.queries.feeds import ITS_WORD
from streams.view.queries.filters import ReportFilter, where
from streams.view.queries.queries import ITS_EVENTS, ONE_REPORT, announcement_listing, few_rows, report_listing
from streams.view.queries.search import reports_called
from streams.view.queries.trends import allowances, trends
from streams.view.store.store import Store
from streams.view.store.tables import VIEWS
from tests.view.access.issuer import UNIT
from tests.view.stock import (
    after,
    books,
    changes,
    coverage,
    missing,
    receiver,
    recovered,
    report_id,
    state,
    word,
)

REACHES = (
    Reach(True, frozenset({ReceiverScope("0301")})),
    Reach(True, frozenset({ReceiverScope("1103"), ReceiverScope("0301", "03"), ReceiverScope("5001", None, UNIT)})),
)
SHARED = {"", *(f"memory.main.{name}" for name in ("municipalities", "coverage", "losses"))}
TABLES = {"reports": "report_id", "announcements": "event_id", "books": "partition", "feeds": "feed"}
# Of a type: values that nothing has, and something that is worked out from it.
ASKED = {
    "VARCHAR": ("{0} = '~~'", "{0} > '~~'", "{0} LIKE '~~%'", "length(replace({0}, 'o', 'oo')) > 999"),
    "UUID": ("{0} = 'ffffffff-ffff-4fff-8fff-ffffffffffff'", "length(concat({0}, {0})) > 999"),
    "TIMESTAMP WITH TIME ZONE": ("{0} > TIMESTAMPTZ '2200-01-01'", "year({0}) > 2999"),
    "DATE": ("{0} > DATE '2200-01-01'",),
    "VARCHAR[]": ("list_contains({0}, '~~')", "{0} = ['~~']"),
    "INTEGER": ("{0} > 2000000000", "{0} + 1 > 2000000000"),
    "BIGINT": ("{0} > 9000000000000000000", "{0} // 2 > 4000000000000000000"),
    "DOUBLE": ("{0} > 1e300",),
}

QUERIES = (
    "SELECT report_id FROM reports ORDER BY sent_at DESC LIMIT 3",
    "SELECT r.report_id FROM reports r JOIN (VALUES ('~~')) AS t(u) ON r.unit_id = t.u",
    "SELECT r.report_id FROM reports r JOIN announcements a ON a.report_id = r.report_id WHERE a.unit_id = '~'",
    "SELECT report_id FROM reports WHERE unit_id IN (SELECT unit_id FROM announcements WHERE district = '77')",
    "SELECT report_id FROM reports WHERE EXISTS (SELECT 1 FROM municipalities m WHERE m.code = municipality)",
    "SELECT max(unit_id), min(report_id) FROM reports",
    "WITH w AS (SELECT * FROM reports WHERE unit_id > 'z') SELECT count(*) FROM w, w AS v",
    "SELECT DISTINCT unit_id FROM reports WHERE unit_id > 'z' OR district = '77'",
    "SELECT count(*) FILTER (unit_id > 'z') OVER () FROM reports QUALIFY row_number() OVER () < 3",
)


@pytest.fixture
def many(store: Store) -> Store:
    """Reports of one's own and of others."""
    fill(store)
    return store


def fill(store: Store) -> None:
    places = ("0301", "1103", "5001", "4601")
    rows = [
        state(
            n,
            status,
            receiver=receiver(places[n % 4], unit_id=f"unit-{n}"),
            message_ids=[f"m{n}"],
            feed=f"feed-{n % 4}",
        )
        for n, status in enumerate(("missing", "recovered", "stored", "pending") * 10)
    ]
    said = coverage(0, after(days=1), feeds={f"feed-{n}": word(n, n, proofs=n) for n in range(4)})
    events = [missing(n, receiver=receiver(places[n % 4])) for n in range(40)]
    events += [recovered(n, receiver=receiver(places[n % 4])) for n in range(40)]
    store.apply(changes(rows, events, [*(books(number, stored=1) for number in places), said]))


def plan(cursor: duckdb.DuckDBPyConnection, query: str, values: tuple[object, ...] = ()) -> list[Any]:
    ((_, text),) = cursor.execute(f"EXPLAIN (FORMAT json) {query}", values).fetchall()
    return list(json.loads(text))


def everywhere(found: list[Any]) -> Iterator[Any]:
    """Every node of a plan."""
    for node in found:
        yield node
        yield from everywhere(node["children"])


def said(node: Any) -> tuple[str, str]:
    """What a node does with rows: what it reads and how many it thinks there are is left out."""
    info = node["extra_info"]
    return node["name"].strip(), str([info.get(name) for name in ("Table", "Filters", "Expression")])


def walled(found: list[Any]) -> set[tuple[tuple[str, str], ...]]:
    """What is done below each wall, which is a union; which columns are read is of no account."""
    unions = [node for node in everywhere(found) if node["name"].strip() == "UNION"]
    inside = (map(said, everywhere(union["children"])) for union in unions)
    return {tuple(done for done in one if done[0] != "PROJECTION") for one in inside}


def outside(found: list[Any]) -> list[Any]:
    """What is read without a wall."""
    if not found:
        return []
    rest = [child for node in found if node["name"].strip() != "UNION" for child in unplaced(node)]
    scans = [node["extra_info"].get("Table", "") for node in found if not node["children"]]
    return [*scans, *outside(rest)]


def unplaced(node: Any) -> list[Any]:
    """What is below a node, but for rows that are read by nothing but their places, which were found beside them."""
    info, below = node["extra_info"], node["children"]
    if (info.get("Join Type"), info.get("Conditions")) != ("SEMI", "rowid = #0"):
        return list(below)
    rows = below[0]
    return list(below[1:] if rows["name"].strip() == "SEQ_SCAN" and "Filters" not in rows["extra_info"] else below)


class Walls:
    """Holds questions of one who sees some receivers only against what may be done with others' rows."""

    def __init__(self, cursor: duckdb.DuckDBPyConnection) -> None:
        self.cursor = cursor
        self.quiet = set().union(*(walled(plan(cursor, f"SELECT count(*) FROM {table}")) for table in TABLES))

    def hold(self, query: str, values: tuple[object, ...] = ()) -> None:
        """Nothing of it is below a wall, nothing is answered without reading, no table of others stands open."""
        found = plan(self.cursor, query, values)
        assert walled(found)
        assert walled(found) <= self.quiet, query
        assert "EMPTY_RESULT" not in {node["name"].strip() for node in everywhere(found)}, query
        assert set(outside(found)) <= SHARED, query


@pytest.mark.parametrize("reach", REACHES)
@pytest.mark.parametrize("table", TABLES)
def test_no_condition_is_worked_out_on_others_rows(many: Store, table: str, reach: Reach) -> None:
    with many.reading(reach) as cursor:
        walls = Walls(cursor)
        for name, kind, *_ in cursor.execute(f"DESCRIBE {table}").fetchall():
            forms = ASKED.get(kind, ("length(concat({0})) > 999",))  # of an ENUM it knows all that it can be
            for form in (*forms, "{0} IS NULL", "{0} IS NOT NULL"):
                condition = form.format(f'"{name}"')
                walls.hold(f"SELECT count(*) FROM {table} WHERE {condition}")


@pytest.mark.parametrize("query", QUERIES)
def test_nor_is_a_join_or_an_order(many: Store, query: str) -> None:
    for reach in REACHES:
        with many.reading(reach) as cursor:
            Walls(cursor).hold(query)


@pytest.mark.parametrize("view", [name for name in VIEWS if name != "trust"])
def test_nor_is_a_condition_on_what_is_worked_out(many: Store, view: str) -> None:
    for reach in REACHES:
        with many.reading(reach) as cursor:
            walls = Walls(cursor)
            for name, kind, *_ in cursor.execute(f"DESCRIBE {view}").fetchall():
                if kind in ASKED:
                    form = ASKED[kind][
                        -1
                    ]  # what DuckDB knows of the municipalities, which all may see, may answer others
                    condition = form.format(f'"{name}"')
                    walls.hold(f"SELECT count(*) FROM {view} WHERE {condition}")


def test_nor_is_a_filter_of_the_api(many: Store) -> None:
    given = {
        "status": ["missing"], "reason": ["no_receipt"], "receiver": ["0301"], "q": "o", "county": ["03"],
        "district": ["99"], "unit": ["zzz"], "channel": ["X"], "case_system": ["X"], "case_system_version": ["zzz"],
        "form": ["PRIVAT"], "receipt": ["FEILET"], "evidence": ["X"], "feed": ["zzz"], "alarm": ["closed"],
        "outcome": ["lost"], "flag": ["resent"],
    }  # fmt: skip
    times = {name: "2199-01-01T00:00:00Z" for name in ReportFilter.model_fields if name.endswith(("_from", "_to"))}
    given |= times | {"day_from": "2199-01-01", "day_to": "1999-01-01"}
    assert given.keys() == ReportFilter.model_fields.keys()
    with many.reading(REACHES[0]) as cursor:
        walls = Walls(cursor)
        for name, value in given.items():
            condition = where(ReportFilter.model_validate({name: value}).conditions())
            walls.hold(f"SELECT count(*) FROM reports {condition.sql}", condition.values)
            page = report_listing(ReportFilter.model_validate({name: value}), "-sent_at").select("report_id", 5)
            walls.hold(page.sql, page.values)
        for listing in (report_listing(ReportFilter(), "-sent_at"), announcement_listing("recorded_at", [])):
            for limit in (5, None):
                chosen = listing.select(listing.columns.json(), limit)
                walls.hold(chosen.sql, chosen.values)


@pytest.mark.parametrize("query", [ONE_REPORT, ITS_EVENTS])
@pytest.mark.parametrize("reach", REACHES)
def test_nor_is_the_id_of_one_report(many: Store, query: str, reach: Reach) -> None:
    with many.reading(reach) as cursor:
        Walls(cursor).hold(query, (report_id(3),))


class Held:
    """A cursor that holds everything that it is asked against the walls."""

    def __init__(self, cursor: duckdb.DuckDBPyConnection) -> None:
        self._cursor, self._walls = cursor, Walls(cursor)

    def execute(self, query: str, values: Sequence[Any] = ()) -> duckdb.DuckDBPyConnection:
        """As a cursor does."""
        self._walls.hold(query, tuple(values))
        return self._cursor.execute(query, values)


NOW = datetime(2026, 3, 3, tzinfo=UTC)
OF = {"municipality_today": "0301", "case_system": "X", "case_system_version": "1"}


@pytest.mark.parametrize(
    "ask",
    [
        lambda cursor: home_of(cursor, "0301", NOW.date(), NOW, "hour"),
        lambda cursor: lead(cursor, NOW.date(), NOW, "minute"),
        lambda cursor: alike(cursor, OF | {"report_id": report_id(3)}),
        lambda cursor: reports_called(cursor, report_id(3)[:8]),
        lambda cursor: reports_called(cursor, "m3"), lambda cursor: reports_called(cursor, "message-3"),
        lambda cursor: trends(cursor, NOW.date()), allowances,
    ],
)  # fmt: skip
@pytest.mark.parametrize("reach", REACHES)
def test_nor_is_what_the_pages_ask(many: Store, ask: Callable[[Any], Any], reach: Reach) -> None:
    with many.reading(reach) as cursor:
        ask(Held(cursor))


def test_nor_is_what_a_feed_has_said(many: Store) -> None:
    with many.reading(REACHES[0]) as cursor:
        Walls(cursor).hold(ITS_WORD, ("feed-3", 0))


def test_one_report_is_looked_for_by_its_id_alone(many: Store) -> None:
    """To read every column of all of one's own rows, and find one of them then, takes more than twice as long."""
    with many.reading(REACHES[0]) as cursor:
        (union, *_) = [
            node for node in everywhere(plan(cursor, ONE_REPORT, (report_id(3),)))
            if node["name"].strip() == "UNION" and "main.reports" in str(node)
        ]  # fmt: skip
        assert union["children"][0]["extra_info"]["Projections"] == "report_id"


def test_a_condition_beside_the_places_would_be_seen(many: Store) -> None:
    with many.reading(REACHES[0]) as cursor:
        walls = Walls(cursor)
        rows = few_rows("reports", "WHERE district = '77'")
        walls.hold(f"SELECT unit_id FROM {rows}")
        for condition in ("unit_id > 'z'", "length(concat(unit_id, unit_id)) > 999"):
            with pytest.raises(AssertionError):
                walls.hold(f"SELECT unit_id FROM {rows} WHERE {condition}")


def test_others_text_costs_nobody_any_time(store: Store) -> None:
    """What takes long on the text of others' rows takes no time when it is asked of one's own."""
    store.apply(changes([state(1), state(2, receiver=receiver("4601"))]))
    store.connection.execute(
        """INSERT INTO reports BY NAME SELECT r.* REPLACE (uuid() AS report_id, 'secret-' || t.i AS unit_id)
        FROM reports r, range(3000) t(i) WHERE r.municipality = '4601'"""
    )
    dear = "SELECT count(*) FROM reports WHERE length(replace(repeat(unit_id, 3000), 'secret-', '')) = 1"
    took = []
    for reach in (EVERYTHING, REACHES[0]):
        with store.reading(reach) as cursor:
            began = time.perf_counter()
            assert cursor.execute(dear).fetchall() == [(0,)]
            took.append(time.perf_counter() - began)
    assert took[1] < took[0] / 4, took


def test_todays_number_has_no_other_number_today() -> None:
    """By which one's own rows are found: they are looked for by it alone."""
    assert all(todays_number(todays_number(one.code)) == todays_number(one.code) for one in municipalities())


def test_views_of_a_file_are_made_anew(file: Path) -> None:
    """Those that another version has made might have no wall."""
    first = Store(file, "200MB", threads=1)
    first.begin("reports", "cluster")
    fill(first)
    with first.reading(REACHES[0]):
        first.connection.execute(f"CREATE OR REPLACE VIEW {REACHES[0].schema}.reports AS FROM main.reports")
    first.close()
    again = Store(file, "200MB", threads=1)
    with again.reading(REACHES[0]) as cursor:
        Walls(cursor).hold("SELECT count(*) FROM reports WHERE unit_id = '~'")
    again.close()

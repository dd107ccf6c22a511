"""All pages of a list give every row once, in order, whatever changes meanwhile."""

from base64 import urlsafe_b64encode
from datetime import UTC, datetime
from typing import Any, get_args

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from streams.problems import BadRequest
from streams.view.queries.filters import Cursor, Order, ReportFilter
from streams.view.queries.queries import Listing, announcement_listing, page, report_listing
from streams.view.store.store import Store
from tests.view.conftest import MEMORY
from tests.view.stock import after, bare, changes, missing, recovered, report_id, state

TIME = st.none() | st.sampled_from([after(), after(microseconds=1), after(seconds=1), after(hours=5, microseconds=500)])
ROWS = st.lists(st.fixed_dictionaries(dict.fromkeys(("sent_at", "due_at", "alarm_at"), TIME)), max_size=14)
ORDERS: tuple[Any, ...] = get_args(Order)


def pages(store: Store, listing: Listing, limit: int) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    following: str | None = None
    first = True
    while first or following:
        at = Cursor.read(following, listing.order) if following else None
        with store.reading() as cursor:
            rows, following = page(cursor, listing, limit, at)
        assert len(rows) == limit or not following
        found += [orjson.loads(row) for row in rows]
        first = False
    return found


def in_order(rows: list[dict[str, Any]], order: str) -> list[str]:
    """By Python: rows without the time last, rows of the same time by their ids."""
    name, sign = order.removeprefix("-"), -1 if order.startswith("-") else 1

    def key(row: dict[str, Any]) -> tuple[bool, float, str]:
        at = row[name]
        micros = 0 if at is None else (datetime.fromisoformat(at) - datetime(2020, 1, 1, tzinfo=UTC)).total_seconds()
        return at is None, sign * round(micros * 1e6), row["report_id"]

    return [row["report_id"] for row in sorted(rows, key=key)]


@settings(deadline=None, max_examples=8)
@given(rows=ROWS, limit=st.integers(1, 5))
def test_all_pages_together_give_every_report_once_in_every_order(rows: list[dict[str, Any]], limit: int) -> None:
    store = Store(None, MEMORY, threads=1)
    reports = [bare(number, **times) for number, times in enumerate(rows)]
    store.apply(changes(reports))
    for order in ORDERS:
        found = pages(store, report_listing(ReportFilter(), order), limit)
        assert [row["report_id"] for row in found] == in_order(reports, order)
    store.close()


@settings(deadline=None, max_examples=12)
@given(moments=st.lists(st.sampled_from([after(), after(seconds=1)]), max_size=12), limit=st.integers(1, 5))
def test_all_pages_together_give_every_announcement_once(moments: list[str], limit: int) -> None:
    store = Store(None, MEMORY, threads=1)
    for partition in (2, 10):
        batch = changes()
        made = changes(events=[missing(100 * partition + n) for n in range(len(moments))], partition=partition)
        batch.events = [
            event._replace(recorded_at=datetime.fromisoformat(moment))
            for event, moment in zip(made.events, moments, strict=True)
        ]
        store.apply(batch)
    expected = sorted((moment, partition, n) for partition in (2, 10) for n, moment in enumerate(moments))
    for order, by_time in (("recorded_at", 1), ("-recorded_at", -1)):
        found = pages(store, announcement_listing(order, ()), limit)
        same = sorted(expected, key=lambda one: (by_time * datetime.fromisoformat(one[0]).timestamp(), *one[1:]))
        assert [(row["recorded_at"], row["partition"], row["offset"]) for row in found] == same
    store.close()


@settings(deadline=None, max_examples=12)
@given(
    touched=st.lists(st.tuples(st.integers(0, 11), TIME, st.booleans()), max_size=8),
    order=st.sampled_from(ORDERS),
    rows=st.lists(TIME, min_size=12, max_size=12),
)
def test_a_report_that_did_not_change_between_two_pages_is_neither_skipped_nor_repeated(
    touched: list[tuple[int, str | None, bool]], order: Any, rows: list[str | None]
) -> None:
    store = Store(None, MEMORY, threads=1)
    name = order.removeprefix("-")
    given_ = [at or after() if name == "touched_at" else at for at in rows]
    store.apply(changes([bare(number, **{name: at}) for number, at in enumerate(given_)]))
    listing = report_listing(ReportFilter(), order)
    with store.reading() as cursor:
        first, following = page(cursor, listing, 5, None)
    for number, at, gone in touched:
        store.apply(changes([] if gone else [bare(number, **{name: at or after()})], gone=[number] if gone else []))
    with store.reading() as cursor:
        rest, _ = page(cursor, listing, 100, Cursor.read(str(following), order))
    seen = [orjson.loads(row)["report_id"] for row in (*first, *rest)]
    changed = {report_id(number) for number, _, _ in touched}
    untouched = [identity for identity in seen if identity not in changed]
    assert sorted(untouched) == sorted({report_id(number) for number in range(12)} - changed)
    store.close()


def made_up(*fields: Any) -> str:
    return urlsafe_b64encode(orjson.dumps(fields)).rstrip(b"=").decode()


TIME_TEXT, ID = "2026-03-02 09:00:00+00", report_id(1)
BAD = [
    "", "x", "æøå", "a" * 500, made_up(), made_up("-sent_at"), made_up("-sent_at", None, None),
    made_up("-sent_at", 1, ID), made_up("-sent_at", TIME_TEXT, "x"),
    made_up("-sent_at", "now", ID), made_up("-sent_at", "2026-02-30 09:00:00+00", ID),
    made_up("-sent_at", TIME_TEXT, "000000/0000000000000000001"), made_up("sent_at", TIME_TEXT, ID),
    made_up("-sent_at", TIME_TEXT, ID, 1), made_up("-sent_at", [TIME_TEXT], ID), made_up("-sent_at", "infinity", ID),
    urlsafe_b64encode(b"{}").decode(), urlsafe_b64encode(b"5").decode(), urlsafe_b64encode(b'"abc"').decode(),
]  # fmt: skip


@pytest.mark.parametrize("text", BAD)
def test_a_cursor_that_no_list_has_given_is_refused_with_what_to_do(text: str) -> None:
    with pytest.raises(BadRequest, match="leave the cursor out to begin at the first page"):
        Cursor.read(text, "-sent_at")


def test_a_cursor_is_read_as_it_was_written() -> None:
    for cursor in (
        Cursor("-sent_at", TIME_TEXT, ID),
        Cursor("due_at", None, ID),
        Cursor("-due_at", "2026-03-02 09:00:00.5+00", ID),
        Cursor("recorded_at", TIME_TEXT, "000010/0000000000000000001"),
    ):
        assert Cursor.read(cursor.written(), cursor.order) == cursor


def test_a_page_that_ends_with_the_list_has_no_next(store: Store) -> None:
    store.apply(changes([state(number) for number in range(4)], [missing(1), recovered(1)]))
    with store.reading() as cursor:
        assert page(cursor, report_listing(ReportFilter(), "sent_at"), 4, None).following is None
        assert page(cursor, report_listing(ReportFilter(), "sent_at"), 3, None).following is not None
        assert page(cursor, announcement_listing("recorded_at", ()), 2, None).following is None

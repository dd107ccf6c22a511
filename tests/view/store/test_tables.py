"""The tables' columns and views: what they count, and by which day and number."""

from typing import get_args

import pytest

from schemas.outputs import KnownReceiver, ReportClosed, ReportMissing, ReportRecovered, ReportState, Status
from streams.view.store.changes import event_table
from streams.view.store.store import Store
from streams.view.store.tables import EVENT_ROWS, PUBLIC, PUBLISHED, STATE_ROWS, STATUSES
from tests.view.filled import LOSS, ask
from tests.view.stock import (
    after,
    books,
    changes,
    coverage,
    decided,
    filled,
    missing,
    played,
    receiver,
    recovered,
    report_id,
    state,
    word,
)  # fmt: skip


def test_every_field_of_the_state_has_its_columns(store: Store) -> None:
    columns = {name for (name,) in ask(store, "SELECT column_name FROM duckdb_columns() WHERE table_name = 'reports'")}
    expected = set()
    for name, field in ReportState.model_fields.items():
        if name == "receiver":
            expected |= set(KnownReceiver.model_fields)
        elif name.endswith("_record"):
            (place, _) = get_args(field.annotation)
            expected |= {f"{name.removesuffix('record')}{part}" for part in place.model_fields}
        else:
            expected.add(name)
    derived = {"municipality_today", "sent_day", "sent_hour", "confirmation_seconds"}
    assert columns == expected - {"version", "held"} | derived


def test_every_public_table_and_view_answers(store: Store) -> None:
    made = played()
    spoken = [coverage(until=after(days=3), losses=[LOSS], feeds={"nightly": word(1, 2)}), books(stored=7)]
    filled(store, changes((*made.states, state(900, feed="nightly")), made.events, spoken))
    for name in set(PUBLIC) - {PUBLISHED}:  # which is made where a query reads it
        assert ask(store, f"SELECT * FROM {name}"), name


def test_windowed_counts_add_up_to_the_reports(store: Store) -> None:
    made = played()
    filled(store, changes(made.states, made.events))
    counted = ask(store, "SELECT status, count(*) FROM reports GROUP BY status")
    for view in ("counts_by_hour", "counts_by_day", "counts_by_month"):
        assert ask(store, f"SELECT sum(reports) FROM {view}") == [(len(made.states),)]
        for status, number in counted:
            assert ask(store, f"SELECT sum({status}) FROM {view}") == [(number,)]


def test_a_day_is_a_day_in_norway(store: Store) -> None:
    filled(store, changes([state(1, sent_at="2026-06-30T22:30:00.000000Z")]))
    assert ask(store, "SELECT CAST(day AS VARCHAR) FROM counts_by_day") == [("2026-07-01",)]
    assert ask(store, "SELECT CAST(month AS VARCHAR) FROM counts_by_month") == [("2026-07-01",)]


def test_missing_now_says_what_the_portal_still_has(store: Store) -> None:
    filled(store, changes([state(1, "missing"), state(2, "recovered")], [missing(1), missing(2), recovered(2)]))
    rows = ask(store, "SELECT CAST(report_id AS VARCHAR), municipality_name, portal_deletes_at FROM missing_now")
    assert [(identity, name) for identity, name, _ in rows] == [(report_id(1), "Oslo")]
    assert rows[0][2] is not None


def test_missing_now_says_which_alarms_somebody_closed(store: Store) -> None:
    closed = state(1, "missing", outcome="found", closed_at=after(hours=4), feed="nightly", episode=2)
    filled(store, changes([closed, state(2, "missing")], [missing(1), missing(2), decided(1, "found")]))
    rows = ask(store, "SELECT outcome, closed_at IS NULL, feed, episode FROM missing_now ORDER BY report_id")
    assert rows == [("found", False, "nightly", 2), (None, True, None, 1)]


@pytest.mark.parametrize(("table", "rows"), [("reports", STATE_ROWS), ("announcements", EVENT_ROWS)])
def test_a_table_has_the_columns_that_the_records_give(store: Store, table: str, rows: str) -> None:
    with store.connection.cursor() as cursor:
        cursor.register("batch", event_table([]))
        made, given = (cursor.execute(f"DESCRIBE {one}").fetchall() for one in (table, f"({rows})"))
    assert [column[:2] for column in made] == [column[:2] for column in given]


def test_an_announcement_has_a_column_for_whatever_any_of_the_four_says(store: Store) -> None:
    told = missing(1, receipt={"receipt": "MOTTATT", "arrived": after()}, feed={"id": "f", "vouched_until": after()})
    filled(store, changes([], [told, decided(1), recovered(1)]))
    query = "SELECT column_name, data_type FROM duckdb_columns() WHERE table_name = 'announcements'"
    columns = dict(ask(store, query))
    fields = {name for model in (ReportMissing, ReportRecovered, ReportClosed) for name in model.model_fields}
    nested = {"receiver", "sent_record"}
    of_record = {"recorded_at", "partition", "offset", "event"}
    flat = {*KnownReceiver.model_fields, "receipt_arrived", "feed_vouched_until", *of_record}
    assert columns.keys() == fields - nested | flat | {"municipality_today"}
    assert columns["episode"] == "INTEGER"
    assert ask(
        store, "SELECT type, receipt, feed, outcome, cause FROM announcements ORDER BY arrived_at NULLS FIRST"
    ) == [
        ("missing", "MOTTATT", "f", None, None),
        ("closed", None, None, "handled", None),
        ("recovered", None, None, None, "stored_late"),
    ]


def test_every_status_of_the_contract_is_shown_but_of_what_was_erased() -> None:
    assert {*STATUSES, "erased"} == set(get_args(Status))


def test_a_report_is_found_under_todays_number(store: Store) -> None:
    filled(store, changes([state(1, receiver=receiver("1201"))]))
    assert ask(store, "SELECT municipality, municipality_today FROM reports") == [("1201", "4601")]

"""Each filter lets through what a plain look at the rows lets through."""

from collections.abc import Callable
from datetime import datetime
from functools import cache
from typing import Any
from zoneinfo import ZoneInfo

import httpx
import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from schemas.common import ids_that_begin
from streams.data import municipalities, todays_number
from streams.view.http.api import AnnouncementQuery
from streams.view.queries.filters import ReportFilter
from streams.view.queries.queries import announcement_listing, page, report_listing
from streams.view.services import Desk
from streams.view.store.store import Store
from tests.view.conftest import MEMORY
from tests.view.stock import after, bare, changes, missing, played, receiver, recovered, report_id, state

Row = dict[str, Any]
ODD = (
    bare(900),
    state(901, receiver={"municipality": "0301", "district": "07", "unit_id": "u-1", "org_number": "987654321"}),
    state(902, "recovered", flags=["clock_ahead", "stored_after_due"], form="OFFENTLIG"),
    state(903, flags=["clock_ahead"], sent_at=None, due_at=None, alarm_at=None),
    state(905, "undetermined", feed="flyt-bergen"),
    state(906, "missing", feed="nightly"),
    state(907, "missing", outcome="lost", closed_at=after(hours=9)),
    state(908, "missing", outcome="found", closed_at=after(hours=9)),
    state(909, "recovered", outcome="lost", closed_at=after(hours=9), flags=["contradicts_outcome"]),
    state(904, receiver={"municipality": "9999", "district": None, "unit_id": None, "org_number": None}),
)


@cache
def stocked() -> Store:
    """A store that no test changes."""
    store = Store(None, MEMORY, threads=1)
    store.apply(changes((*played(80).states, *ODD), (*played(80).events, missing(902), recovered(902))))
    return store


def found(chosen: ReportFilter) -> list[Row]:
    """Rows as the API gives them."""
    with stocked().reading() as cursor:
        return [orjson.loads(row) for row in page(cursor, report_listing(chosen, "sent_at"), 1000, None).rows]


@cache
def everything() -> tuple[Row, ...]:
    """All rows, in the order of the list."""
    return tuple(found(ReportFilter()))


def is_any(column: str) -> Callable[[Row, list[str]], bool]:
    return lambda row, values: row[column] in values


def is_of(row: Row, numbers: list[str]) -> bool:
    number = row["municipality"]
    known = [one for one in numbers if one in KNOWN]
    return number in numbers or (number is not None and todays_number(number) in {todays_number(n) for n in known})


def is_in(row: Row, counties: list[str]) -> bool:
    return row["municipality"] is not None and todays_number(row["municipality"])[:2] in counties


def alarm_of(row: Row) -> str | None:
    """Whether the alarm of a missing report is open."""
    return None if row["status"] != "missing" else "open" if row["outcome"] is None else "closed"


OSLO = ZoneInfo("Europe/Oslo")
KNOWN = {"0301", "4601", "1201", "1507", "5021", "3907", "1103"}
PLAIN: dict[str, tuple[list[str], Callable[[Row, list[str]], bool]]] = {
    "status": (["pending", "stored", "missing", "recovered", "unexpected", "unproven"], is_any("status")),
    "reason": (["no_receipt", "receipted_not_stored", "rejected"], is_any("reason")),
    "receiver": (["0301", "4601", "1201", "1507", "9999", "0000"], is_of),
    "county": (["03", "46", "15", "99"], is_in),
    "district": (["00", "01", "07"], is_any("district")),
    "unit": (["u-1", "u-2"], is_any("unit_id")),
    "channel": (["FIKS_IO", "SVARINN", "PRINT"], is_any("channel")),
    "case_system": (["VISMA_FAMILIA", "UKJENT", "OTHER"], is_any("case_system")),
    "case_system_version": (["7.3.1", "2", "3"], is_any("case_system_version")),
    "form": (["PRIVAT", "OFFENTLIG"], is_any("form")),
    "receipt": (["MOTTATT", "FEILET"], is_any("receipt")),
    "evidence": (["READ_BACK", "MANUAL", "RECONCILIATION"], is_any("evidence")),
    "feed": (["flyt-bergen", "nightly", "other"], is_any("feed")),
    "alarm": (["open", "closed"], lambda row, values: alarm_of(row) in values),
    "outcome": (["found", "lost", "handled"], is_any("outcome")),
    "flag": (["clock_ahead", "stored_after_due", "other"], lambda row, values: bool({*values} & {*row["flags"]})),
}
TIMES: dict[str, tuple[str, Callable[[datetime, datetime], bool]]] = {
    "sent_from": ("sent_at", lambda at, limit: at >= limit),
    "sent_to": ("sent_at", lambda at, limit: at < limit),
    "alarm_from": ("alarm_at", lambda at, limit: at >= limit),
    "alarm_to": ("alarm_at", lambda at, limit: at < limit),
    "touched_from": ("touched_at", lambda at, limit: at >= limit),
}


DAYS: dict[str, Callable[[str, str], bool]] = {
    "day_from": lambda day, limit: day >= limit,
    "day_to": lambda day, limit: day <= limit,
}
NAMES = ["oslo", "BERG", "0301", "46", "50", "zzz", "%", "_"]


def is_called(row: Row, text: str) -> bool:
    """By any number or name that today's municipality has or had."""
    today = row["municipality_today"]
    called = [one for one in municipalities() if todays_number(one.code) == today]
    return any(text.lower() in one.name.lower() or one.code.startswith(text) for one in called)


def plainly(row: Row, name: str, value: Any) -> bool:
    if name == "q":
        return is_called(row, value)
    if name in DAYS:
        sent = row["sent_at"]
        return sent is not None and DAYS[name](datetime.fromisoformat(sent).astimezone(OSLO).date().isoformat(), value)
    if name in PLAIN:
        return PLAIN[name][1](row, value)
    column, holds = TIMES[name]
    at = row[column]
    return at is not None and holds(datetime.fromisoformat(at), datetime.fromisoformat(value))


def test_every_filter_has_its_plain_look() -> None:
    assert PLAIN.keys() | TIMES.keys() | DAYS.keys() | {"q"} == ReportFilter.model_fields.keys()


@pytest.mark.parametrize(("name", "value"), [(name, value) for name, (values, _) in PLAIN.items() for value in values])
def test_one_value_of_one_filter(name: str, value: str) -> None:
    expected = [row for row in everything() if plainly(row, name, [value])]
    assert found(ReportFilter(**{name: [value]})) == expected


@pytest.mark.parametrize("text", NAMES)
def test_a_part_of_a_name_or_number_finds_its_municipality(text: str) -> None:
    assert found(ReportFilter(q=text)) == [row for row in everything() if is_called(row, text)]


FILTERS = st.fixed_dictionaries(
    {},
    optional={name: st.lists(st.sampled_from(values), min_size=1, max_size=3) for name, (values, _) in PLAIN.items()}
    | {name: st.integers(0, 600).map(lambda minutes: after(minutes=minutes)) for name in TIMES}
    | {name: st.integers(-2, 3).map(lambda days: after(days=days)[:10]) for name in DAYS}
    | {"q": st.sampled_from(NAMES)},
)


@settings(deadline=None, max_examples=60)
@given(chosen=FILTERS)
def test_any_filters_together(chosen: dict[str, Any]) -> None:
    expected = [row for row in everything() if all(plainly(row, name, value) for name, value in chosen.items())]
    assert found(ReportFilter(**chosen)) == expected


def test_a_former_number_finds_what_was_sent_to_any_of_a_municipalitys_numbers() -> None:
    assert {row["municipality"] for row in found(ReportFilter(receiver=["1201"]))} == {"1201", "4601"}


@pytest.mark.parametrize(
    "wrong",
    [{"status": ["lost"]}, {"receiver": ["301"]}, {"county": ["3"]}, {"channel": ["fiks"]}, {"sent_from": "noon"},
     {"sent_from": "2026-01-01T00:00:00"}, {"unit": ["01010112345"]}, {"colour": ["red"]}],
)  # fmt: skip
def test_a_filter_that_cannot_be_read_is_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        ReportFilter(**wrong)


@pytest.mark.parametrize(
    ("chosen", "holds"),
    [
        ({"type": ["missing"]}, lambda row: row["type"] == "missing"),
        ({"type": ["missing", "recovered"]}, lambda row: True),
        ({"reason": ["no_receipt"]}, lambda row: row["reason"] == "no_receipt"),
        ({"receiver": ["4601"]}, lambda row: row["municipality"] in ("1201", "4601")),
        ({"report_id": report_id(902)}, lambda row: row["report_id"] == report_id(902)),
        ({"report_id": report_id(902).upper()}, lambda row: row["report_id"] == report_id(902)),
        ({"recorded_from": after(hours=10)}, lambda row: row["recorded_at"] >= after(hours=10)),
        ({"recorded_to": after(hours=10)}, lambda row: row["recorded_at"] < after(hours=10)),
    ],
)
def test_announcements_have_their_own_filters(chosen: dict[str, Any], holds: Callable[[Row], bool]) -> None:
    def announced(query: AnnouncementQuery) -> list[Row]:
        with stocked().reading() as cursor:
            listing = announcement_listing(query.order, query.conditions())
            return [orjson.loads(row) for row in page(cursor, listing, 1000, None).rows]

    all_of_them = announced(AnnouncementQuery())
    assert announced(AnnouncementQuery(**chosen)) == [row for row in all_of_them if holds(row)]
    assert any(map(holds, all_of_them))


async def test_a_search_knows_municipalities_report_ids_and_message_ids(desk: Desk, client: httpx.AsyncClient) -> None:
    rows = [state(1, message_ids=["msg-1-a"]), state(2, receiver=receiver("1201"), message_ids=["msg-2-b"])]
    desk.store.apply(changes(rows))
    wanted = {
        "00000001": [1], report_id(1): [1], report_id(2).upper(): [2], "00000002-0000": [2], report_id(1)[:13]: [1],
        "msg-2-b": [2], "msg-2": [], "bergen": [2], "1201": [2], "4601": [2], "00000003": [], "0000000": [],
    }  # fmt: skip
    for q, numbers in wanted.items():
        for path in ("/api/v1/reports", "/reports"):
            answer = await client.get(path, params={"q": q})
            assert answer.status_code == 200
            found = [n for n in (1, 2) if report_id(n) in answer.text]
            assert found == numbers, (path, q)


@pytest.mark.parametrize(
    ("text", "ids"),
    [
        ("0000000", None), ("0000000g", None), ("", None), ("0" * 33, None), ("oslo", None),
        ("0000000A", ("0000000a-0000-0000-0000-000000000000", "0000000a-ffff-ffff-ffff-ffffffffffff")),
        (" 0000000a-1 ", ("0000000a-1000-0000-0000-000000000000", "0000000a-1fff-ffff-ffff-ffffffffffff")),
        (report_id(7), (report_id(7), report_id(7))),
    ],
)  # fmt: skip
def test_an_id_may_be_given_by_its_beginning(text: str, ids: tuple[str, str] | None) -> None:
    assert ids_that_begin(text) == ids

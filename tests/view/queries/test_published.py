"""Whoever sees counts only: no count from 1 to 4, and none that any answers tell together, whatever is asked."""

from collections.abc import AsyncIterator, Iterator
from fractions import Fraction
from typing import Any

import httpx
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from streams.presentation.small_numbers import LEAST_SHOWN
from streams.view.queries.filters import ReportFilter
from streams.view.queries.published import ASKED, BASES, Published, together
from streams.view.queries.queries import COUNTS
from streams.view.services import Desk
from streams.view.store.tables import STATUSES
from tests.view.conftest import asking
from tests.view.filled import fill
from tests.view.stock import changes, receiver, state

API = "/api/v1"
PLACES, MONTHS, SYSTEMS = ("0301", "4601", "1103"), ("2026-01-01", "2026-02-01"), (("A", "1"), ("A", "2"), ("B", None))
REPORT = st.tuples(*map(st.sampled_from, (PLACES, MONTHS, SYSTEMS, ("X", "Y"), STATUSES)), st.integers(1, 9))
KEYS: dict[str, Any] = {
    "receiver": lambda report: {"municipality": report[0], "county": report[0][:2]},
    "month": lambda report: {"month": report[1]},
    "version": lambda report: dict(zip(("case_system", "case_system_version"), report[2], strict=True)),
    "channel": lambda report: {"channel": report[3]},
}
Cell = tuple[str, int, str]


def counted(reports: list[Any]) -> dict[str, int]:
    found = {status: sum(report[5] for report in reports if report[4] == status) for status in STATUSES}
    return {"reports": sum(found.values())} | found


def grouped(reports: list[Any], name: str) -> list[dict[str, Any]]:
    keys = {tuple(sorted(KEYS[name](report).items(), key=str)) for report in reports}
    return [
        dict(key) | counted([one for one in reports if KEYS[name](one) == dict(key)]) for key in sorted(keys, key=str)
    ]


def equations(shown: Published) -> Iterator[tuple[dict[Cell, int], int]]:
    """All that a reader of every answer knows: the sums of lines, and those of columns up to the total all share."""
    rows = {(name, n): row for name, table in shown.tables.items() for n, row in enumerate(table)}
    for (name, n), row in ({("", 0): shown.total} | rows).items():
        yield sum_of([((name, n, status), row[status], 1) for status in STATUSES], (name, n, "reports"), row["reports"])
    for name, table in shown.tables.items():
        for column in COUNTS if table else ():
            parts = [((name, n, column), row[column], 1) for n, row in enumerate(table)]
            yield sum_of(parts, ("", 0, column), shown.total[column])


def sum_of(parts: list[Any], whole: Cell, number: int | None) -> tuple[dict[Cell, int], int]:
    unknown = {cell: sign for cell, known, sign in parts if known is None} | ({whole: -1} if number is None else {})
    return unknown, (number or 0) - sum(known for _, known, _ in parts if known is not None)


def told(shown: Published) -> set[Cell]:
    """The hidden counts that all answers together determine, by Gauss."""
    lines = [dict(line) for line, _ in equations(shown) if line]
    solved: dict[Cell, dict[Cell, Fraction]] = {}
    for line in lines:
        left = {cell: Fraction(sign) for cell, sign in line.items()}
        for pivot, by in solved.items():
            left = without(left, pivot, by)
        if not left:
            continue
        pivot, factor = next(iter(left.items()))
        made = {cell: value / factor for cell, value in left.items()}
        solved = {one: without(by, pivot, made) for one, by in solved.items()} | {pivot: made}
    return {pivot for pivot, by in solved.items() if set(by) == {pivot}}


def without(line: dict[Cell, Fraction], pivot: Cell, by: dict[Cell, Fraction]) -> dict[Cell, Fraction]:
    factor = line.get(pivot, Fraction(0))
    made = {cell: line.get(cell, Fraction(0)) - factor * by.get(cell, Fraction(0)) for cell in line.keys() | by.keys()}
    return {cell: value for cell, value in made.items() if value}


@settings(deadline=None)
@given(reports=st.lists(REPORT, min_size=1, max_size=12))
def test_all_answers_together_tell_no_small_count(reports: list[Any]) -> None:
    total, groups = counted(reports), {name: grouped(reports, name) for name in BASES}
    shown = together(total, groups)
    asked = [*(row for by in ASKED for row in shown.by(by)), shown.total]
    assert not [row[name] for row in asked for name in COUNTS if row[name] in range(1, LEAST_SHOWN)]
    assert not told(shown)
    for name, table in shown.tables.items():
        for before, after in zip(groups[name], table, strict=False):
            assert all(after[one] in (None, before[one]) for one in COUNTS)


TOGETHER_SMALL = [
    *[("0301", "2026-01-01", ("A", "1"), "X", *said) for said in (("pending", 5), ("stored", 1), ("missing", 2))],
    ("0301", "2026-01-01", ("A", "1"), "X", "recovered", 1),
    *[("0301", "2026-01-01", ("A", "2"), "X", *said) for said in (("pending", 5), ("recovered", 2))],
    ("0301", "2026-01-01", ("B", None), "X", "recovered", 5),
]  # two versions of one case system have one and two: that one has three is as small


@example(reports=TOGETHER_SMALL)
@settings(deadline=None)
@given(reports=st.lists(REPORT, min_size=1, max_size=12))
def test_no_two_answers_differ_by_a_small_count(reports: list[Any]) -> None:
    """Every pair: what one shows of a part of what the other shows leaves nothing small."""
    shown = together(counted(reports), {name: grouped(reports, name) for name in BASES})
    for column in COUNTS:
        for by in ASKED:
            for one in shown.by(by):
                number, whole = one[column], shown.total[column]
                if number is not None and whole is not None and len(shown.by(by)) == 2:
                    assert whole - number not in range(1, LEAST_SHOWN)
        for county in shown.by(("county",)):
            of = [row for row in shown.by(("receiver",)) if (row["municipality"] or "")[:2] == county["county"]]
            assert county[column] is None or county[column] == sum(row[column] for row in of)


@pytest.fixture
async def few(counting: Desk) -> AsyncIterator[httpx.AsyncClient]:
    fill(counting)
    rows = [
        state(2000 + n, STATUSES[n % 3], receiver=receiver(("0301", "4601", "3301")[n % 5 % 3]), channel="FIKS_IO")
        for n in range(80)
    ]
    counting.store.apply(changes(rows, at=900))
    async with asking(counting) as made:
        yield made


async def test_the_fixed_tables_are_answered(few: httpx.AsyncClient) -> None:
    total = (await few.get(f"{API}/summary")).json()["total"]
    for by in ASKED:
        answer = await few.get(f"{API}/summary", params={"by": list(by)})
        assert answer.status_code == 200
        assert answer.json()["total"] == total
    assert (await few.get(f"{API}/summary")).json()["alarms"] is None
    groups = (await few.get(f"{API}/summary?by=receiver")).json()["groups"]
    assert {group["municipality"]: group["reports"] for group in groups}["3301"] >= LEAST_SHOWN
    found = (await few.post(f"{API}/sql", json={"query": "SELECT municipality, reports FROM counts_suppressed"})).json()
    assert {tuple(row) for row in found["rows"]} >= {(group["municipality"], group["reports"]) for group in groups}


@pytest.mark.parametrize("name", sorted(ReportFilter.model_fields))
async def test_no_question_is_of_a_part(few: httpx.AsyncClient, name: str) -> None:
    values = {"q": "o", "county": "03", "district": "03", "receiver": "0301", "status": "missing", "form": "PRIVAT"}
    values |= {"reason": "no_receipt", "receipt": "FEILET", "day_from": "2026-03-01", "day_to": "2026-03-01"}
    values |= {"alarm": "open", "outcome": "found"}
    value = values.get(name, "2026-03-02T12:00:00Z" if name.endswith(("_from", "_to")) else "A")
    for path in ("summary", "confirmation-times"):
        answer = await few.get(f"{API}/{path}", params={name: value if name != "flag" else "resent"})
        assert (answer.status_code, answer.json()["type"]) == (403, "urn:meldingsvakt:problem:counts-only"), path


@pytest.mark.parametrize(
    "by",
    [
        "day",
        "hour",
        "status",
        "reason",
        "alarm",
        "outcome",
        "district",
        "form",
        "evidence",
        "case_system_version",
        "receiver&by=month",
    ],
)
async def test_no_question_groups_otherwise(few: httpx.AsyncClient, by: str) -> None:
    answer = await few.get(f"{API}/summary?by={by}")
    assert (answer.status_code, answer.json()["type"]) == (403, "urn:meldingsvakt:problem:counts-only")
    assert "fixed tables" in answer.json()["detail"]


async def test_nothing_rounded_stands_beside_what_is_exact(few: httpx.AsyncClient) -> None:
    for by in ("", "?by=month", "?by=case_system&by=month", "?by=channel"):
        groups = (await few.get(f"{API}/confirmation-times{by}")).json()["groups"]
        assert all(group["confirmed"] is None for group in groups)
    assert (await few.get(f"{API}/confirmation-times?by=receiver")).status_code == 403
    assert (await few.get(f"{API}/books")).json()["books"] == []
    assert (await few.get(f"{API}/statements/0301/2026-03")).status_code == 403
    for path, status in (
        ("/", 200), ("/receivers", 200), ("/receivers/0301", 403), ("/receivers/0301/2026-03", 403),
        ("/confirmation", 200), ("/books", 200), ("/sql?query=FROM+counts_suppressed", 200),
    ):  # fmt: skip
        assert (await few.get(path)).status_code == status, path

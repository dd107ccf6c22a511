"""What somebody means who writes into one box: a municipality, a report, a message."""

from collections.abc import Callable
from difflib import get_close_matches
from typing import Any, NamedTuple

import duckdb
import orjson

from streams.data import todays_number
from streams.presentation.municipality_names import municipality_names
from streams.view.queries import queries
from streams.view.queries.columns import REPORTS
from streams.view.queries.filters import identified

MOST_HITS = 50


class Hits(NamedTuple):
    """Today's numbers of municipalities, by name; rows of reports, the latest first; `more` if there are still more.

    `exact`: the municipality of this very name, or of this number, today's or a former one, where it is only one.
    """

    municipalities: list[str]
    exact: str | None
    reports: list[dict[str, Any]]
    more: bool = False

    @property
    def only_municipality(self) -> str | None:
        """The one that is meant; None where it may be another, or a report."""
        if self.exact is not None:
            return self.exact
        return self.municipalities[0] if len(self.municipalities) == 1 and not self.reports else None

    @property
    def only_report(self) -> str | None:
        """The id of the report that is meant; None where it may be another, or a municipality."""
        return self.reports[0]["report_id"] if len(self.reports) == 1 and not self.municipalities else None


def numbers_called(q: str) -> set[str]:
    """Today's numbers of the municipalities whose name, number, or a former name or number, this is a part of."""
    wanted = q.lower()
    return {
        todays_number(code) for code, name in municipality_names().items()
        if wanted in name.lower() or code.startswith(wanted)
    }  # fmt: skip


def name_meant(q: str | None) -> str | None:
    """The municipality whose name is nearest to what was searched in vain; None where none is near."""
    names = {name.lower(): name for name in municipality_names().values()}
    near = get_close_matches((q or "").lower(), list(names), n=1, cutoff=0.7)
    return names[near[0]] if near and near[0] != (q or "").lower() else None


def search(cursor: duckdb.DuckDBPyConnection | None, text: str, within_reach: Callable[[str], bool]) -> Hits:
    """What there is; without a cursor among municipalities only."""
    names = municipality_names()
    numbers = sorted(filter(within_reach, numbers_called(text)), key=lambda code: (names.get(code, code), code))
    same = {todays_number(code) for code, name in names.items() if text == code or _is_today(code, name, text)}
    exact = [code for code in numbers if code in same]
    rows = reports_called(cursor, text) if cursor is not None else []
    return Hits(numbers, exact[0] if len(exact) == 1 else None, rows[:MOST_HITS], len(rows) > MOST_HITS)


def _is_today(code: str, name: str, text: str) -> bool:
    """Berg was a municipality once; who writes it may well mean Bergen."""
    return name.lower() == text.lower() and todays_number(code) == code


def reports_called(cursor: duckdb.DuckDBPyConnection, text: str) -> list[dict[str, Any]]:
    """By the beginning of their id; only where there is none, by a message's id: that is looked for in all rows."""
    for condition in identified(text):
        listing = queries.Listing(REPORTS, "reports", "-sent_at", ("report_id",), (condition,))
        found = queries.page(cursor, listing, MOST_HITS + 1, None).rows
        if found:
            return [orjson.loads(row) for row in found]
    return []

"""How many others are missing that have something in common with a report."""

from collections.abc import Mapping
from typing import Any, NamedTuple

import duckdb

from streams.view.queries.filters import Condition, ReportFilter, where
from streams.view.store.freshness import Picture

_SHARED = ("receiver", "version")


class Alike(NamedTuple):
    """How many others are missing, and by which filter they are found."""

    number: int
    chosen: Mapping[str, str]


def alike(cursor: duckdb.DuckDBPyConnection, report: Mapping[str, Any]) -> dict[str, Alike]:
    """Of the same receiver, and of the same case system and version; what a report does not say it shares with none."""
    shared = (
        {"receiver": report["municipality_today"]},
        {name: report[name] for name in ("case_system", "case_system_version")},
    )
    known = {
        name: {key: value for key, value in of.items() if value is not None}
        for name, of in zip(_SHARED, shared, strict=True)
    }
    return {name: Alike(_others(cursor, report, of), of) for name, of in known.items() if of and _told(of)}


def is_nobody_else(picture: Picture, found: Mapping[str, Alike], *, sees_all: bool) -> bool:
    """True where it may be said that no other is missing: both were asked, of all receivers, in a whole picture."""
    return picture.whole and sees_all and len(found) == len(_SHARED) and not any(one.number for one in found.values())


def _told(of: Mapping[str, str]) -> bool:
    """A version alone says nothing: each system counts its own."""
    return "case_system" in of or "receiver" in of


def _others(cursor: duckdb.DuckDBPyConnection, report: Mapping[str, Any], of: Mapping[str, str]) -> int:
    # As they stand in the report, also where no filter would take them.
    given: dict[str, Any] = {name: [value] for name, value in of.items()} | {"status": ["missing"]}
    chosen = ReportFilter.model_construct(**given)
    condition = where([*chosen.conditions(), Condition("report_id <> CAST(? AS UUID)", (report["report_id"],))])
    ((number,),) = cursor.execute(f"SELECT count(*) FROM reports {condition.sql}", condition.values).fetchall()
    return int(number)

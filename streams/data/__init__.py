"""Facts about Norway that the checker and its simulation need, as they were published."""

import csv
from collections.abc import Iterator
from datetime import UTC, date, datetime
from functools import cache
from importlib.resources import files
from typing import NamedTuple

from streams.core.receivers import Municipalities


class Municipality(NamedTuple):
    """One municipality number and its life. `valid_to` is the first day on which it is no longer used."""

    code: str
    name: str
    valid_from: date | None
    valid_to: date | None
    successors: tuple[str, ...]


class Outage(NamedTuple):
    """One outage of the portal (UTC)."""

    start: datetime
    end: datetime


@cache
def municipalities() -> tuple[Municipality, ...]:
    """Every number in use since 2019. Source: Statistics Norway, classification 131, 2020-2024."""
    return tuple(
        Municipality(
            row["code"],
            row["name"],
            date.fromisoformat(row["valid_from"]) if row["valid_from"] else None,
            date.fromisoformat(row["valid_to"]) if row["valid_to"] else None,
            tuple(filter(None, row["successors"].split("|"))),
        )
        for row in _rows("municipalities.csv")
    )


@cache
def counties() -> dict[str, str]:
    """The counties since 2024: the first two digits of a municipality's number, and the name."""
    return {row["code"]: row["name"] for row in _rows("counties.csv")}


@cache
def todays_number(code: str) -> str:
    """The number that a municipality has today; its own where it was split or is not known."""
    successors = {municipality.code: municipality.successors for municipality in municipalities()}
    while len(successors.get(code, ())) == 1:
        (code,) = successors[code]
    return code


@cache
def former_numbers(code: str) -> tuple[str, ...]:
    """The numbers that a municipality had before this one, the last one first; all of them where several became one."""
    former = [m for m in municipalities() if m.code != code and todays_number(m.code) == code]
    return tuple(m.code for m in sorted(former, key=lambda m: (m.valid_to or date.max, m.code), reverse=True))


@cache
def portal_outages() -> tuple[Outage, ...]:
    """The portal's outages from 2020 to 2026. Source: its public status messages."""
    return tuple(
        Outage(*(datetime.fromisoformat(row[name]).astimezone(UTC) for name in ("start", "end")))
        for row in _rows("portal_outages.csv")
    )


@cache
def public_holidays() -> tuple[date, ...]:
    """Norway's from 2015 to 2050, in order; an ordinary Sunday is none. Source: the library `holidays`."""
    return tuple(date.fromisoformat(row["date"]) for row in _rows("holidays_no.csv"))


@cache
def succession() -> Municipalities:
    """Which numbers descend from which, for the core."""
    successors: dict[str, set[str]] = {}
    for municipality in municipalities():
        successors.setdefault(municipality.code, set()).update(municipality.successors)
    return Municipalities(successors)


def _rows(name: str) -> Iterator[dict[str, str]]:
    text = files("streams.data").joinpath(name).read_text(encoding="utf-8")
    yield from csv.DictReader(text.splitlines())

"""How much of the tables somebody may see, and the views that show just that.

Whoever may see some receivers only asks everything, SQL included, in a schema of views of their own: its `reports` are
theirs, and so is all that is worked out from it. No query has to remember a condition.
"""

import hashlib
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from streams.data import todays_number

ALL_SCHEMA = "main"
OWN_PREFIX = "own_"
# What tells nothing of single receivers.
SHARED = ("municipalities", "coverage", "losses")


class Receiver(NamedTuple):
    """A municipality by today's number, or a part of it: a district, a unit."""

    municipality: str
    district: str | None = None
    unit: str | None = None

    @property
    def whole(self) -> bool:
        """True if it is the whole municipality."""
        return self.district is None and self.unit is None


class Reach(NamedTuple):
    """`rows`: single reports, else counts only and none under 5. `receivers`: whose; None for everybody's."""

    rows: bool
    receivers: frozenset[Receiver] | None = None
    sql: bool = True

    @property
    def schema(self) -> str:
        """The schema in which its questions are asked."""
        if self.receivers is None:
            return ALL_SCHEMA
        names = "\n".join(sorted(map(repr, self.receivers)))
        return OWN_PREFIX + hashlib.sha256(names.encode()).hexdigest()[:16]

    def has(self, municipality: str) -> bool:
        """True if a municipality, or a part of it, is within reach, under today's number or a former one."""
        numbers = (municipality, todays_number(municipality))
        return self.receivers is None or any(one.municipality in numbers for one in self.receivers)

    def has_whole(self, municipality: str) -> bool:
        """True if all of a municipality is within reach."""
        return self.receivers is None or Receiver(todays_number(municipality)) in self.receivers


EVERYTHING = Reach(rows=True)
COUNTS = Reach(rows=False)


def own_tables(receivers: Iterable[Receiver]) -> Iterator[tuple[str, str]]:
    """The tables of some receivers, as views: name and query. Where nobody is named, they are empty."""
    ordered = sorted(receivers, key=repr)
    mine = " OR ".join(f"({condition})" for condition in map(_condition, ordered)) or "false"
    yield "reports", f"SELECT * FROM main.reports WHERE {mine}"
    yield "announcements", f"SELECT * FROM main.announcements WHERE {mine}"
    # The books know no parts of a municipality.
    whole = " OR ".join(f"({_condition(one, _TODAY)})" for one in ordered if one.whole) or "false"
    yield "books", f"SELECT * FROM main.books WHERE {whole}"
    for name in SHARED:
        yield name, f"SELECT * FROM main.{name}"


_TODAY = "(SELECT today FROM main.municipalities WHERE code = municipality)"


def _condition(receiver: Receiver, today: str = "municipality_today") -> str:
    number = _text(receiver.municipality)
    parts = [f"municipality = {number} OR {today} = {number}"]
    parts += [f"{name} = {_text(value)}" for name, value in _parts(receiver)]
    return " AND ".join(f"({part})" for part in parts)


def _parts(receiver: Receiver) -> Iterator[tuple[str, str]]:
    if receiver.district is not None:
        yield "district", receiver.district
    if receiver.unit is not None:
        yield "unit_id", receiver.unit


def _text(value: str) -> str:
    return "'" + value.replace("'", "''") + "'"

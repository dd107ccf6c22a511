"""The tables of some receivers, as views over all tables.

Whoever may see some receivers only asks everything, SQL included, in a schema of views of their own: its `reports` are
theirs, and so is all that is worked out from it. No query has to remember a condition.
"""

from collections.abc import Iterable, Iterator

from streams.access.scope import ReceiverScope

# What tells nothing of single receivers.
SHARED = ("municipalities", "coverage", "losses")

_TODAY = "(SELECT today FROM main.municipalities WHERE code = municipality)"


def own_tables(receivers: Iterable[ReceiverScope]) -> Iterator[tuple[str, str]]:
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


def _condition(receiver: ReceiverScope, today: str = "municipality_today") -> str:
    number = _text(receiver.municipality)
    parts = [f"municipality = {number} OR {today} = {number}"]
    parts += [f"{name} = {_text(value)}" for name, value in _parts(receiver)]
    return " AND ".join(f"({part})" for part in parts)


def _parts(receiver: ReceiverScope) -> Iterator[tuple[str, str]]:
    if receiver.district is not None:
        yield "district", receiver.district
    if receiver.unit is not None:
        yield "unit_id", receiver.unit


def _text(value: str) -> str:
    return "'" + value.replace("'", "''") + "'"

"""The tables of some receivers, as views over all tables.

Whoever may see some receivers only asks everything, SQL included, in a schema of views of their own: its `reports` are
theirs, and so is all that is worked out from it. No query has to remember a condition.

What is asked is worked out behind the views, of their rows alone: a condition that ran over others' rows first, or was
answered by what the database knows of whole columns, would tell of them by how long it takes. That goes for an id, too:
below, whether a block of rows can hold it is known by the least and the greatest id in it, which may be another's.
"""

from collections.abc import Iterable, Iterator, Mapping

from streams.access.scope import ReceiverScope
from streams.view.store.tables import HAS_SPOKEN, PLACED

Columns = Mapping[str, str]  # of a table: names and types

# What tells nothing of single receivers.
SHARED = ("municipalities", "coverage", "losses")
OWN = (*PLACED, "books", "feeds")
# The feeds that one's own reports wait for. How many proofs one has brought is a count of others' reports, too.
OWN_FEEDS = (
    f"SELECT * REPLACE (CAST(NULL AS INTEGER) AS proofs) FROM main.feeds WHERE {HAS_SPOKEN} "
    "AND feed IN (SELECT feed FROM reports WHERE feed IS NOT NULL)"
)
ENDLESS = 2**62 - 1  # the most that a LIMIT takes

_TODAY = "(SELECT today FROM main.municipalities WHERE code = municipality)"


def own_tables(receivers: Iterable[ReceiverScope], columns: Mapping[str, Columns]) -> Iterator[tuple[str, str]]:
    """The tables of some receivers, as views: name and query. Where nobody is named, they are empty.

    `columns` are those of the tables in OWN.
    """
    ordered = sorted(receivers, key=repr)
    # An OR is only looked at when whole rows have been read; this the scan itself does.
    mine = f"municipality_today IN ({', '.join(sorted({_text(one.municipality) for one in ordered})) or 'NULL'})"
    if not all(one.whole for one in ordered):
        mine += f" AND ({' OR '.join(f'({_condition(one)})' for one in ordered)})"
    for name in PLACED:
        rows = f"SELECT rowid AS place, * FROM main.{name} WHERE {mine}"
        yield f"placed_{name}", _walled(rows, {"place": "BIGINT", **columns[name]})
        yield name, f"SELECT * EXCLUDE (place) FROM placed_{name}"
    # The books know no parts of a municipality.
    whole = " OR ".join(f"({_book_condition(one)})" for one in ordered if one.whole) or "false"
    yield "books", _walled(f"SELECT * FROM main.books WHERE {whole}", columns["books"])
    yield "feeds", _walled(OWN_FEEDS, columns["feeds"])
    for name in SHARED:
        yield name, f"SELECT * FROM main.{name}"


def _walled(rows: str, columns: Columns) -> str:
    """The same rows, of which the database knows nothing before it reads them.

    No condition goes below a LIMIT. And nothing is known of columns of which a part is made of chance: that part has
    no rows.
    """
    unknown = ", ".join(f'TRY_CAST(concat(random()) AS {type_}) AS "{name}"' for name, type_ in columns.items())
    return f"SELECT * FROM (({rows}) UNION ALL (SELECT {unknown} WHERE random() > 2)) LIMIT {ENDLESS}"


def _condition(receiver: ReceiverScope) -> str:
    parts = [f"municipality_today = {_text(receiver.municipality)}"]
    parts += [f"{name} = {_text(value)}" for name, value in _parts(receiver)]
    return " AND ".join(parts)


def _book_condition(receiver: ReceiverScope) -> str:
    number = _text(receiver.municipality)
    return f"municipality = {number} OR {_TODAY} = {number}"


def _parts(receiver: ReceiverScope) -> Iterator[tuple[str, str]]:
    if receiver.district is not None:
        yield "district", receiver.district
    if receiver.unit is not None:
        yield "unit_id", receiver.unit


def _text(value: str) -> str:
    return "'" + value.replace("'", "''") + "'"

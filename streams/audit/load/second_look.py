"""A second look at lines that tell no report: whatever is wrong with them, ids may still be legible on them."""

from collections.abc import Iterator, Sequence
from typing import Any

import pyarrow as pa

from streams.audit.arrow import registered, table_of
from streams.audit.facts import RECEIPT, SENT, STORED
from streams.audit.workspace import Work
from streams.sources import OpenFile
from streams.sources.ids import Legible
from streams.sources.portal import is_claim

IDS = frozenset({"report_id", "message_id"})
# Besides those that were refused: proofs without an id, and what is of messages that nobody knows to have been sent.
_DOUBTFUL = f"""
SELECT line, min(kind), bool_or(refused) FROM (
    SELECT line, kind, TRUE AS refused FROM doubtful WHERE source = $source
    UNION ALL SELECT line, kind, FALSE FROM nameless WHERE source = $source AND kind = {STORED}
    UNION ALL SELECT line, kind, kind = {SENT} FROM loose WHERE source = $source AND kind IN ({SENT}, {STORED})
        AND message_id NOT IN (SELECT message_id FROM facts WHERE kind = {SENT} AND message_id IS NOT NULL)
) GROUP BY line
"""
_LINE = [("kind", pa.uint8()), ("source", pa.uint16()), ("line", pa.int64())]
_FOUND = {
    "unjudged": pa.schema([("report_id", pa.string()), *_LINE]),
    "mentioned": pa.schema([("report_id", pa.string()), *_LINE]),
    "worded": pa.schema([("word", pa.string()), *_LINE]),
    "scraps": pa.schema([("scrap", pa.string()), ("of_message", pa.bool_()), *_LINE]),
}
_MOST_ROWS = 200_000


def look_again(work: Work, files: Sequence[OpenFile]) -> None:
    """Find what can be made out on lines that name no report, in the sources that have ids."""
    for number, file in enumerate(files):
        if not file.columns & IDS or work.found(f"looked:{number}") is not None:
            continue
        with work.stage(f"looked:{number}"):
            rows = work.connection.execute(_DOUBTFUL, {"source": number}).fetchall()
            kinds = {line: (kind, refused) for line, kind, refused in rows}
            found: dict[str, list[Any]] = {table: [] for table in _FOUND}
            for line, legible in file.look_again(kinds) if kinds else ():
                kind, refused = kinds[line]
                if file.kind == "portal":
                    kind = RECEIPT if is_claim(legible.words) else SENT
                # Only what cannot be read at all may have had an id that is not whole any more.
                whole = legible.scraps if "report_id" in file.columns else [one for one in legible.scraps if not one]
                scraps = tuple(whole) if refused else ()
                for table, one in _rows(legible._replace(scraps=scraps)):
                    found[table].append((*one, kind, number, line))
                _write(work, found, _MOST_ROWS)
            _write(work, found, 1)


def _rows(legible: Legible) -> Iterator[tuple[str, tuple[Any, ...]]]:
    yield from (("unjudged" if legible.certain else "mentioned", (one,)) for one in legible.reports)
    if not legible.certain:
        yield from (("worded", (word,)) for word in legible.words)
        yield from (("scraps", (scrap, False)) for scrap in legible.scraps)


def _write(work: Work, found: dict[str, list[Any]], least: int) -> None:
    """Write what was found where it is as much as that."""
    for table, rows in found.items():
        if len(rows) >= least:
            with registered(work.connection, batch=table_of(rows, _FOUND[table])):
                work.connection.execute(f"INSERT INTO {table} BY NAME FROM batch")
            rows.clear()

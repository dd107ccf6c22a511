"""Lines become facts: those that go straight into the tables are the same as by the contract's own reader."""

from collections.abc import Iterator
from random import Random
from typing import Any

import duckdb
import pyarrow as pa
import pytest

from streams.audit.facts import COLUMNS, TABLES, NamesTable
from streams.audit.load.lines import Taking
from streams.settings import Settings
from streams.sources.chunk import FIELDS, NAMES, Chunk, Kind
from tests.examples import first

MAX_VALUE_BYTES = Settings().max_value_bytes

REPORT = "0a1b2c3d-4e5f-4a6b-8c7d-9e0f1a2b3c4d"
TIMES = (
    "2022-01-01T12:00:00Z", "2022-01-01T12:00:00.123456Z", "2022-01-01T12:00:00.1234567Z", "2022-06-01T12:00:00+02:00",
    "2022-01-01t12:00:00z", "2022-02-30T12:00:00Z", "2022-01-01T24:00:00Z", "2022-01-01T23:59:60Z",
    "2022-01-01T12:00:00+24:00", "2022-01-01T12:00:00+14:30", "2022-01-01T12:00:00-00:00", "0000-01-01T00:00:00Z",
    "2022-01-01 12:00:00Z", "2022-01-01T12:00:00", "2022-13-01T12:00:00Z", "20220101T120000Z", "tomorrow", "", None,
    "2022-01-01T12:00:00Z ", "2022-01-01T12:00:00Z\n", "\u0662022-01-01T12:00:00Z",
    "1970-01-01T00:00:00Z", "1999-12-31T23:59:59.999999Z", "2000-01-01T00:00:00Z", "2099-01-01T00:00:00Z",
)  # fmt: skip
IDS = (
    REPORT, REPORT.upper(), f"{{{REPORT}}}", f"urn:uuid:{REPORT}", REPORT.replace("-", ""), f" {REPORT} ", REPORT[:-1],
    f"{REPORT}\n", "0a1b2c3d4e5f-4a6b-8c7d-9e0f1a2b3c4d", "", "x", None, "01010112345",
)  # fmt: skip
WORDS: dict[str, tuple[str | None, ...]] = {
    "report_id": (*IDS, REPORT, REPORT, REPORT),
    "message_id": (None, "m-1", "m-1", "01010112345", "m 1", "", "x" * 65, "m-1\n"),
    "municipality": ("0301", "0301", "301", "03011", "", None, "٠٣٠١"), "district": (None, None, "00", "1", "001"),
    "unit_id": (None, None, "unit-1", "unit 1", "12345678901"), "org_number": (None, None, "123456789", "12345678"),
    "channel": ("FIKS_IO", "FIKS_IO", "fiks", "", None, "A" * 41), "case_system": ("UKJENT", "UKJENT", "a b", None),
    "case_system_version": (None, "1.2", "1.2 beta", ""), "form": (None, "PRIVAT", "privat"),
    "receipt": ("MOTTATT", "FEILET", "mottatt", "", None), "evidence": ("READ_BACK", "MANUAL", "GUESS", None),
}  # fmt: skip


@pytest.fixture
def connection() -> Iterator[duckdb.DuckDBPyConnection]:
    with connected() as made:
        yield made


def connected() -> duckdb.DuckDBPyConnection:
    made = duckdb.connect()
    made.execute(TABLES)
    return made


def taken(connection: duckdb.DuckDBPyConnection) -> dict[str, list[Any]]:
    """All that is in the tables, names and ids written out."""
    names = ", ".join(f"n.{name}" for name in NAMES)
    columns = ", ".join(f"t.{name}" for name in COLUMNS if name != "names")
    found = {
        table: connection.sql(
            f"SELECT {columns}, {names} FROM {table} AS t LEFT JOIN names AS n ON n.id = t.names ORDER BY ALL"
        ).fetchall()
        for table in ("facts", "loose", "nameless")
    }
    for table, kept in (("unjudged", "report_id, kind, line"), ("rejects", "line, reason")):
        found[table] = connection.sql(f"SELECT {kept} FROM {table} ORDER BY ALL").fetchall()
    return found


def drawn(rng: Random, kind: Kind, lines: int, *, mostly_good: bool) -> pa.Table:
    """Lines of a kind whose cells are all that somebody might write."""
    columns = [name for name in FIELDS[kind] if name in WORDS or name.endswith("_at")]
    if rng.random() < 0.3:
        columns.append("arrived")
    cells = {name: [rng.choice(WORDS.get(name, TIMES)) for _ in range(lines)] for name in columns}
    if mostly_good:  # so that one bad cell at a time is met
        cells = {
            name: [WORDS.get(name, TIMES)[0] if rng.random() < 0.9 else word for word in words]
            for name, words in cells.items()
        }
    table = pa.table({name: pa.array(words, pa.string()) for name, words in cells.items()})
    return table.append_column("line", pa.array(range(2, lines + 2), pa.int64()))


@pytest.mark.parametrize("kind", ["sent", "receipt", "stored"])
@pytest.mark.parametrize("zone", first(1, ["Europe/Oslo", None]))
def test_what_goes_straight_in_is_what_the_contracts_reader_makes_of_it(kind: Kind, zone: str | None) -> None:
    rng = Random()
    state = rng.getstate()
    straight = 0
    for mostly_good in (False, True, False, True, True, True):
        lines = drawn(rng, kind, 300, mostly_good=mostly_good)
        with connected() as one, connected() as other:
            Taking(one, NamesTable(one), 3, zone, MAX_VALUE_BYTES).take(kind, Chunk(lines, [], 1.0))
            names = NamesTable(other)
            slow = Taking(other, names, 3, zone, MAX_VALUE_BYTES)
            odd = slow.odd
            for row in slow._timed(lines).to_pylist():
                odd.add_row(kind, row)
            odd.write()
            names.write()
            quick, careful = taken(one), taken(other)
            straight += len(quick["facts"])
            assert quick == careful, state
    assert straight > 100

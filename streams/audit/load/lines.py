"""From lines to facts.

What is plainly well formed goes straight into the tables, half a million lines at a time. Everything else is read by
the contract's own reader, line by line, as the live checker would. A test holds that both read alike.
"""

from datetime import UTC, datetime
from typing import Final

import duckdb
import pyarrow as pa
import pyarrow.compute as pc

from schemas.common import NAME, NATIONAL_ID, PERSON
from streams.audit.arrow import registered
from streams.audit.facts import CODES, COLUMNS, EVIDENCE, FactKind, NamesTable
from streams.audit.load.decisions import LISTED, TakingLists
from streams.audit.load.irregular import EARLIEST, EVENT_TIME, OddLines, proof_names
from streams.audit.load.timestamps import DAY_HOURS, instants, microseconds
from streams.core.facts import Names
from streams.core.row import NAMELESS
from streams.records.decode import READERS, receiver_of
from streams.records.record import Refusal
from streams.sources.chunk import DAYS, NAMES, TIMES, Chunk, Kind, Odd
from streams.sources.ids import NO_ID, NO_UUIDS
from streams.sources.portal import told, told_oddly
from streams.sources.shaping import as_content

BATCH_LINES = 20_000
_CODES: Final = {"receipt": ("receipt", CODES), "stored": ("evidence", EVIDENCE)}
_STATES: Final = {"fact": "facts", "loose": "loose", "nameless": "nameless"}


class Taking:
    """Takes the lines of one source into the tables. `zone`: of times without one."""

    def __init__(
        self, connection: duckdb.DuckDBPyConnection, names: NamesTable, source: int, zone: str | None,
        max_value_bytes: int,
    ) -> None:  # fmt: skip
        self._connection = connection
        self._names = names
        self._source = source
        self._zone = zone
        self._known: dict[tuple[str, tuple[str | None, ...]], int | None] = {}
        self._now = datetime.now(UTC)
        self.odd = OddLines(connection, names, source, self._now, max_value_bytes)
        self._lists = TakingLists(self.odd, self._now, max_value_bytes)
        self.records = 0
        self.ignored = 0
        self.without_zone = 0
        self.warnings: set[str] = set()

    def take(self, kind: Kind, chunk: Chunk) -> None:
        """Take a chunk of a kind's lines."""
        self.records += len(chunk.table) + len(chunk.odd)
        if kind in LISTED:
            self._lists.take(kind, self._timed(chunk.table), chunk.odd)
        elif kind == "portal":
            self._take_history(chunk.table)
        else:
            self._take_lines(kind, chunk.table)
        for odd in () if kind in LISTED else chunk.odd:
            self._take_odd(kind, odd)
        self.odd.write()
        self._names.write()

    def _take_odd(self, kind: Kind, odd: Odd) -> None:
        if kind == "portal":
            kind, odd = told_oddly(odd)
        self.odd.add(kind, odd)

    def _take_history(self, lines: pa.Table) -> None:
        found = told(lines)
        self.ignored += found.ignored
        self._take_lines("sent", found.sent)
        self._take_lines("receipt", found.receipt)
        self._take_accepted(found.accepted)
        # Whatever became of it: the portal knows the report.
        self._take_accepted(found.unknown)
        for line in found.unknown["line"].to_pylist():
            self.odd.refuse(line, Refusal("schema", "bad_value:state"))

    def _take_accepted(self, lines: pa.Table) -> None:
        """Reports that the portal took in: whether they were ever sent is asked once everything is read."""
        if not len(lines):
            return
        with registered(self._connection, raw=self._numbered("sent", self._timed(lines))):
            self._connection.execute(
                f"INSERT INTO accepted SELECT TRY_CAST(report_id AS UUID), {self._source}, line, names_id, at_us "
                "FROM raw WHERE TRY_CAST(report_id AS UUID) IS NOT NULL"
            )
            unread = self._connection.sql("SELECT line FROM raw WHERE TRY_CAST(report_id AS UUID) IS NULL").fetchall()
        for (line,) in unread:
            self.odd.refuse(line, Refusal("schema", "bad_value:report_id"))

    def _take_lines(self, kind: Kind, lines: pa.Table) -> None:
        if not len(lines):
            return
        raw = self._timed(lines)
        if kind != "receipt":
            raw = self._numbered(kind, raw)
        # A batch is what one core takes at a time.
        raw = pa.Table.from_batches(raw.to_batches(BATCH_LINES), raw.schema)
        connection = self._connection
        with registered(connection, raw=raw):
            connection.execute(_taken(kind, raw.column_names, self._source, self._now))
        for state, table in _STATES.items():
            connection.execute(f"INSERT INTO {table} SELECT {', '.join(COLUMNS)} FROM taken WHERE state = '{state}'")
        left = connection.sql("SELECT line FROM taken WHERE state = 'odd'").to_arrow_table()["line"]
        connection.execute("DROP TABLE taken")
        if len(left):
            odd = raw.filter(pc.is_in(raw["line"], value_set=left.combine_chunks()))
            for row in odd.to_pylist():
                self.odd.add_row(kind, row)

    def _timed(self, lines: pa.Table) -> pa.Table:
        """The lines with `<time>_us` beside each column of times, and `within`: see `Instants`."""
        within = pa.chunked_array([pa.repeat(pa.scalar(0, pa.uint8()), len(lines))])
        if DAYS in lines.column_names:
            within = pc.if_else(lines[DAYS], pa.scalar(DAY_HOURS, pa.uint8()), within)
        for name in sorted(TIMES.intersection(lines.column_names)):
            read = instants(self._connection, lines[name], self._zone)
            lines = lines.append_column(f"{name}_us", read.us)
            within = pc.max_element_wise(within, read.within)
            # A few of many are broken themselves; where most are so, whoever knows the zone has to say it.
            if read.local > len(lines) // 2:
                self.without_zone += read.local
        if pc.max(within).as_py() == DAY_HOURS:
            self.warnings.add("dates_without_time")
        return lines.append_column("within", within)

    def _numbered(self, kind: Kind, lines: pa.Table) -> pa.Table:
        """The lines with `names_id`: the number of their names, null where the contract's reader refuses them."""
        columns = [name for name in NAMES if name in lines.column_names]
        if not columns:
            return lines.append_column(
                "names_id", pa.repeat(pa.scalar(self._names.id_of(NAMELESS), pa.int32()), len(lines))
            )
        connection = self._connection
        listed = ", ".join(columns)
        with registered(connection, lines=lines):
            found = connection.sql(f"SELECT DISTINCT {listed} FROM lines").to_arrow_table()
        rows = list(zip(*(found[name].to_pylist() for name in columns), strict=True))
        numbers = pa.array([self._number(kind, columns, row) for row in rows], pa.int32())
        combos = found.append_column("names_id", numbers)
        same = " AND ".join(f"l.{name} IS NOT DISTINCT FROM c.{name}" for name in columns)
        joined = f"SELECT l.*, c.names_id FROM lines AS l JOIN combos AS c ON {same}"
        with registered(connection, lines=lines, combos=combos):
            return connection.sql(joined).to_arrow_table()

    def _number(self, kind: Kind, columns: list[str], row: tuple[str | None, ...]) -> int | None:
        given = {name: value for name, value in zip(columns, row, strict=True) if value is not None}
        key = (kind, tuple(given.get(name) for name in NAMES))
        if key not in self._known:
            names = _names(kind, given)
            self._known[key] = None if names is None else self._names.id_of(names)
        return self._known[key]


def _names(kind: Kind, given: dict[str, str]) -> Names | None:
    """The names as the contract's reader gives them; None where it refuses any."""
    content = as_content(kind, given)
    reader = READERS[kind]
    read = reader.read_fields({name: content.get(name) for name in Names._fields if name in reader.fields})
    if read is None:
        return None
    receiver = receiver_of(read.get("receiver"))
    if kind == "stored":
        return proof_names(receiver, given | read)
    return Names(receiver, *(read.get(name) for name in Names._fields[1:]))


def _taken(kind: Kind, columns: list[str], source: int, now: datetime) -> str:
    """The statement that sorts the lines of `raw` into facts, loose and nameless ones, and odd lines."""

    def given(name: str, kind_of: str = "VARCHAR") -> str:
        return name if name in columns else f"CAST(NULL AS {kind_of})"

    own, arrived = given(f"{EVENT_TIME[kind]}_us", "BIGINT"), given("arrived_us", "BIGINT")
    report_id, message_id = given("report_id"), given("message_id")
    code_column, codes = _CODES.get(kind, ("", ()))
    code = f"NULLIF(list_position({list(codes)!r}, {given(code_column)}), 0)" if codes else "0"
    message = "CASE WHEN uuid IS NULL THEN m END" if kind == "stored" else "m"
    names = "names_id" if "names_id" in columns else "-1"
    # An arrival in the source that could not be read is not the same as none.
    times = (
        f"{own} IS NOT NULL AND ({given('arrived')} IS NULL OR {arrived} IS NOT NULL) "
        f"AND COALESCE({arrived}, {own}) BETWEEN {microseconds(EARLIEST)} AND {microseconds(now)}"
    )
    plain = "times_ok AND code_of IS NOT NULL AND names_of IS NOT NULL AND message_ok"
    only_report = "FALSE" if kind == "sent" else "NOT has_id"
    return f"""
    CREATE TEMP TABLE taken AS
    SELECT *, uuid AS report_id, COALESCE(arrived_at, own_at) AS arrived, names_of AS names,
        {"NULL" if kind == "receipt" else "own_at"} AS event_at, NULLIF(code_of, 0) AS code,
        {FactKind[kind.upper()].value} AS kind, {source} AS source, NULL AS part, NULL AS unread,
        arrived_at IS NULL AS by_event, {message} AS message_id,
        CASE WHEN NOT ({plain}) THEN 'odd'
            WHEN uuid IS NOT NULL THEN 'fact'
            WHEN {only_report} AND has_message THEN 'loose'
            WHEN {only_report} AND {kind == "stored"} THEN 'nameless'
            ELSE 'odd' END AS state
    FROM (
        SELECT TRY_CAST({report_id} AS UUID) AS read_id, line,
            CASE WHEN lower({report_id}) = CAST(read_id AS VARCHAR) AND read_id NOT IN {NO_UUIDS!r} THEN read_id END
                AS uuid,
            {report_id} IS NOT NULL AS has_id, {message_id} AS m, m IS NOT NULL AS has_message,
            m IS NULL OR (regexp_matches(m, '{NAME}') AND NOT regexp_matches(m, '{NATIONAL_ID}|{PERSON}')
                AND CASE WHEN length(m) = {len(NO_UUIDS[0])} THEN lower(m) NOT IN {NO_UUIDS!r}
                    ELSE NOT regexp_matches(m, '{NO_ID}') END) AS message_ok,
            {times} AS times_ok, {own} AS own_at, {arrived} AS arrived_at, {names} AS names_of, {code} AS code_of,
            {given("within", "UTINYINT")} AS within
        FROM raw
    )
    """

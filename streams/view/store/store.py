"""The tables in DuckDB: one writer, many readers, rows and positions in one transaction."""

import threading
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple
from uuid import uuid4

import duckdb
import pyarrow as pa

from streams.access.scope import EVERYTHING, OWN_PREFIX, Reach, ReceiverScope
from streams.data import counties, municipalities, todays_number
from streams.errors import ConfigurationError, StateUnreadable
from streams.view.store import changes as made
from streams.view.store.changes import Changes, TopicPlace
from streams.view.store.own_tables import OWN, own_tables
from streams.view.store.tables import NEW_EVENTS, SCHEMA_VERSION, STATE_ROWS, TABLES, VIEWS

MEMORY = ":memory:"
_UNREADABLE = (duckdb.ConversionException, duckdb.InvalidInputException, pa.ArrowInvalid)


class About(NamedTuple):
    """What a file holds: by which schema, of which checker on which cluster, and when it was last written to."""

    schema_version: int
    application: str
    cluster: str
    applied_at: datetime | None


class Store:
    """The tables. Every method blocks: call them in a thread. Readers never wait for the writer."""

    def __init__(self, path: Path | None, memory: str, threads: int | None = None) -> None:
        """Open a file, or hold everything in memory. Raises ConfigurationError where that cannot be done."""
        self._path, self._memory, self._threads = path, memory, threads
        self._lock = threading.Lock()
        self.epoch, self.version = uuid4().hex[:12], 0
        self.connection = self._open()

    @property
    def tag(self) -> str:
        """Changes with every transaction that changed something."""
        return f"{self.epoch}-{self.version}"

    def apply(self, changes: Changes) -> None:
        """Put in all of it or nothing. Raises StateUnreadable, or duckdb.Error when it may be tried again."""
        with self._lock:
            try:
                with _transaction(self.connection):
                    self._apply(changes)
            except _UNREADABLE:
                raise changes.first_unreadable() or StateUnreadable(
                    "A record of the checker's topics does not fit the tables: run the view in the worker's version."
                ) from None
            self.version += 1

    def forget_announcements(self, begins: Mapping[TopicPlace, int]) -> None:
        """Drop announcements that Kafka has dropped: those before the first offset of their partition."""
        before = 'DELETE FROM announcements WHERE "partition" = ? AND "offset" < ?'
        with self._lock:
            with _transaction(self.connection):
                for place, begin in begins.items():
                    _run(self.connection, before, [place.partition, begin])
            self.version += 1

    @contextmanager
    def reading(self, reach: Reach = EVERYTHING) -> Iterator[duckdb.DuckDBPyConnection]:
        """A connection of one's own that sees one state of all that is within reach, and can change nothing."""
        with self.connection.cursor() as cursor:
            self.begin_reading(cursor, reach)
            try:
                yield cursor
            finally:
                with suppress(duckdb.Error):  # an interrupted one may have ended it already
                    cursor.rollback()

    def begin_reading(self, cursor: duckdb.DuckDBPyConnection, reach: Reach) -> None:
        """Begin a transaction in which every name stands for what is within reach."""
        if reach.receivers is None:
            _run(cursor, "BEGIN TRANSACTION READ ONLY")
            return
        # A schema that is not there would let every name fall back to everybody's tables.
        while not _begun_in(cursor, reach.schema):
            with self._lock:
                _create_own(self.connection, reach.schema, reach.receivers)

    def positions(self) -> dict[TopicPlace, int]:
        """The next offset of each partition that has been read."""
        with self.reading() as cursor:
            rows = cursor.execute('SELECT topic, "partition", next_offset FROM positions').fetchall()
        return {TopicPlace(topic, partition): offset for topic, partition, offset in rows}

    def about(self) -> About | None:
        """What it holds; None if it is new."""
        with self.reading() as cursor:
            row = cursor.execute("SELECT schema_version, application, cluster, applied_at FROM about").fetchall()
        return About(*row[0]) if row else None

    def begin(self, application: str, cluster: str) -> None:
        """Say whose tables these are, before the first record."""
        with self._lock, _transaction(self.connection):
            _run(self.connection, "DELETE FROM about")
            _run(self.connection, "INSERT INTO about VALUES (?, ?, ?, NULL)", [SCHEMA_VERSION, application, cluster])

    def rebuild(self) -> None:
        """Forget everything: the tables are a copy of what is in Kafka."""
        with self._lock:
            _create_anew(self.connection)
            self.version += 1

    def close(self) -> None:
        """Close it; what was applied is in the file."""
        with self._lock:
            self.connection.close()

    def _apply(self, changes: Changes) -> None:
        if changes.states:
            rows, ids, erased = made.state_tables(changes.states)
            self._given(ids, _delete_from("reports"))
            self._given(rows, f"INSERT INTO reports {STATE_ROWS}")
            self._given(ids, _delete_from("erased_reports"))
            self._given(erased, "INSERT INTO erased_reports SELECT CAST(report_id AS UUID) FROM batch")
            self._given(erased, _delete_from("announcements"))
        if changes.events:
            self._given(made.event_table(changes.events), f"INSERT INTO announcements {NEW_EVENTS}")
        if changes.coverage:
            coverage, losses, feeds = made.coverage_tables(changes.coverage)
            for table in ("coverage", "losses", "feeds"):
                self._given(coverage, f'DELETE FROM {table} USING batch b WHERE {table}."partition" = b."partition"')
            self._given(coverage, "INSERT INTO coverage BY NAME FROM batch")
            self._given(losses, "INSERT INTO losses BY NAME FROM batch")
            self._given(feeds, "INSERT INTO feeds BY NAME FROM batch")
        if changes.books:
            self._replace("books", made.books_table(changes.books), ("partition", "municipality"))
        if changes.positions:
            self._replace("positions", made.positions_table(changes.positions), ("topic", "partition"))
        _run(self.connection, "UPDATE about SET applied_at = ?", [datetime.now(UTC)])

    def _replace(self, table: str, rows: pa.Table, key: tuple[str, ...]) -> None:
        same = " AND ".join(f'{table}."{name}" IS NOT DISTINCT FROM b."{name}"' for name in key)
        self._given(rows, f"DELETE FROM {table} USING batch b WHERE {same}")
        self._given(rows, f"INSERT INTO {table} BY NAME FROM batch")

    def _given(self, batch: pa.Table, statement: str) -> None:
        """Run a statement that reads an Arrow table as `batch`."""
        if batch.num_rows:
            self.connection.register("batch", batch)
            try:
                _run(self.connection, statement)
            finally:
                with suppress(duckdb.TransactionException):  # a failed statement has ended the transaction it is in
                    self.connection.unregister("batch")

    def _open(self) -> duckdb.DuckDBPyConnection:
        options: dict[str, Any] = {"memory_limit": self._memory}
        if self._path is None:
            options["temp_directory"] = ""  # what is in memory only is not spilled into the working folder
        if self._threads:
            options["threads"] = self._threads
        try:
            connection = duckdb.connect(str(self._path or MEMORY), config=options)
            _run(connection, "SET GLOBAL TimeZone = 'UTC'")
            if self._path is None:
                _create(connection)  # nothing is in it yet
            else:
                if _schema_version(connection) != SCHEMA_VERSION:
                    _create_anew(connection)
                _drop_own(connection)  # those of a file are as another version made them
        except duckdb.Error as error:
            raise ConfigurationError(_why(self._path, error)) from None
        return connection


def _schema_version(connection: duckdb.DuckDBPyConnection) -> int | None:
    """By which schema the tables were made; None where there are none, or nobody has begun."""
    if not connection.execute("SELECT 1 FROM duckdb_tables() WHERE table_name = 'about'").fetchall():
        return None
    found = connection.execute("SELECT schema_version FROM about").fetchone()
    return found[0] if found else None


def _create_anew(connection: duckdb.DuckDBPyConnection) -> None:
    """Make the tables in place of those that are there."""
    with _transaction(connection):
        _drop_own(connection)
        for kind in ("view", "table"):
            old = f"SELECT {kind}_name FROM duckdb_{kind}s() WHERE NOT internal AND NOT temporary"
            for (name,) in connection.execute(old).fetchall():
                _run(connection, f'DROP {kind} "{name}"')
        _create(connection)


def _create(connection: duckdb.DuckDBPyConnection) -> None:
    """Make the tables."""
    for statement in duckdb.extract_statements(TABLES):
        _run(connection, statement.query)
    for name, query in VIEWS.items():
        _run(connection, f"CREATE VIEW {name} AS {query}")
    connection.register("batch", _municipality_table())
    _run(connection, "INSERT INTO municipalities BY NAME FROM batch")
    connection.unregister("batch")


def _drop_own(connection: duckdb.DuckDBPyConnection) -> None:
    """Drop the views of some receivers; who asks makes them anew."""
    own = "SELECT schema_name FROM duckdb_schemas() WHERE starts_with(schema_name, ?)"
    for (schema,) in connection.execute(own, [OWN_PREFIX]).fetchall():
        _run(connection, f'DROP SCHEMA "{schema}" CASCADE')


def _begun_in(cursor: duckdb.DuckDBPyConnection, schema: str) -> bool:
    """True if a transaction has begun in which names stand for the views of this schema; else there is none."""
    try:
        _run(cursor, f"SET search_path = '{schema}'")
    except duckdb.CatalogException:
        return False
    _run(cursor, "BEGIN TRANSACTION READ ONLY")
    if cursor.execute("SELECT 1 FROM duckdb_schemas() WHERE schema_name = ?", [schema]).fetchall():
        return True
    cursor.rollback()
    return False


def _create_own(connection: duckdb.DuckDBPyConnection, schema: str, receivers: Iterable[ReceiverScope]) -> None:
    """Make the views of some receivers, unless somebody else just did. All of them or none."""
    with connection.cursor() as cursor, _transaction(cursor):
        if cursor.execute("SELECT 1 FROM duckdb_schemas() WHERE schema_name = ?", [schema]).fetchall():
            return
        _run(cursor, f"CREATE SCHEMA {schema}")
        _run(cursor, f"SET search_path = '{schema}'")  # so that what is worked out reads these
        columns = {name: dict(_columns(cursor, name)) for name in OWN}
        for name, query in (*own_tables(receivers, columns), *VIEWS.items()):
            _run(cursor, f"CREATE VIEW {schema}.{name} AS {query}")


def _columns(cursor: duckdb.DuckDBPyConnection, table: str) -> list[tuple[str, str]]:
    """Names and types of a table's columns, in order."""
    known = "SELECT column_name, data_type FROM duckdb_columns() WHERE schema_name = 'main' AND table_name = ?"
    return cursor.execute(f"{known} ORDER BY column_index", [table]).fetchall()


@cache
def _municipality_table() -> pa.Table:
    rows = []
    for known in municipalities():
        today = todays_number(known.code)
        county = {"county": today[:2], "county_name": counties().get(today[:2]), "today": today}
        rows.append(known._asdict() | county | {"successors": list(known.successors)})
    return pa.Table.from_pylist(rows)


@contextmanager
def _transaction(connection: duckdb.DuckDBPyConnection) -> Iterator[None]:
    connection.begin()
    try:
        yield
        connection.commit()
    except BaseException:
        with suppress(duckdb.Error):  # a fatal error has ended it already
            connection.rollback()
        raise


def _delete_from(table: str) -> str:
    """Delete what is about the reports of a batch."""
    return f"DELETE FROM {table} USING batch b WHERE {table}.report_id = CAST(b.report_id AS UUID)"


def _run(connection: duckdb.DuckDBPyConnection, statement: str, parameters: Any = None) -> None:
    """Run a statement to its end: an unread result would block the connection."""
    connection.execute(statement, parameters).fetchall()


def _why(path: Path | None, error: duckdb.Error) -> str:
    text = str(error)
    if "Could not set lock" in text:
        return f"{path} is open in another process: end it, or set MELDINGSVAKT_VIEW_FILE to another file."
    return (
        f"{path or 'The tables in memory'} cannot be opened ({text.splitlines()[0][:200]}): set MELDINGSVAKT_VIEW_FILE "
        "to another file, or remove it; it is built again from Kafka."
    )

"""Where analysts' SQL runs: one SELECT, on tables that they may read, for a while, and certain to change nothing.

Three walls stand behind each other. The allow list (`rules`) looks at DuckDB's own tree of the query, the transaction
is read only, and `lock_down` has taken files, network, extensions and settings from the whole database instance.
"""

import json
import threading
import time
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

import duckdb
import pyarrow as pa

from streams.view.sandbox import size_limit
from streams.view.sandbox.allowed import folded
from streams.view.sandbox.arrow_types import plain
from streams.view.sandbox.errors import Refused, explained, too_large
from streams.view.sandbox.rules import QueryRules
from streams.view.sandbox.values import MOST_VALUES, count
from streams.view.sandbox.watchdog import Watchdog

__all__ = ["QueryLimits", "QueryResult", "QueryScope", "Refused", "Sandbox", "lock_down"]

OPENED = 400  # parentheses: DuckDB's parser takes memory by the square of those that are not closed
CHUNK = 2_048  # rows that DuckDB hands over at a time
ANSWER_BYTES = 32 * 2**20

# The last one makes the others final. All of them may be changed while connections are open.
LOCKS = (
    "SET GLOBAL TimeZone = 'UTC'",
    "SET GLOBAL python_enable_replacements = false",
    "SET GLOBAL autoinstall_known_extensions = false",
    "SET GLOBAL autoload_known_extensions = false",
    "SET GLOBAL allow_community_extensions = false",
    "SET GLOBAL allow_persistent_secrets = false",
    "SET GLOBAL enable_external_access = false",
    "SET GLOBAL lock_configuration = true",
)


class QueryLimits(NamedTuple):
    """What one query may take. `rows` of an answer, `text_bytes` of UTF-8."""

    rows: int = 10_000
    seconds: float = 10.0
    text_bytes: int = 20_000


LIMITS = QueryLimits()


class QueryScope(NamedTuple):
    """What a query may stand on: the names that it may read, and how the transaction begins that gives them sense."""

    tables: frozenset[str]
    begin: Callable[[duckdb.DuckDBPyConnection], object] = lambda cursor: cursor.execute("BEGIN TRANSACTION READ ONLY")
    qualified: bool = True  # whether main.reports is the same as reports


class CheckedQuery(NamedTuple):
    """The one SELECT without a semicolon at its end, and what it may stand on."""

    text: str
    scope: QueryScope


class QueryResult(NamedTuple):
    """Rows of plain types. `truncated`: there were more; `seconds`: how long it took."""

    table: pa.Table
    truncated: bool
    seconds: float


def lock_down(connection: duckdb.DuckDBPyConnection) -> None:
    """Take files, network, extensions and settings from a database instance, for good; twice is once.

    Its memory_limit, temp_directory and threads must be set before. Its own file, WAL and checkpoints are not
    concerned, nor are Arrow tables that a connection registers.
    """
    locked = connection.execute("SELECT current_setting('lock_configuration')").fetchone()
    if locked != (True,):
        for statement in LOCKS:
            connection.execute(statement)


class Sandbox:
    """Answers analysts' queries on the `tables` of a database that somebody else goes on writing. Thread-safe."""

    def __init__(
        self, connection: duckdb.DuckDBPyConnection, tables: Collection[str], limits: QueryLimits = LIMITS
    ) -> None:
        self.limits = limits
        self._scope = QueryScope(frozenset(folded(table) for table in tables))
        self._connection = connection.cursor()  # its own: the caller's may be in the middle of something
        self._opening = threading.Lock()

    def check(self, sql: str, scope: QueryScope | None = None) -> CheckedQuery:
        """What may be run. Raises Refused."""
        scope = scope or self._scope
        text = self._text(sql)
        with self._cursor() as cursor:
            statement = _parsed(cursor, text)
        try:
            QueryRules(scope.tables, qualified=scope.qualified).inspect(statement)
            size_limit.limit(statement)
        except Refused as refused:
            raise Refused(refused.kind, str(refused), _characters(text, refused.position)) from None
        return CheckedQuery(text, scope)

    def run(self, query: CheckedQuery | str) -> QueryResult:
        """The answer, cut at `limits.rows`. Blocks for little more than twice `limits.seconds`. Raises Refused."""
        checked = self.check(query) if isinstance(query, str) else query
        started = time.monotonic()
        table = self._read(*checked)
        truncated = table.num_rows > self.limits.rows
        return QueryResult(plain(table.slice(0, self.limits.rows)), truncated, time.monotonic() - started)

    def close(self) -> None:
        """Let go of the database: a file stays open until all connections are closed."""
        self._connection.close()

    def _text(self, sql: str) -> str:
        """What may be given to the parser."""
        text = sql.strip().rstrip("; \t\r\n")
        try:
            size = len(text.encode())
        except UnicodeEncodeError as error:
            raise Refused("syntax", "The query is no valid Unicode text: write it again.", error.start) from None
        if size > self.limits.text_bytes:
            raise Refused("too_large", f"The query is longer than {self.limits.text_bytes} bytes: shorten it.")
        if text.count("(") > OPENED:
            raise Refused("too_large", f"The query has more than {OPENED} parentheses: split it.")
        if "\0" in text:
            raise Refused("syntax", "The query contains a NUL character: remove it.", text.index("\0"))
        return text

    def _read(self, text: str, scope: QueryScope) -> pa.Table:
        """At most one row more than the limit."""
        with self._cursor() as cursor, self._cursor() as meter, Watchdog(cursor, meter, self.limits.seconds) as dog:
            try:
                scope.begin(cursor)
                return self._fetched(cursor.sql(text), dog)
            # Errors of DuckDB that come while rows are fetched reach us through Arrow, as OSError or ValueError.
            except (duckdb.Error, pa.ArrowException, OSError, ValueError, RuntimeError, MemoryError) as error:
                raise dog.refused or explained(str(error), self.limits.seconds) from None

    def _fetched(self, relation: Any, dog: Watchdog) -> pa.Table:
        rows = size = held = 0
        batches: list[pa.RecordBatch] = []
        with relation.to_arrow_reader(CHUNK) as reader:
            while rows <= self.limits.rows:
                if dog.refused:
                    raise dog.refused
                try:
                    batches.append(reader.read_next_batch())
                except StopIteration:
                    break
                rows += batches[-1].num_rows
                size += batches[-1].nbytes
                held += count(batches[-1])
                if size > ANSWER_BYTES:
                    raise too_large(f"The answer is larger than {ANSWER_BYTES >> 20} MiB")
                if held > MOST_VALUES:
                    raise too_large(f"The answer holds more than {MOST_VALUES} values, those in its lists included")
            return pa.Table.from_batches(batches, reader.schema)

    @contextmanager
    def _cursor(self) -> Iterator[duckdb.DuckDBPyConnection]:
        """A connection of one query's own: nothing of it, also no interrupt, can reach another query."""
        with self._opening:
            cursor = self._connection.cursor()
        try:
            yield cursor
        finally:
            cursor.close()  # rolls its transaction back


def _parsed(cursor: duckdb.DuckDBPyConnection, text: str) -> dict[str, Any]:
    """DuckDB's tree of one SELECT. Raises Refused."""
    try:
        row = cursor.execute("SELECT json_serialize_sql(?::VARCHAR)", [text]).fetchone()
        tree: dict[str, Any] = json.loads(row[0]) if row else {}
        if tree.get("error_type") == "out of memory":
            raise MemoryError
        if tree.get("error_type") == "parser":
            raise _syntax(text, tree["error_message"], tree.get("position", ""))
        kinds = [_kind(statement) for statement in cursor.extract_statements(text)]
    except RecursionError:  # of json.loads
        raise Refused("too_large", "The query is nested too deeply: split it.") from None
    except (duckdb.OutOfMemoryException, MemoryError):
        raise Refused("failed", "There is no memory left for this query at the moment: try again.") from None
    except (duckdb.Error, RuntimeError):
        raise Refused("failed", "The query cannot be read: write it more simply.") from None
    if not kinds:
        raise Refused("syntax", "There is no query: write a SELECT.")
    if len(kinds) > 1:
        raise Refused("not_allowed", "Only one statement is allowed: remove what comes after the first.")
    if kinds[0] != duckdb.StatementType.SELECT or tree.get("error", True) or len(tree["statements"]) != 1:
        raise Refused("not_allowed", "Only reading is allowed: write one SELECT.")
    statement: dict[str, Any] = tree["statements"][0]
    return statement


def _syntax(text: str, message: str, position: str) -> Refused:
    if message.startswith("Max expression depth"):
        return Refused("too_large", "The query is nested too deeply: split it.")
    return Refused("syntax", message, _characters(text, int(position) if position.isdecimal() else None))


def _kind(statement: duckdb.Statement) -> duckdb.StatementType | None:
    """Of a statement; None where the Python package does not know what DuckDB has parsed, such as UPDATE EXTENSIONS."""
    try:
        return statement.type
    except ValueError:
        return None


def _characters(text: str, position: int | None) -> int | None:
    """DuckDB counts bytes, editors count characters."""
    return None if position is None else len(text.encode()[:position].decode(errors="ignore"))

"""Ends a query that takes too long, or memory that the writer needs."""

import math
import threading
import time
from types import TracebackType

import duckdb

from streams.view.sandbox.errors import Refused, too_large, too_slow

LOOK_AGAIN_SECONDS = 0.01  # seconds between two looks, of 1 ms each: an aggregate can take a gigabyte a second
INTERRUPT_AGAIN_SECONDS = 0.05  # seconds; DuckDB forgets an interrupt that comes just before a query begins
SHARE_OF_FREE = 0.5  # of the memory that is free when a query begins
SHARE_OF_LIMIT = (
    0.75  # of memory_limit: the rest is the writer's, because a commit that finds none can end the whole instance
)

# Pages of a database file are not counted: DuckDB gives them up by itself.
USED = "SELECT sum(memory_usage_bytes)::BIGINT FROM duckdb_memory() WHERE tag <> 'BASE_TABLE'"
LIMIT = "SELECT parse_formatted_bytes(current_setting('memory_limit'))::BIGINT"


class Watchdog:
    """Interrupts one connection, again and again until it is left, and never after that.

    memory_limit is the whole instance's: where a query took it all, the writer could not commit. So a second
    connection, `meter`, is asked how much there is.
    """

    def __init__(self, connection: duckdb.DuckDBPyConnection, meter: duckdb.DuckDBPyConnection, seconds: float) -> None:
        self.refused: Refused | None = None
        self._connection = connection
        self._meter = meter
        self._seconds = seconds
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="sandbox-watchdog", daemon=True)

    def __enter__(self) -> "Watchdog":
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._over.set()
        self._thread.join()

    def _watch(self) -> None:
        ends = time.monotonic() + self._seconds
        # Most queries have ended by the first look. One that has not can have taken little yet.
        ceiling: float | None = None
        while not self._over.wait(min(LOOK_AGAIN_SECONDS, max(0.0, ends - time.monotonic()))):
            used, ceiling = self._look(ceiling)
            if time.monotonic() >= ends:
                self.refused = too_slow(self._seconds)
            elif used >= ceiling:
                self.refused = too_large("The query needs more memory than it may have")
            if self.refused:
                self._bite()

    def _look(self, ceiling: float | None) -> tuple[float, float]:
        """The bytes that are used, and those at which this query has to end."""
        try:
            used = self._number(USED)
            if ceiling is None:
                limit = self._number(LIMIT)
                ceiling = min(used + SHARE_OF_FREE * (limit - used), SHARE_OF_LIMIT * limit)
        except duckdb.Error:  # there is not even enough memory for the question
            return math.inf, ceiling or 0.0
        return used, ceiling

    def _number(self, sql: str) -> float:
        row = self._meter.execute(sql).fetchone()
        return float(row[0]) if row else 0.0

    def _bite(self) -> None:
        while True:
            self._connection.interrupt()
            if self._over.wait(INTERRUPT_AGAIN_SECONDS):
                return

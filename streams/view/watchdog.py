"""Ends a query that takes too long."""

import threading
from types import TracebackType

import duckdb

AGAIN = 0.05  # seconds; DuckDB forgets an interrupt that comes just before a query begins


class Watchdog:
    """Interrupts one connection after some seconds, again and again until it is left. Never after that."""

    def __init__(self, connection: duckdb.DuckDBPyConnection, seconds: float) -> None:
        self.bit = False
        self._connection = connection
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
        pause = self._seconds
        while not self._over.wait(pause):
            self.bit = True
            self._connection.interrupt()
            pause = AGAIN

"""The windowed table: rows, deadline index, windows that close. A `faust.Table` whose durability is ours."""

from collections.abc import Iterator
from typing import Any

import faust

from streams.core.row import Row
from streams.engine.ledger import Batch
from streams.engine.window import Window


class WindowedTable(faust.Table):  # type: ignore[misc]  # faust has no types for us
    """Report id to row, over the partitions that this worker owns.

    A report's window opens at its first fact and closes at `alarm_at`. Read it like a dict; it is written by `apply`,
    which commits what a batch changed together with the offsets and the events, so that Faust's own changelog,
    windows and commits are never used.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.windows: dict[int, Window] = {}

    async def apply(self, batch: Batch) -> bool:
        """Apply and commit a batch; False if it must be fetched again. Raises InDoubt."""
        window = self.windows.get(batch.partition)
        return True if window is None else await window.apply(batch)

    def __getitem__(self, report_id: str) -> Row:
        row = self._find(report_id)
        if row is None:
            raise KeyError(report_id)
        return row

    def __contains__(self, report_id: object) -> bool:
        return isinstance(report_id, str) and self._find(report_id) is not None

    def __iter__(self) -> Iterator[str]:
        for window in list(self.windows.values()):
            yield from (row.report_id for row in window.ledger.rows)

    def __len__(self) -> int:
        return sum(len(window.ledger.rows) for window in self.windows.values())

    def __setitem__(self, report_id: str, row: Row) -> None:
        raise TypeError("Rows change by facts only: hand a batch to apply().")

    def __delitem__(self, report_id: str) -> None:
        raise TypeError("Rows are erased by time only.")

    def get(self, report_id: str, default: Row | None = None) -> Row | None:
        """The row of a report that this worker owns, else the default."""
        return self._find(report_id) or default

    def on_key_set(self, key: Any, value: Any) -> None:
        """Faust's changelog: not used."""

    def on_key_del(self, key: Any) -> None:
        """Faust's changelog: not used."""

    def _find(self, report_id: str) -> Row | None:
        for window in self.windows.values():
            row = window.ledger.rows.get(report_id)
            if row is not None:
                return row
        return None

"""The reports of one partition that are pending, in the order in which their sents arrived."""

from collections import deque
from collections.abc import Iterable
from datetime import datetime

from streams.core.row import Status
from streams.engine.rows import PackedRows

MOST_LOOKS = 10_000  # a hundredth of a second


class Waiting:
    """A queue of report ids. What is no longer pending leaves it when it comes to the front: each costs one look."""

    def __init__(self, report_ids: Iterable[str] = ()) -> None:
        self._queue = deque(report_ids)

    def add(self, report_id: str) -> None:
        """A report was sent later than all that wait already."""
        self._queue.append(report_id)

    def first(self, rows: PackedRows) -> str | None:
        """The report that has been pending for longest; None where none is.

        Behind one that waited for long very many may be settled already: then, for a few calls, one of those.
        """
        queue = self._queue
        for _ in range(min(MOST_LOOKS, len(queue))):
            glance = rows.glance(queue[0])
            if glance is not None and glance.status is Status.PENDING:
                break
            queue.popleft()
        return queue[0] if queue else None

    def since(self, rows: PackedRows) -> datetime | None:
        """When the sent of that report arrived."""
        report_id = self.first(rows)
        row = rows.get(report_id) if report_id is not None else None
        return row.sent.arrived if row is not None and row.sent is not None else None

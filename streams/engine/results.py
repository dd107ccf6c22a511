"""What the work of a partition has brought since its last slice: to write, to announce and to count."""

from collections import Counter

from streams.core.checker import Passed
from streams.core.events import Event
from streams.core.fold import Step
from streams.core.row import Status
from streams.engine.pending import Waiting
from streams.engine.rows import PackedRows
from streams.engine.tally import Tally
from streams.records.record import Write

OPENING_OR_SETTLING = frozenset({Step.OPENED, Step.STORED, Step.RECOVERED})


class Results:
    """Events and records are in the order in which they are written; the tally is kept until it is taken."""

    def __init__(self) -> None:
        self.tally = Tally()
        self._records: list[Write] = []
        self._events: list[Event] = []
        self._claims: list[tuple[str, str]] = []
        self._steps: Counter[Step] = Counter()
        self._opened_or_settled: list[str] = []

    def write(self, *records: Write) -> None:
        """These are to be written beside what rows and events say."""
        self._records += records

    def did(self, report_id: str, step: Step, events: tuple[Event, ...] = ()) -> None:
        """A record did something to a report."""
        self._steps[step] += 1
        if step in OPENING_OR_SETTLING:
            self._opened_or_settled.append(report_id)
        if events:
            self._events += events

    def claimed(self, message_id: str, report_id: str) -> None:
        """A report has got a message id, most likely one that it had not."""
        self._claims.append((message_id, report_id))

    def heard(self, step: Step) -> None:
        """A feed's mark did something, to no report of its own."""
        self._steps[step] += 1

    def passed(self, passed: Passed) -> None:
        """Time did something to a report."""
        self.tally.add("decided", passed.status or "erased")
        if passed.status in (Status.STORED, Status.RECOVERED):  # by a proof that had come late
            self._opened_or_settled.append(passed.report_id)
        self._events += passed.events

    def take_tally(self) -> Tally:
        """What has been counted since the last call: to be shown once it is committed."""
        taken, self.tally = self.tally, Tally()
        return taken

    def take_stock(self, rows: PackedRows, waiting: Waiting) -> None:
        """Once a slice, for the metrics: what waits from now on, and how long proofs took."""
        for report_id in dict.fromkeys(self._opened_or_settled):
            row = rows.get(report_id)
            if row is not None and row.status is Status.PENDING:
                waiting.add(report_id)
            elif row is not None:
                self.tally.proven(row)
        self._opened_or_settled.clear()
        for event in self._events:
            self.tally.announced(event)
        for step, by in self._steps.items():
            self.tally.add("events", step, by=by)
        self._steps.clear()

    def take(self) -> tuple[list[Write], list[Event], list[tuple[str, str]]]:
        """Records, events and claimed message ids of the slice; what comes now belongs to the next."""
        taken = self._records, self._events, self._claims
        self._records, self._events, self._claims = [], [], []
        return taken

"""What a partition's work counts for the metrics until it is committed: nothing of it is shown before."""

from collections import Counter, defaultdict
from dataclasses import dataclass, field
from datetime import datetime

from streams.core.events import Closed, Event, Missing, Recovered, Reopened
from streams.core.row import Row

# Label values: what the contract names. Any other code that a producer makes up is counted as "other".
CHANNELS = ("FIKS_IO", "SVARINN", "MANUELL_MOTTAK", "PRINT")
CASE_SYSTEMS = ("VISMA_FAMILIA", "VISMA_FLYT_BARNEVERN", "NETCOMPANY_MODULUS_BARN", "MANUELL_MOTTAK", "UKJENT")
OTHER = "other"


def known(code: str | None, codes: tuple[str, ...]) -> str:
    """A code if it is one of those that the contract names, else "other"."""
    return code if code in codes else OTHER


@dataclass(slots=True)
class Tally:
    """What happened since the last commit.

    `counts` by metric and labels; `alarms` holds the alarm time of every report that was announced missing,
    `missing_at` how many of them by receiver, and `confirmations` the seconds from sent to proof by channel.
    """

    counts: Counter[tuple[str, ...]] = field(default_factory=Counter)
    alarms: list[datetime] = field(default_factory=list)
    missing_at: Counter[str] = field(default_factory=Counter)
    confirmations: defaultdict[str, list[float]] = field(default_factory=lambda: defaultdict(list))

    def add(self, metric: str, *labels: str, by: int = 1) -> None:
        """Count one, or as many as are given."""
        self.counts[metric, *labels] += by

    def unreadable(self, kind: str, number: int) -> None:
        """So many records of a batch cannot be read."""
        self.add("records", kind, by=number)
        self.add("events", "rejected", by=number)
        self.add("rejected", "batch", by=number)

    def announced(self, event: Event) -> None:
        """An event is about to be published."""
        match event:
            case Recovered(cause=cause):
                self.add("recovered", cause)
            case Closed(outcome=outcome):
                self.add("closed", outcome)
            case Reopened():
                self.add("reopened")
        if not isinstance(event, Missing):
            return
        self.add("missing", event.reason, known(event.names.case_system, CASE_SYSTEMS))
        self.alarms.append(event.alarm_at)
        receiver = event.names.receiver
        if receiver is not None:
            self.missing_at[receiver.municipality] += 1

    def proven(self, row: Row) -> None:
        """A report was settled by a proof; one that came before its sent took no time."""
        if row.proof is not None and row.sent_at is not None:
            seconds = (row.proof.place.arrived - row.sent_at).total_seconds()
            self.confirmations[known(row.names.channel, CHANNELS)].append(max(0.0, seconds))

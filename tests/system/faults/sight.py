"""What could not be seen of each partition, by what was deleted and not by what the checker says of it."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from tests.core.law import Law
from tests.system.faults.history import Anomaly, History
from tests.system.faults.truth import Inputs, Record, as_time, read_inputs, read_policy
from tests.system.faults.values import written


class Covered(NamedTuple):
    """The last word of a partition's coverage."""

    until: datetime | None
    applied: Mapping[str, int]
    losses: Sequence[Mapping[str, Any]]
    beginnings: Mapping[str, str]
    first: datetime | None
    feeds: Mapping[str, Any]


class Sight:
    """What a run's inputs hold, what of it nobody could read, and how far it was applied.

    `inputs` is what could be read, `all_inputs` has the rest as well.
    """

    def __init__(self, history: History) -> None:
        self._history = history
        could_be_read = [record for record in history.inputs if not self.is_unseen(*record[:3])]
        self.inputs: Inputs = read_inputs(could_be_read, history.prefix, history.partitions)
        self.all_inputs: Inputs = read_inputs(history.inputs, history.prefix, history.partitions)
        self.law = Law(read_policy(history.policy), {code: tuple(after) for code, after in history.successors.items()})
        self.covered = {p: self._last_coverage(p) for p in range(history.partitions)}

    def is_unseen(self, topic: str, partition: int, offset: int) -> bool:
        """True for what was deleted before it was read."""
        unseen = self._history.unseen.get((topic, partition))
        return unseen is not None and unseen.from_offset <= offset < unseen.to_offset

    def applied(self, record: Record) -> bool:
        """True for what a partition has applied by its last coverage."""
        return self.has_applied(*record[:3])

    def has_applied(self, topic: str, partition: int, offset: int) -> bool:
        """The same by its place."""
        return offset < self.covered[partition].applied.get(topic, 0)

    def unknowable(self, partition: int) -> bool:
        """Records of it were lost for ever, and not even here is it known what they said."""
        told = {(topic, one.from_offset) for (topic, p), one in self._history.unseen.items() if p == partition}
        return any((loss["topic"], loss["from_offset"]) not in told for loss in self.covered[partition].losses)

    def law_of(self, partition: int) -> Law:
        """The rules, with what cannot be seen of a partition."""
        lost, beginnings = [], []
        for (topic, p), unseen in self._history.unseen.items():
            if p != partition:
                continue
            since, until = self._ends(topic, p)
            if unseen.from_offset == 0:
                beginnings.append(until)
            elif since is not None:
                lost.append((topic.removeprefix(self._history.prefix), since, until))
        begun = max((time for time in beginnings if time is not None), default=None)
        return self.law._replace(lost=tuple(lost), beginning=begun, first_complete=self.covered[partition].first)

    def anomalies(self) -> Iterator[Anomaly]:
        """What nobody could read is on coverage as it is, and nothing else is."""
        for partition, covered in self.covered.items():
            if covered.until is not None and not self.unknowable(partition):
                yield from self._said_unseen(partition, covered)

    def _said_unseen(self, partition: int, covered: Covered) -> Iterator[Anomaly]:
        losses, beginnings = [], {}
        for (topic, p), unseen in self._history.unseen.items():
            since, until = self._ends(topic, p)
            if p == partition and unseen.from_offset == 0:
                beginnings[topic] = self._told(topic, p, covered.beginnings.get(topic), until)
            elif p == partition:
                end = next((loss["until"] for loss in covered.losses if loss["topic"] == topic), None)
                told = self._told(topic, p, end, until)
                losses.append((topic, *unseen, "deleted_by_retention", since and written(since), told))
        names = ("topic", "from_offset", "to_offset", "cause", "since", "until")
        said = [tuple(loss[name] for name in names) for loss in covered.losses]
        if sorted(said) != sorted(losses):
            yield Anomaly("coverage_lied", None, f"Partition {partition} says {said} is lost, it is {losses}.")
        if covered.beginnings != beginnings:
            detail = f"Partition {partition} says it begins at {covered.beginnings}, it does at {beginnings}."
            yield Anomaly("coverage_lied", None, detail)

    def _told(self, topic: str, partition: int, said: str | None, until: datetime | None) -> str | None:
        """When the first record came after what nobody could read; none need be known before one is applied."""
        reached = self.covered[partition].applied.get(topic, 0)
        if said is None and reached <= self._history.unseen[topic, partition].to_offset:
            return None
        return None if until is None else written(until)

    def _last_coverage(self, partition: int) -> Covered:
        last = None
        for value in self._history.coverages(partition):
            last = value
        if last is None:
            return Covered(None, {}, (), {}, None, {})
        until = as_time(last["complete_until"]) if last["complete_until"] else None
        first = as_time(last["first_complete"]) if last["first_complete"] else None
        applied = {topic: one["next_offset"] for topic, one in last["applied"].items()}
        return Covered(until, applied, last["losses"], last["beginnings"], first, last["feeds"])

    def _arrivals(self, inputs: Inputs, topic: str, partition: int) -> list[tuple[int, datetime]]:
        """In the order of the offsets."""
        return [
            (offset, arrived)
            for (name, p, offset), arrived in inputs.arrivals.items()
            if (name, p) == (topic, partition)
        ]

    def _ends(self, topic: str, partition: int) -> tuple[datetime | None, datetime | None]:
        """Between which arrivals lies what nobody could read."""
        unseen, arrivals = self._history.unseen[topic, partition], self._arrivals(self.inputs, topic, partition)
        before = [arrived for offset, arrived in arrivals if offset < unseen.from_offset]
        before += self._complete_before(topic, partition, max(before, default=None))
        after = [arrived for offset, arrived in arrivals if offset >= unseen.to_offset]
        return max(before, default=None), min(after, default=None)

    def _complete_before(self, topic: str, partition: int, before: datetime | None) -> list[datetime]:
        """Until when it says that it was complete before the loss: nothing that was lost may have arrived before."""
        start, _ = self._history.unseen[topic, partition]
        all_arrivals = self._arrivals(self.all_inputs, topic, partition)
        lost = [arrived for offset, arrived in all_arrivals if offset >= start]
        said = [
            as_time(loss["since"])
            for loss in self.covered[partition].losses
            if (loss["topic"], loss["from_offset"]) == (topic, start)
        ]
        return [time for time in said if before is not None and before <= time <= min(lost, default=before)]

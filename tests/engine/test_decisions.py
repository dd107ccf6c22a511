"""Decisions through the processor: no verdict waits for them, and none is applied before T has passed its arrival."""

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import orjson
import pytest

from streams.core.events import CLOSED_TYPE, MISSING_TYPE, RECOVERED_TYPE, REOPENED_TYPE
from streams.engine.processor import Processor
from streams.kafka.partitioner import partition_of
from streams.kafka.transaction import Writes
from streams.records.copies import COPY_HEADER
from streams.records.record import UnreadableOffsets
from tests.engine.processing import (
    DECISION,
    MOMENT,
    RECEIPT,
    REPORT,
    SENT,
    SETTINGS,
    START,
    STORED,
    Appended,
    batch,
    marked,
    ms,
    of,
    processor,
    sent_value,
)  # fmt: skip

HOUR = timedelta(hours=1)
ALARM = START + timedelta(hours=2, minutes=5)


def complete(one: Processor, until: datetime) -> Writes:
    """The marks of some checker: all that lies before them is decided."""
    return one.apply(marked(one, b"another", until))


def alarmed(partitions: int = 1, partition: int = 0) -> tuple[Processor, str]:
    """A processor that has announced a report missing; the event's id."""
    one = processor(partitions, partition)
    one.apply(batch(one, sent=[Appended(0, ms(START), REPORT.encode(), sent_value())]))
    (event,) = said(complete(one, ALARM + HOUR))
    assert event["type"] == MISSING_TYPE
    return one, event["event_id"]


def said(writes: Writes) -> list[Any]:
    return [orjson.loads(write.value or b"") for write in of(writes, "missing")]


def refused(writes: Writes) -> list[tuple[str, str, str | None]]:
    values = [orjson.loads(write.value or b"") for write in of(writes, "rejected")]
    return [(value["stage"], value["reason"], value["report_id"]) for value in values]


def decided(to: Processor, at: datetime, asked: str, event: str | None, number: int = 1, **changes: Any) -> Appended:
    """The next record of the input of decisions."""
    value = {
        "decision_id": str(UUID(int=number)), "report_id": REPORT, "missing_event_id": event, "action": asked,
        "actor": {"subject": "someone", "organisation": "964338531"}, "decided_at": at.isoformat(),
    }  # fmt: skip
    return Appended(to.position(DECISION), ms(at), REPORT.encode(), orjson.dumps(value | changes))


def test_a_decision_is_applied_when_everything_else_has_come_as_far() -> None:
    one, alarm = alarmed()
    arrived = ALARM + 2 * HOUR
    writes = one.apply(batch(one, decision=[decided(one, arrived, "close", alarm, outcome="handled")]))
    assert (said(writes), writes.offsets[DECISION], one.log.waits) == ([], 0, True)
    writes = complete(one, arrived + MOMENT)
    (event,) = said(writes)
    assert (event["type"], event["missing_event_id"], event["outcome"]) == (CLOSED_TYPE, alarm, "handled")
    assert (writes.offsets[DECISION], one.log.waits) == (1, False)
    assert one.coverage.value()["applied"][DECISION]["next_offset"] == 1
    assert one.take_tally().counts["events", "closed"] == 1
    (reopened,) = said(one.apply(batch(one, decision=[decided(one, arrived, "reopen", alarm, 2)])))
    assert (reopened["type"], reopened["missing_event_id"]) == (REOPENED_TYPE, alarm)


def test_no_verdict_waits_for_decisions() -> None:
    one, _ = alarmed()  # of which none has ever been seen
    assert one.log.inputs[DECISION].latest is None
    assert one.marks.new_set()
    assert one.marks.unseen == (SENT, RECEIPT, STORED)


def test_a_decision_that_hung_counts_as_of_its_arrival_and_blames_no_clock() -> None:
    one, alarm = alarmed()
    arrived, proven = ALARM + timedelta(minutes=10), ALARM + timedelta(minutes=20)
    value = orjson.dumps({"report_id": REPORT, "stored_at": proven.isoformat(), "evidence": "READ_BACK"})
    one.apply(batch(one, stored=[Appended(one.position(STORED), ms(proven + HOUR), REPORT.encode(), value)]))
    (recovered,) = said(complete(one, ALARM + 2 * HOUR))
    assert recovered["type"] == RECOVERED_TYPE
    late = decided(one, arrived, "close", alarm, outcome="lost")
    writes = one.apply(batch(one, decision=[late]))
    (event,) = said(writes)
    assert (event["type"], event["arrived_at"]) == (CLOSED_TYPE, "2026-01-01T02:15:00.000000Z")
    row = one.rows.get(REPORT)
    assert row is not None
    assert (row.status, "contradicts_outcome" in row.flags) == ("recovered", True)
    assert (one.coverage.gap, one.clock_is_behind(), one.coverage.complete_until) == (None, False, ALARM + 2 * HOUR)
    assert ("broker_clock",) not in one.take_tally().counts


def test_of_the_same_moment_a_proof_comes_before_a_decision() -> None:
    one, alarm = alarmed()
    at = ALARM + 2 * HOUR
    value = orjson.dumps({"report_id": REPORT, "stored_at": at.isoformat(), "evidence": "READ_BACK"})
    stored = Appended(one.position(STORED), ms(at), REPORT.encode(), value)
    one.apply(batch(one, stored=[stored], decision=[decided(one, at, "close", alarm, outcome="lost")]))
    writes = complete(one, at + MOMENT)
    assert [event["type"] for event in said(writes)] == [RECOVERED_TYPE]
    assert refused(writes) == [("rule", "decision_unfit", REPORT)]


def test_a_decision_may_erase_all_of_a_report_but_its_id() -> None:
    one, alarm = alarmed()
    at = ALARM + 2 * HOUR
    close, erase = decided(one, at, "close", alarm, outcome="withdrawn"), decided(one, at, "erase", None, 2)
    one.apply(batch(one, decision=[close, erase._replace(offset=close.offset + 1)]))
    (row,) = (orjson.loads(write.value or b"") for write in of(complete(one, at + MOMENT), "state"))
    assert {name for name, value in row.items() if value} == {
        "version", "report_id", "status", "decision_id", "touched_at", "held"
    }  # fmt: skip
    assert (row["status"], one.checker.books.of("0301").erased) == ("erased", 1)


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"missing_event_id": str(UUID(int=7))}, ("rule", "decision_unfit", REPORT)),
        ({"receiver": {"municipality": "4601"}}, ("rule", "decision_unfit", REPORT)),
        ({"action": "forget"}, ("schema", "bad_value:action", None)),
        ({"receiver": {}}, ("schema", "bad_value:receiver", None)),
    ],
)
def test_a_decision_that_does_not_fit_or_cannot_be_read_is_listed(
    changes: dict[str, Any], reason: tuple[str, str, str | None]
) -> None:
    one, alarm = alarmed()
    at = ALARM + 2 * HOUR
    one.apply(batch(one, decision=[decided(one, at, "close", alarm, **{"outcome": "lost"} | changes)]))
    writes = complete(one, at + MOMENT)
    assert (said(writes), refused(writes)) == ([], [reason])
    counts = one.take_tally().counts
    assert (counts["records", "decision"], counts["rejected", reason[0]]) == (1, 1)


def test_one_that_lies_in_a_wrong_partition_is_copied_home_once() -> None:
    home = partition_of(REPORT.encode(), 4)
    one, alarm = alarmed(4, home)
    away, at = processor(4, (home + 1) % 4), ALARM + 2 * HOUR
    away.apply(batch(away, decision=[decided(away, at, "close", alarm, outcome="found", reference="2026-1")]))
    (copy,) = of(complete(away, at + MOMENT), "decision")
    assert (copy.partition, copy.key) == (home, REPORT.encode())
    assert [name for name, _ in copy.headers or ()] == [COPY_HEADER]
    value = orjson.loads(copy.value or b"")
    assert (value["actor"], value["reference"]) == ({"subject": "someone", "organisation": "964338531"}, "2026-1")
    record = Appended(0, ms(at + HOUR), copy.key, copy.value, tuple(copy.headers or ()))
    one.apply(batch(one, decision=[record, record._replace(offset=1)]))
    (event,) = said(complete(one, at + HOUR + MOMENT))
    assert (event["outcome"], one.take_tally().counts["events", "decision_repeated"]) == ("found", 1)
    again = Appended(away.position(DECISION), *record[1:])
    away.apply(batch(away, decision=[again]))
    assert refused(complete(away, at + HOUR + MOMENT)) == [("partition", "misplaced_again", REPORT)]


def test_a_batch_of_decisions_that_nobody_can_read_is_listed_and_is_no_loss_of_evidence() -> None:
    one, _ = alarmed()
    at = ALARM + 2 * HOUR
    one.apply(batch(one, decision=[UnreadableOffsets(0, 1, ms(at), 1, "crc")]))  # type: ignore[list-item]
    writes = complete(one, at + MOMENT)
    assert [reason[:2] for reason in refused(writes)] == [("batch", "crc")]
    assert [(loss.topic, loss.from_offset, loss.to_offset) for loss in one.coverage.losses] == [(DECISION, 0, 1)]
    assert (one.checker.sight.lost, one.checker.sight.lost_receipts) == ((), ())
    assert (writes.offsets[DECISION], SETTINGS.decisions) == (1, DECISION)


def test_closed_and_reopened_alarms_are_counted_when_they_are_announced() -> None:
    one, alarm = alarmed()
    one.take_tally()
    for number, (asked, said_) in enumerate((("close", {"outcome": "handled"}), ("reopen", {})), start=1):
        arrived = ALARM + (1 + number) * HOUR
        one.apply(batch(one, decision=[decided(one, arrived, asked, alarm, number, **said_)]))
        complete(one, arrived + MOMENT)
    counts = one.take_tally().counts
    answered = {key: by for key, by in counts.items() if key[0] in ("closed", "reopened")}
    assert answered == {("closed", "handled"): 1, ("reopened",): 1}

"""Batches that nobody can read, in the processor of one partition: listed, counted, and passed as a loss."""

from datetime import timedelta
from typing import Any

import orjson

from schemas.coverage import Coverage as CoverageModel
from schemas.outputs import Rejected
from streams.engine.batch import Batch, Span
from streams.engine.processor import Processor
from streams.kafka.transaction import Writes
from streams.records.coverage import LastRecord, Loss, read_coverage
from streams.records.record import HEADER, NO_TIME, UnreadableOffsets, arrival
from tests.engine.processing import (
    MOMENT,
    RECEIPT,
    SENT,
    START,
    STORED,
    Appended,
    applied,
    batch,
    ms,
    processor,
    sent_value,
)

REPORT = "3f2b8c1e-5a4d-4e0b-9c1a-7d2e6f8a9b10"


def hole(
    first: int, after: int, seconds: int = 60, cause: str = "batch_not_unpacked", kind: int = 1
) -> UnreadableOffsets:
    return UnreadableOffsets(first, after, ms(START + timedelta(seconds=seconds)), kind, cause)


def sent(offset: int, seconds: int = 0, report: str = REPORT) -> Appended:
    return Appended(offset, ms(START + timedelta(seconds=seconds)), report.encode(), sent_value(report))


def fetched(to: Processor, **records: list[Any]) -> Writes:
    """Fetch and apply; the spans end behind it, as a consumer's positions do."""
    made = batch(to, **{kind: [one for one in some if isinstance(one, Appended)] for kind, some in records.items()})
    spans = dict(made.spans)
    for kind, some in records.items():
        topic = f"reports.{kind}"
        spans[topic] = spans[topic]._replace(end=getattr(some[-1], "next_offset", some[-1].offset + 1))
    by_topic = {f"reports.{kind}": some for kind, some in records.items()}
    return applied(to, type(made)(made.partition, made.epoch, spans, by_topic))


def listed(writes: Writes) -> list[dict[str, Any]]:
    found = [orjson.loads(write.value or b"") for write in writes.records if write.topic.endswith(".rejected")]
    return [Rejected.model_validate(value).model_dump() and value for value in found]


def test_its_offsets_are_listed_one_by_one_and_what_is_around_them_is_judged() -> None:
    to = processor()
    other = REPORT.replace("3f2b", "4f2b")
    writes = fetched(to, sent=[sent(0), hole(1, 4), sent(4, 61, other)])
    assert {row.report_id for row in to.rows} == {REPORT, other}
    assert [(value["topic"], value["partition"], value["offset"]) for value in listed(writes)] == [
        (SENT, 0, n) for n in (1, 2, 3)
    ]
    value = listed(writes)[0]
    assert (value["stage"], value["reason"], value["arrived"]) == (
        "batch",
        "batch_not_unpacked",
        "2026-01-01T00:01:00.000000Z",
    )
    assert (value["sha256"], value["size_bytes"], value["report_id"], value["judged"]) == (None, None, None, False)
    assert to.applied(SENT) == 6, "with the mark behind it"
    counts = to.take_tally().counts
    assert counts["rejected", "batch"] == counts["events", "rejected"] == 3
    assert counts["records", "sent"] == 5


def test_it_is_a_loss_of_the_moment_in_which_it_arrived() -> None:
    to = processor()
    writes = fetched(to, stored=[hole(0, 2), hole(2, 3, 90)], receipt=[hole(7, 9, 30)])
    first, second = START + timedelta(seconds=60), START + timedelta(seconds=90)
    thirty = START + timedelta(seconds=30)
    assert sorted(to.coverage.losses) == [
        Loss(RECEIPT, 7, 9, "unreadable_batch", thirty, thirty), Loss(STORED, 0, 3, "unreadable_batch", first, second),
    ]  # fmt: skip
    *_, value = [orjson.loads(write.value or b"") for write in writes.records if write.key == b"0"]
    CoverageModel.model_validate(value)
    assert read_coverage(value).losses == to.coverage.losses


def test_the_last_record_is_found_again_at_a_start_even_where_it_cannot_be_read() -> None:
    to = processor()
    minute = START + timedelta(seconds=61)
    for kind in ("receipt", "stored"):
        to.apply(batch(to, **{kind: [Appended(0, ms(minute), b"", None, ((HEADER, b"another"),))]}))
    spans = {SENT: Span(0, 5)}
    to.apply(Batch(0, 0, spans, {SENT: [sent(0), hole(1, 4), sent(4, 62)]}))
    assert to.applied(SENT) == 4
    assert to.coverage.applied[SENT].last == LastRecord(3, START + timedelta(seconds=60))


def test_of_one_whose_time_cannot_be_trusted_the_next_record_tells_until_when_it_arrived() -> None:
    to = processor()
    writes = fetched(to, stored=[hole(0, 2, 0, "batch_checksum", NO_TIME)])
    assert [value["arrived"] for value in listed(writes)] == [None, None]
    behind = START + MOMENT  # another checker's mark
    assert to.coverage.losses == [Loss(STORED, 0, 2, "unreadable_batch", arrival(0), behind)]
    later = START + timedelta(seconds=9)
    fetched(to, stored=[hole(3, 4, 0, "batch_checksum", NO_TIME), Appended(4, ms(later), b"", None)])
    assert to.coverage.losses[-1] == Loss(STORED, 3, 4, "unreadable_batch", behind, later)


def test_of_very_many_the_first_are_listed_and_the_loss_has_them_all() -> None:
    to = processor()
    writes = fetched(to, sent=[hole(0, 10_000_000)])
    assert [value["offset"] for value in listed(writes)] == list(range(1_000))
    assert [(loss.from_offset, loss.to_offset) for loss in to.coverage.losses] == [(0, 10_000_000)]
    assert to.take_tally().counts["rejected", "batch"] == 10_000_000


def test_a_clock_that_stepped_back_is_said_of_it_as_of_any_record() -> None:
    to = processor()
    fetched(to, sent=[sent(0, 100)])
    fetched(to, sent=[hole(1, 2, 50)])
    assert to.take_tally().counts[("broker_clock",)] == 1
    (loss,) = to.coverage.losses
    assert loss.since == loss.until == START + timedelta(seconds=100) + MOMENT, "the mark between has the latest time"

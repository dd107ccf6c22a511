"""The worker's metrics, without Kafka: what is measured, when it is shown, and what is never shown."""

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import orjson
import pytest
from aiokafka import TopicPartition
from prometheus_client import CollectorRegistry, Histogram, generate_latest

from streams.core.books import Book
from streams.core.row import Status
from streams.engine import pending
from streams.engine.health.gauges import PartitionGauges
from streams.engine.instruments import BatchHistogram, LastHour
from streams.engine.metrics import MOST_NAMES, Metrics
from streams.engine.partition import Partition
from streams.engine.processor import Processor
from streams.engine.rows import LIVE_ROWS
from streams.engine.snapshot import Restored
from streams.records.coverage import Gap
from tests.engine.processing import START, Appended, applied, batch, marked, ms, processor, sent_value

MINUTE = timedelta(minutes=1)


def report(number: int) -> str:
    return str(UUID(int=number, version=4))


def sent(to: Processor, number: int, at: datetime = START, after: int = 0, **changes: Any) -> Appended:
    value = sent_value(report(number), **{"sent_at": at.isoformat()} | changes)
    return Appended(to.position("reports.sent") + after, ms(at), report(number).encode(), value)


def stored(to: Processor, number: int, at: datetime, after: int = 0) -> Appended:
    value = {"report_id": report(number), "stored_at": at.isoformat(), "evidence": "READ_BACK"}
    return Appended(to.position("reports.stored") + after, ms(at), report(number).encode(), orjson.dumps(value))


def shown(metrics: Metrics, name: str, **labels: str) -> float | None:
    return metrics.registry.get_sample_value(f"meldingsvakt_{name}", labels)


def partition_at_work(one: Processor) -> Partition:
    unused: Any = None
    return Partition(one, unused, unused)


def test_a_histogram_of_batches_shows_what_prometheus_own_shows() -> None:
    bounds, values = (0.1, 1.0, 60.0), [0.0, 0.1, 0.11, 1.0, 59.0, 60.5, 1e6]
    ours, theirs = CollectorRegistry(), CollectorRegistry()
    batched = BatchHistogram("seconds", "Text.", bounds)
    ours.register(batched)
    batched.observe(values[:3])
    batched.observe(values[3:])
    single = Histogram("seconds", "Text.", buckets=bounds, registry=theirs)
    for value in values:
        single.observe(value)
    lines = [line for line in generate_latest(theirs).splitlines() if b"_created" not in line]
    assert generate_latest(ours).splitlines() == lines


def test_the_largest_number_at_one_receiver_is_that_of_the_last_hour() -> None:
    hour = LastHour()
    assert hour.most(0) == 0
    hour.add({"0301": 2, "4601": 1}, 0)
    hour.add({"4601": 2}, 1800)
    assert hour.most(1800) == 3
    assert hour.most(3500) == 3
    assert hour.most(3700) == 2  # what was at the beginning is over an hour ago
    assert hour.most(1800 + 3700) == 0


def test_nothing_is_kept_of_an_hour_that_is_over() -> None:
    hour = LastHour()
    for minute in range(1000):
        hour.add({f"{minute:04}": 1}, minute * 60)
        assert hour.most(minute * 60) == 1
    assert len(hour._minutes) <= 62
    assert len(hour._total) <= 62


def test_a_confirmation_is_measured_once_whichever_came_first() -> None:
    one = processor()
    applied(one, batch(one, sent=[sent(one, 1), sent(one, 2, after=1)], stored=[stored(one, 1, START + MINUTE)]))
    assert one.take_tally().confirmations == {"FIKS_IO": [60.0]}
    applied(one, batch(one, stored=[stored(one, 2, START + 2 * MINUTE), stored(one, 3, START + 2 * MINUTE, after=1)]))
    assert one.take_tally().confirmations == {"FIKS_IO": [120.0]}
    later = START + 3 * MINUTE
    first, again = sent(one, 3, later, channel="BREVDUE"), sent(one, 2, later, 2)
    resent = sent(one, 1, later, 1, message_id="m")
    applied(one, batch(one, sent=[first, resent, again], stored=[stored(one, 1, later)]))
    assert one.take_tally().confirmations == {"other": [0.0]}  # its proof had come before it was sent


def test_missing_and_recovered_are_counted_when_they_are_announced() -> None:
    one = processor()
    applied(one, batch(one, sent=[sent(one, 1), sent(one, 2, after=1, case_system="ET_NYTT")]))
    one.take_tally()
    one.apply(marked(one, one.marks.new_set(), START + timedelta(days=1)))
    tally = one.take_tally()
    alarm = START + timedelta(hours=2, minutes=5)
    assert tally.alarms == [alarm, alarm]
    assert tally.missing_at == {"0301": 2}
    assert {key: by for key, by in tally.counts.items() if key[0] in ("missing", "decided")} == {
        ("missing", "no_receipt", "UKJENT"): 1, ("missing", "no_receipt", "other"): 1, ("decided", "missing"): 2,
    }  # fmt: skip
    late = START + timedelta(days=2)
    applied(one, batch(one, stored=[stored(one, 1, late)]))
    tally = one.take_tally()
    assert tally.counts["recovered", "stored_late"] == 1
    assert tally.confirmations == {"FIKS_IO": [172_800.0]}


def test_every_record_has_exactly_one_outcome() -> None:
    one = processor(partitions=2)
    records = [sent(one, number, after=number) for number in range(20)]
    bad = Appended(20, ms(START), None, b"{")
    applied(one, batch(one, sent=[*records, bad, sent(one, 1, after=21)]))
    counts = one.take_tally().counts
    outcomes = {key[1]: by for key, by in counts.items() if key[0] == "events"}
    assert sum(outcomes.values()) == counts["records", "sent"] == 22
    assert outcomes["rejected"] == 1
    assert 0 < outcomes["sent_home"] == counts["misplaced", "wrong_partition"] < 20


def test_the_delay_is_told_by_the_brokers_time() -> None:
    metrics, one = Metrics(), processor()
    applied(one, batch(one, sent=[sent(one, 1)]))
    one.apply(marked(one, one.marks.new_set(), START + timedelta(days=1)))
    metrics.committed(one.take_tally(), 0.02, START + timedelta(hours=2, minutes=5, seconds=3))
    assert shown(metrics, "detection_delay_seconds_sum") == 3.0
    assert shown(metrics, "detection_delay_seconds_bucket", le="2.5") == 0
    assert shown(metrics, "detection_delay_seconds_bucket", le="5.0") == 1
    assert shown(metrics, "receiver_burst_reports") == 1
    assert shown(metrics, "commit_seconds_count") == 1


def test_the_longest_pending_report_is_known_whatever_comes_between() -> None:
    one = processor()
    partitions = {0: partition_at_work(one)}
    metrics = Metrics()
    metrics.registry.register(PartitionGauges(partitions))
    assert shown(metrics, "oldest_pending_timestamp_seconds", partition="0") is None
    applied(one, batch(one, sent=[sent(one, number, START + number * MINUTE, number) for number in range(5)]))

    def oldest() -> float | None:
        one.stand.committed()
        found = shown(metrics, "oldest_pending_timestamp_seconds", partition="0")
        return None if found is None else (found - START.timestamp()) / 60

    assert oldest() == 0
    applied(one, batch(one, stored=[stored(one, 1, START + 5 * MINUTE), stored(one, 0, START + 5 * MINUTE, 1)]))
    assert oldest() == 2
    applied(one, batch(one, stored=[stored(one, number, START + 6 * MINUTE, number - 2) for number in (2, 3, 4)]))
    assert oldest() is None


async def test_who_waits_is_known_after_a_restore_in_the_order_of_arrival() -> None:
    one = processor()
    state, coverage = TopicPartition("reports.state", 0), TopicPartition("reports.coverage", 0)
    restored = Restored(state, coverage)
    numbers = (3, 1, 4, 0, 2)
    for place, number in enumerate(numbers):
        writes = applied(one, batch(one, sent=[sent(one, number, START + place * MINUTE)]))
        written = [write for write in writes.records if write.topic == state.topic]
        restored.take(state, [Appended(place, 0, write.key, write.value) for write in reversed(written)])
        restored.take(coverage, [Appended(0, 0, w.key, w.value) for w in writes.records if w.topic == coverage.topic])
    proven = applied(one, batch(one, stored=[stored(one, 3, START + 10 * MINUTE)]))
    for tp in (state, coverage):
        restored.take(tp, [Appended(9, 0, w.key, w.value) for w in proven.records if w.topic == tp.topic])
    await restored.deadlines(one.checker.rules)
    assert restored.pending == [report(number) for number in (1, 4, 0, 2)]


def test_reports_that_are_settled_do_not_pile_up_in_the_queue_of_those_that_wait() -> None:
    one = processor()
    for number in range(200):
        applied(one, batch(one, sent=[sent(one, number)], stored=[stored(one, number, START + MINUTE)]))
    assert len(one.waiting._queue) == 0


def test_very_many_that_were_settled_behind_one_that_waits_are_passed_a_few_at_a_time(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(pending, "MOST_LOOKS", 10)
    one = processor()
    applied(one, batch(one, sent=[sent(one, number, START + number * MINUTE, number) for number in range(26)]))
    proofs = [stored(one, number + 1, START + 30 * MINUTE, number) for number in range(24)]
    applied(one, batch(one, stored=proofs))
    assert one.waiting.since(one.rows) == START
    applied(one, batch(one, stored=[stored(one, 0, START + 31 * MINUTE)]))  # looks at ten, at once
    assert [one.waiting.since(one.rows) for _ in range(3)] == [
        START + 20 * MINUTE, START + 25 * MINUTE, START + 25 * MINUTE,
    ]  # fmt: skip


def test_a_difference_at_one_receiver_is_not_made_up_for_by_another() -> None:
    one = processor()
    one.stand.books |= {
        "0301": Book(sent_records=3, pending=2), "4601": Book(sent_records=1, pending=2), None: Book(erased=1),
    }  # fmt: skip
    metrics = Metrics()
    metrics.registry.register(PartitionGauges({0: partition_at_work(one)}))
    assert shown(metrics, "books_difference_reports", partition="0") == 3
    assert shown(metrics, "sent_reports", partition="0") == 4
    assert shown(metrics, "reports", partition="0", status="pending") == 4


def test_names_that_others_choose_cannot_make_metrics_without_end() -> None:
    metrics = Metrics()
    for number in range(10 * MOST_NAMES):
        metrics.count("fetch_errors", f"Error{number}")
    family = next(one for one in metrics.registry.collect() if one.name == "meldingsvakt_fetch_errors")
    counted = {s.labels["error"]: s.value for s in family.samples if s.name.endswith("_total")}
    assert len(counted) == MOST_NAMES + 1
    assert counted["other"] == 9 * MOST_NAMES


def test_what_can_be_counted_stands_at_zero_from_the_start() -> None:
    metrics = Metrics()
    assert shown(metrics, "missing_total", reason="receipted_not_stored", case_system="VISMA_FAMILIA") == 0
    assert shown(metrics, "rejected_total", stage="schema") == 0
    assert shown(metrics, "records_total", kind="stored") == 0


def test_nothing_is_shown_before_it_is_committed() -> None:
    one = processor()
    metrics = Metrics()
    metrics.registry.register(PartitionGauges({0: partition_at_work(one)}))
    whole = batch(one, sent=[sent(one, number, after=number) for number in range(3)])
    empty = [line for line in generate_latest(metrics.registry).splitlines() if b'partition="0"' in line]
    one.apply(whole)
    one.apply(marked(one, one.marks.new_set(), START + timedelta(days=1)))
    one.publish(Gap(START, "lag"))
    again = [line for line in generate_latest(metrics.registry).splitlines() if b'partition="0"' in line]
    assert _but_age(again) == _but_age(empty)
    one.stand.committed()
    assert shown(metrics, "reports", partition="0", status="missing") == 3
    assert shown(metrics, "sent_reports", partition="0") == 3
    assert shown(metrics, "rows", partition="0") == 3
    assert shown(metrics, "gap", partition="0", cause="lag") == 1
    assert shown(metrics, "complete_until_timestamp_seconds", partition="0") == (START + timedelta(days=1)).timestamp()


def _but_age(lines: list[bytes]) -> list[bytes]:
    return [line for line in lines if b"completeness_age" not in line]


def test_a_scrape_looks_into_no_row(monkeypatch: pytest.MonkeyPatch) -> None:
    one = processor()
    count = LIVE_ROWS + 1000
    applied(one, batch(one, sent=[sent(one, number, after=number) for number in range(count)]))
    one.stand.committed()
    monkeypatch.setattr(type(one.rows), "get", None)
    monkeypatch.setattr(type(one.rows), "__iter__", None)
    families = list(PartitionGauges({0: partition_at_work(one)}).collect())
    pending = next(f for f in families if f.name == "meldingsvakt_reports").samples
    assert {s.labels["status"]: s.value for s in pending}[Status.PENDING] == count

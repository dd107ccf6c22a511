"""The processor of one partition, without Kafka: batches in, writes out."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import orjson
import pytest

from schemas.coverage import Books as BooksModel
from schemas.coverage import Coverage as CoverageModel
from schemas.outputs import Message, Rejected, ReportMissing, ReportRecovered, ReportState
from schemas.policy import parse_policy
from streams.commands.replay import PlayedLine, Replay
from streams.core.books import Books
from streams.core.events import MISSING_TYPE, written
from streams.core.rules import Rules
from streams.data import succession
from streams.engine.batch import Batch, Span
from streams.engine.marks import Marks
from streams.engine.processor import Processor
from streams.engine.rows import PackedRows
from streams.errors import ConfigurationError
from streams.kafka.partitioner import partition_of
from streams.policies import policy_of
from streams.records.coverage import LastRecord, read_coverage
from streams.records.events import event_record, read_book
from streams.records.record import HEADER, Write, mark_of
from streams.simulation.traffic import Mix, generate
from tests.engine.processing import (
    MOMENT,
    RECEIPT,
    REPORT,
    SENT,
    SETTINGS,
    START,
    STORED,
    Appended,
    applied,
    batch,
    marked,
    ms,
    of,
    processor,
    sent_value,
)


def test_nothing_is_decided_before_all_inputs_have_come_so_far() -> None:
    one = processor()
    late = START + timedelta(days=1)
    mark = Appended(1, ms(late), b"", None, ((HEADER, one.marks.new_set()),))
    sent = Appended(0, ms(START), REPORT.encode(), sent_value())
    assert of(one.apply(batch(one, sent=[sent, mark])), "missing") == []
    assert of(one.apply(batch(one, receipt=[mark._replace(offset=0)])), "missing") == []
    assert one.coverage.complete_until is None
    writes = one.apply(batch(one, stored=[mark._replace(offset=0, timestamp=ms(late) + 5)]))
    (event,) = of(writes, "missing")
    assert orjson.loads(event.value or b"")["report_id"] == REPORT
    assert one.coverage.complete_until == late


def test_whatever_is_read_tells_how_far_an_input_has_come_but_only_own_marks_end_a_set() -> None:
    one = processor()
    other = Marks("reports", SETTINGS.inputs)
    header = one.marks.new_set()
    one.apply(marked(one, other.new_set(), START))
    assert one.coverage.complete_until == START
    assert (one.marks.outstanding, one.coverage.first_complete) == (True, None)
    one.apply(marked(one, header, START + MOMENT))
    assert not one.marks.outstanding
    assert one.coverage.first_complete == one.coverage.complete_until == START + MOMENT


def test_an_abandoned_set_is_not_waited_for() -> None:
    one = processor()
    abandoned = one.marks.new_set()
    one.marks.abandon()
    one.apply(marked(one, abandoned, START))
    assert one.coverage.first_complete is None


def test_records_are_applied_in_the_order_of_their_arrival_and_not_beyond_what_is_known_of_every_input() -> None:
    """The proof lies behind a whole day of other records of its own input, and before its alarm all the same."""
    one, minute = processor(), timedelta(minutes=1)
    sent = Appended(0, ms(START), REPORT.encode(), sent_value())
    writes = one.apply(batch(one, sent=[sent], stored=[proof(0, START + minute)]))
    assert (of(writes, "state"), writes.offsets) == ([], dict.fromkeys(SETTINGS.inputs, 0))
    assert one.log.waits
    one.apply(marked(one, b"another", START + minute))
    row = one.rows.get(REPORT)
    assert row is not None
    assert (row.status, one.applied(SENT), one.applied(STORED)) == ("pending", 2, 0)
    writes = one.apply(marked(one, b"another", START + timedelta(days=1)))
    row = one.rows.get(REPORT)
    assert row is not None
    assert (row.status, one.log.waits, of(writes, "missing")) == ("stored", False, [])


@pytest.mark.parametrize(("key", "value"), [(REPORT.encode(), sent_value()), (b"", sent_value()), (None, sent_value())])
def test_a_record_with_the_header_of_a_mark_is_judged_like_any_other(key: bytes | None, value: bytes) -> None:
    one = processor()
    record = Appended(0, ms(START), key, value, ((HEADER, b"x"),))
    assert len(of(applied(one, batch(one, sent=[record])), "state")) == 1
    (row,) = one.rows
    assert row.report_id == REPORT


@pytest.mark.parametrize("key", [None, REPORT.encode()])
def test_a_tombstone_with_the_header_of_a_mark_is_rejected(key: bytes | None) -> None:
    one = processor()
    header = one.marks.new_set()
    writes = applied(one, batch(one, stored=[Appended(0, ms(START), key, None, ((HEADER, header),))]))
    (rejected,) = of(writes, "rejected")
    assert orjson.loads(rejected.value or b"")["reason"] == "tombstone"
    assert SETTINGS.inputs[2] in one.marks.unseen


@pytest.mark.parametrize(
    ("key", "value", "headers", "mark"),
    [
        (b"", None, ((HEADER, b"x"),), b"x"),
        (b"", None, (("ce_id", b"1"), (HEADER, b"x"), (HEADER, b"y")), b"x"),
        (b"", None, ((HEADER, None),), b""),
        (b"", None, (), None),
        (b"", b"", ((HEADER, b"x"),), None),
        (b"", sent_value(), ((HEADER, b"x"),), None),
        (None, None, ((HEADER, b"x"),), None),
        (REPORT.encode(), None, ((HEADER, b"x"),), None),
    ],
)
def test_a_mark_has_an_empty_key_no_value_and_its_header(
    key: bytes | None, value: bytes | None, headers: Any, mark: bytes | None
) -> None:
    assert mark_of(Appended(0, ms(START), key, value, headers)) == mark


def test_a_record_from_before_what_is_complete_is_said_aloud_and_judged() -> None:
    one = processor()
    one.apply(marked(one, one.marks.new_set(), START + timedelta(hours=1)))
    one.apply(batch(one, sent=[Appended(1, ms(START), REPORT.encode(), sent_value())]))
    assert one.coverage.gap is not None
    assert one.coverage.gap.cause == "broker_clock"
    assert one.take_tally().counts[("broker_clock",)] == 1
    one.apply(marked(one, one.marks.new_set(), START + timedelta(minutes=30)))
    assert one.coverage.complete_until == START + timedelta(hours=1), "completeness never goes back"
    assert one.coverage.gap is not None, "the clock is behind still"
    one.apply(marked(one, one.marks.new_set(), START + timedelta(minutes=61)))
    assert one.coverage.complete_until == START + timedelta(minutes=61)
    assert one.coverage.gap is None


def _with_a_clock_that_steps_back(back: timedelta, *, proven: bool) -> tuple[Processor, list[Write]]:
    """Complete until START + 1 h by a clock that was ahead; then a report is sent (and proven) by one that is not."""
    one, ahead = processor(), START + timedelta(hours=1)
    one.apply(marked(one, one.marks.new_set(), ahead))
    now = ahead - back
    at_once = written(now)
    applied(one, batch(one, sent=[Appended(1, ms(now), REPORT.encode(), sent_value(sent_at=at_once))]))
    announced = of(one.apply(marked(one, one.marks.new_set(), now + timedelta(seconds=10))), "missing")
    if proven:
        later = now + timedelta(seconds=20)
        value = orjson.dumps({"report_id": REPORT, "stored_at": written(later), "evidence": "READ_BACK"})
        applied(one, batch(one, stored=[Appended(2, ms(later), REPORT.encode(), value)]))
    for hours in (1, 2, 3, 4):
        announced += of(one.apply(marked(one, one.marks.new_set(), ahead + timedelta(hours=hours))), "missing")
    return one, announced


@pytest.mark.parametrize("back", [timedelta(milliseconds=5), timedelta(minutes=10), timedelta(days=2)])
def test_a_clock_that_steps_back_makes_no_phantom(back: timedelta) -> None:
    one, announced = _with_a_clock_that_steps_back(back, proven=True)
    assert announced == []
    (row,) = one.rows
    assert row.status == "stored"


@pytest.mark.parametrize("back", [timedelta(milliseconds=5), timedelta(minutes=10), timedelta(days=2)])
def test_a_clock_that_steps_back_loses_no_report(back: timedelta) -> None:
    one, announced = _with_a_clock_that_steps_back(back, proven=False)
    (event,) = announced
    (row,) = one.rows
    # It counts as arrived with what lay before it, so its time begins there and not in the past.
    assert row.sent is not None
    assert row.sent.arrived == START + timedelta(hours=1)
    assert orjson.loads(event.value or b"")["alarm_at"] > written(START + timedelta(hours=1))


def test_a_batch_that_begins_elsewhere_does_not_fit() -> None:
    one = processor()
    assert one.fits(Batch(0, 0, {SENT: Span(0, 4)}, {}))
    one.apply(Batch(0, 0, {SENT: Span(0, 4)}, {}))
    assert not one.fits(Batch(0, 0, {SENT: Span(0, 4)}, {}))
    assert one.fits(Batch(0, 0, {SENT: Span(4, 5)}, {}))


def test_control_records_move_the_committed_position() -> None:
    one = processor()
    assert one.apply(Batch(0, 0, {STORED: Span(0, 7)}, {})).offsets == dict.fromkeys(SETTINGS.inputs, 0) | {STORED: 7}


def undated(record: Appended) -> Appended:
    """The same as a topic without append times has it: the time is the producer's word."""
    return record._replace(timestamp=ms(START + timedelta(days=30_000)), timestamp_type=0)


def proof(offset: int, at: datetime) -> Appended:
    value = {"report_id": REPORT, "stored_at": written(START), "evidence": "READ_BACK"}
    return Appended(offset, ms(at), REPORT.encode(), orjson.dumps(value))


def test_a_record_from_before_append_times_is_rejected_and_lost_and_judged_once_it_is_appended_again() -> None:
    one, minute = processor(), timedelta(minutes=1)
    before, after = proof(0, START), Appended(4, ms(START + minute), b"", None, ((HEADER, b"doctor/1"),))
    old = [undated(proof(1, START)), undated(Appended(2, 0, None, b"{"))]
    writes = applied(one, batch(one, stored=[before, *old]))
    known, unknown = (Rejected.model_validate_json(write.value or b"") for write in of(writes, "rejected"))
    assert (known.stage, known.reason, known.arrived, known.judged) == ("rule", "no_append_time", None, False)
    assert (str(known.report_id), unknown.report_id) == (REPORT, None)
    (loss,) = one.coverage.losses
    assert tuple(loss) == (STORED, 1, 3, "no_append_time", START, START + MOMENT)
    applied(one, batch(one, stored=[after]))
    assert one.coverage.losses == [loss]
    assert one.coverage.applied[STORED].last == LastRecord(5, START + minute + MOMENT)
    counts = one.take_tally().counts
    assert one.coverage.telling_losses(timedelta(days=30)) == {"no_append_time": 1}
    assert counts["rejected", "rule"] == counts["events", "rejected"] == 2
    assert counts["records", "stored"] == 3


def test_the_last_record_of_a_batch_that_has_no_append_time_is_not_taken_for_one_that_had() -> None:
    one = processor()
    for topic in (SENT, RECEIPT):
        mark = Appended(0, ms(START + MOMENT), b"", None, ((HEADER, b"another"),))
        one.apply(batch(one, **{topic.removeprefix("reports."): [mark]}))
    one.apply(batch(one, stored=[proof(0, START), undated(proof(1, START)), proof(2, START + 2 * MOMENT)]))
    assert one.applied(STORED) == 2
    assert one.coverage.applied[STORED].last is None
    assert one.coverage.applied[STORED].latest == START
    assert read_coverage(one.coverage.value()).value() == one.coverage.value()


def test_a_sent_without_append_time_opens_nothing_before_it_is_appended_again() -> None:
    one = processor()
    sent = Appended(0, ms(START), REPORT.encode(), sent_value())
    applied(one, batch(one, sent=[undated(sent)]))
    assert one.rows.get(REPORT) is None
    applied(one, batch(one, sent=[sent._replace(offset=1, timestamp=ms(START + timedelta(days=1)))]))
    row = one.rows.get(REPORT)
    assert row is not None
    assert row.sent is not None
    assert row.sent.arrived == START + timedelta(days=1)


def test_marks_of_others_from_before_append_times_concern_nobody() -> None:
    one = processor()
    writes = applied(one, batch(one, sent=[undated(Appended(0, 0, b"", None, ((HEADER, b"doctor/1"),)))]))
    assert of(writes, "rejected") == []
    assert one.coverage.losses == []


@pytest.mark.parametrize("own", [True, False])
def test_a_topic_that_loses_its_append_times_while_the_worker_runs_ends_it(own: bool) -> None:
    """Its own mark without one, or any record behind one of its marks."""
    one = processor()
    if not own:
        one.apply(marked(one, one.marks.new_set(), START))
    mark = Appended(one.position(SENT), 0, b"", None, ((HEADER, one.marks.new_set()),))
    record = mark if own else Appended(one.position(SENT), 0, REPORT.encode(), sent_value())
    with pytest.raises(ConfigurationError, match=rf"reports.sent-0 offset {record.offset} .*=LogAppendTime"):
        applied(one, batch(one, sent=[undated(record)]))
    assert one.coverage.complete_until == (None if own else START)


def test_a_misplaced_record_is_copied_with_its_known_fields_and_its_origin() -> None:
    home = partition_of(REPORT.encode(), 4)
    one = processor(4, (home + 1) % 4)
    value = sent_value(navn="hemmelig")
    writes = applied(one, batch(one, sent=[Appended(0, ms(START), REPORT.encode(), value)]))
    (copy,) = of(writes, "sent")
    assert (copy.partition, copy.key) == (home, REPORT.encode())
    assert orjson.loads(copy.value or b"") == {
        **orjson.loads(sent_value()), "sent_at": "2026-01-01T00:00:00.000000Z",
    }  # fmt: skip
    origin = f"{SENT}/{one.partition}/0@2026-01-01T00:00:00.000000Z/{REPORT}"
    assert copy.headers == [("mv-copy", origin.encode())]
    assert of(writes, "state") == []
    again = Appended(1, ms(START), copy.key, copy.value, tuple(copy.headers or ()))
    (rejected,) = of(applied(one, batch(one, sent=[again])), "rejected")
    assert orjson.loads(rejected.value or b"")["reason"] == "misplaced_again"


def test_an_unreadable_misplaced_sent_is_listed_once_and_judged_at_home() -> None:
    home = partition_of(REPORT.encode(), 4)
    away, at_home = processor(4, (home + 1) % 4), processor(4, home)
    value = sent_value(channel=7)
    writes = applied(away, batch(away, sent=[Appended(0, ms(START), REPORT.encode(), value)]))
    assert len(of(writes, "rejected")) == 1
    (copy,) = of(writes, "sent")
    record = Appended(0, ms(START), copy.key, copy.value, tuple(copy.headers or ()))
    writes = applied(at_home, batch(at_home, sent=[record]))
    assert of(writes, "rejected") == []
    (state,) = of(writes, "state")
    row = orjson.loads(state.value or b"")
    assert row["channel"] is None
    assert "unreadable_channel" in row["flags"]


def test_what_changes_nothing_is_not_written_again() -> None:
    one = processor()
    record = Appended(0, ms(START), REPORT.encode(), sent_value())
    assert len(of(applied(one, batch(one, sent=[record])), "state")) == 1
    writes = applied(one, batch(one, sent=[record._replace(offset=2)]))
    assert of(writes, "state") == []
    assert writes.offsets[SENT] == 4, "with the mark behind each"


def test_coverage_says_by_which_table_receivers_are_compared() -> None:
    one = processor()
    (said,) = of(one.publish(None), "coverage")
    assert orjson.loads(said.value or b"")["municipalities"] == succession().fingerprint


MIX = Mix(stored_unreceipted=0.05, stored_late=0.1, confirmed_late=0.1, receipt_only=0.1, nothing=0.1, rejected=0.05,
          transport_failed=0.05, elsewhere=0.05, duplicated=0.2, resent=0.2, stored_first=0.3)  # fmt: skip


def _chunks(lines: list[Any], size: int) -> Iterator[list[Any]]:
    for start in range(0, len(lines), size):
        yield lines[start : start + size]


@pytest.mark.parametrize("seed", range(4))
def test_restored_after_every_batch_it_says_the_same_as_the_pure_checker(seed: int) -> None:
    traffic = generate(150, seed, START, timedelta(days=20), MIX)
    rules = Rules(policy_of(parse_policy(traffic.policy_toml)), succession())
    lines = list(traffic.lines())
    end = lines[-1].at + timedelta(days=20)
    script = [
        PlayedLine(line.at, line.topic, orjson.dumps(line.value), line.value["report_id"].encode()) for line in lines
    ]
    expected = {event_record(e, positions=False) for e in Replay(rules).run(_to_ms(script), end)}
    announced: list[dict[str, Any]] = []
    state: dict[bytes, bytes | None] = {}
    coverage: dict[bytes, bytes | None] = {}
    one = processor(rules=rules)
    for some in [*_chunks(script, 25), None]:
        if some is not None:
            one = _commit(one, _batch_of(one, some), announced, state, coverage)
        at = end if some is None else some[-1].at + timedelta(milliseconds=1)
        one = _commit(one, marked(one, one.marks.new_set(), at), announced, state, coverage)
        one = _restored(one, rules, state, coverage)
    without = [event | {"sent_record": None} if event["type"] == MISSING_TYPE else event for event in announced]
    assert {orjson.dumps(event) for event in without} == expected
    assert len(announced) == len(expected)
    assert {event["report_id"] for event in announced} == {
        truth.report_id for truth in traffic.truth() if truth.outcome in ("missing", "recovered")
    }


def _to_ms(script: list[PlayedLine]) -> list[PlayedLine]:
    """Arrivals as a broker stamps them: in whole milliseconds."""
    return [line._replace(at=datetime.fromtimestamp(ms(line.at) / 1000, UTC)) for line in script]


def _batch_of(one: Processor, some: list[PlayedLine]) -> Batch:
    records: dict[str, list[Appended]] = {"sent": [], "receipt": [], "stored": []}
    for line in some:
        assert line.topic is not None
        start = one.position(f"reports.{line.topic}")
        where = records[line.topic]
        where.append(Appended(start + len(where), ms(line.at), line.key, line.value))
    return batch(one, **records)


def _commit(
    one: Processor,
    work: Batch,
    announced: list[dict[str, Any]],
    state: dict[bytes, bytes | None],
    coverage: dict[bytes, bytes | None],
) -> Processor:
    """What Kafka would keep of a commit; every value must fit the published contract."""
    assert one.fits(work)
    for write in one.apply(work).records:
        value: Any = orjson.loads(write.value) if write.value else None
        if write.topic == "reports.missing":
            model = ReportMissing if value["type"] == MISSING_TYPE else ReportRecovered
            model.model_validate_json(write.value or b"")
            announced.append(value)
        elif write.topic == "reports.state":
            if write.value is not None:
                ReportState.model_validate_json(write.value)
            state[write.key] = write.value
        elif write.topic == "reports.coverage":
            (CoverageModel if value["kind"] == "coverage" else BooksModel).model_validate_json(write.value or b"")
            coverage[write.key] = write.value
        elif write.topic == "reports.messages":
            if write.value is not None:
                Message.model_validate_json(write.value)
        else:
            Rejected.model_validate_json(write.value or b"")
    return one


def _restored(
    one: Processor, rules: Rules, state: dict[bytes, bytes | None], coverage: dict[bytes, bytes | None]
) -> Processor:
    """A new processor from what the topics hold."""
    rows = PackedRows()
    for key, value in state.items():
        if value is not None:
            rows.restore(key.decode(), value)
    values = [orjson.loads(value or b"") for value in coverage.values()]
    books = Books(read_book(value) for value in values if value["kind"] == "books")
    (covered,) = (read_coverage(value) for value in values if value["kind"] == "coverage")
    assert list(rows) == list(one.rows)
    assert books.total() == one.checker.books.total()
    assert covered.value() == one.coverage.value()
    return Processor(SETTINGS, rules, rows, books, covered)

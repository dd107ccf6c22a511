"""From a message's id to its report: what is written of it, and what is taken back."""

from datetime import timedelta

import orjson

from streams.core.books import Books
from streams.core.fold import Step
from streams.core.row import Row
from streams.engine.output import output_records
from streams.engine.rows import PackedRows
from streams.kafka.partitioner import partition_of
from streams.kafka.transaction import Writes
from streams.records.coverage import Coverage
from tests.engine.processing import (
    DECISION,
    MOMENT,
    REPORT,
    SENT,
    SETTINGS,
    START,
    Appended,
    applied,
    batch,
    marked,
    ms,
    of,
    processor,
    report,
    sent_value,
)  # fmt: skip

LATER = START + timedelta(hours=3)
OTHER = report(7)


def sent(offset: int, message: str | None, about: str = REPORT, **changes: object) -> Appended:
    return Appended(offset, ms(START), about.encode(), sent_value(about, message_id=message, **changes))


def said(writes: Writes) -> list[tuple[bytes, object]]:
    return [(write.key, orjson.loads(write.value) if write.value else None) for write in of(writes, "messages")]


def entry(message: str, about: str = REPORT) -> tuple[bytes, object]:
    return f"{message}/{about}".encode(), {"message_id": message, "report_id": about}


def test_every_message_id_of_a_report_is_written_once_and_no_other() -> None:
    one = processor()
    some = [sent(0, "m1"), sent(1, "m1"), sent(2, "m2"), sent(3, None, channel="PRINT")]
    assert said(applied(one, batch(one, sent=some))) == [entry("m1"), entry("m2")]
    again = Appended(one.position(SENT), ms(LATER), REPORT.encode(), sent_value(message_id="m1"))
    assert said(applied(one, batch(one, sent=[again]))) == []
    assert one.take_tally().counts["events", Step.DUPLICATE] == 2


def test_it_lies_where_its_report_lives() -> None:
    home = partition_of(REPORT.encode(), 7)
    one = processor(7, home)
    writes = applied(one, batch(one, sent=[sent(n, f"m{n}") for n in range(9)]))
    assert [write.partition for write in of(writes, "messages")] == [home] * 9


def test_of_two_reports_that_claim_one_id_each_has_an_entry() -> None:
    one = processor()
    writes = applied(one, batch(one, sent=[sent(0, "m1"), sent(1, "m1", OTHER)]))
    assert said(writes) == [entry("m1"), entry("m1", OTHER)]


def test_it_goes_with_its_row() -> None:
    one = processor()
    proof = {"report_id": REPORT, "stored_at": "2026-01-01T00:00:00Z", "evidence": "READ_BACK"}
    stored = Appended(0, ms(START), REPORT.encode(), orjson.dumps(proof))
    applied(one, batch(one, sent=[sent(0, "m1"), sent(1, "m2"), sent(2, "m1", OTHER)], stored=[stored]))
    kept = one.checker.rules.limits.keep
    writes = one.apply(marked(one, b"another", START + kept + timedelta(days=1)))
    assert said(writes) == [(b"m1/" + REPORT.encode(), None), (b"m2/" + REPORT.encode(), None)]


def test_it_goes_with_a_decision_that_erases_its_report() -> None:
    one = processor()
    proof = {"report_id": REPORT, "stored_at": "2026-01-01T00:00:00Z", "evidence": "READ_BACK"}
    stored = Appended(0, ms(START), REPORT.encode(), orjson.dumps(proof))
    applied(one, batch(one, sent=[sent(0, "m1")], stored=[stored]))
    erase = {
        "decision_id": OTHER, "report_id": REPORT, "action": "erase", "actor": {"subject": "someone"},
        "decided_at": "2026-01-01T03:00:00Z",
    }  # fmt: skip
    one.apply(batch(one, decision=[Appended(one.position(DECISION), ms(LATER), REPORT.encode(), orjson.dumps(erase))]))
    assert said(one.apply(marked(one, b"another", LATER + MOMENT))) == [(b"m1/" + REPORT.encode(), None)]
    again = Appended(one.position(SENT), ms(LATER + MOMENT), REPORT.encode(), sent_value(message_id="m3"))
    assert said(applied(one, batch(one, sent=[again]))) == []


def test_what_comes_and_goes_in_one_slice_is_told_as_it_ends() -> None:
    rows = PackedRows()
    for _ in range(2):
        rows.put(Row(REPORT, START, message_ids=["m1"]))
        rows.erase(REPORT)
    rows.put(Row(REPORT, START, message_ids=["m1"]))
    claims = [("m1", REPORT), ("m2", REPORT)]
    (written,) = output_records(SETTINGS, Coverage(0, 1, {}), rows, Books(), [], claims)
    found = said(Writes(0, written))
    assert found == [entry("m1"), (b"m2/" + REPORT.encode(), None)]

"""Records of which a part cannot be read, and the copies of misplaced ones: the same verdict wherever they lie."""

from datetime import timedelta
from typing import Any

import orjson
import pytest

from schemas.outputs import ReportState
from schemas.reading import SENT as SENT_READER
from schemas.reading import STORED as STORED_READER
from schemas.reading import Reader
from streams.core.events import written
from streams.core.weight import ROW_BYTES
from streams.engine.processor import Processor
from streams.kafka.partitioner import partition_of
from streams.kafka.topics import MOST_BATCH_BYTES
from streams.records.copies import UNREADABLE
from streams.records.record import Write
from tests.engine.processing import (
    RECEIPT,
    REPORT,
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

SENT_FIELDS = ("sent_at", "receiver", "channel", "case_system", "case_system_version", "message_id", "form")


def _receipt(code: str, **changes: Any) -> bytes:
    return orjson.dumps({"report_id": REPORT, "receipt": code, "received_at": written(START)} | changes)


def _stored(**changes: Any) -> bytes:
    return orjson.dumps({"report_id": REPORT, "stored_at": written(START), "evidence": "READ_BACK"} | changes)


Values = list[tuple[int, bytes, tuple[tuple[str, bytes], ...]]]  # minute, value, headers


def _copied(kind: str, value: bytes) -> tuple[Write, list[Write]]:
    """The copy that a checker makes of a misplaced record, and what it lists as rejected."""
    home = partition_of(REPORT.encode(), 2)
    away = processor(2, 1 - home)
    writes = applied(away, batch(away, **{kind: [Appended(0, ms(START), REPORT.encode(), value)]}))
    (copy,) = of(writes, kind)
    return copy, of(writes, "rejected")


def _at_home(**values: Values) -> tuple[Processor, list[Write]]:
    """A processor that has read these values (each with its minute and headers), and what it lists as rejected."""
    home = partition_of(REPORT.encode(), 2)
    one, rejected = processor(2, home), list[Write]()
    for kind, some in values.items():
        records = [
            Appended(offset, ms(START + timedelta(minutes=minute)), REPORT.encode(), value, headers)
            for offset, (minute, value, headers) in enumerate(some)
        ]
        rejected += of(applied(one, batch(one, **{kind: records})), "rejected")
    return one, rejected


@pytest.mark.parametrize(
    ("kind", "value", "flags"),
    [
        ("sent", sent_value(channel="PRINT", form="NONSENSE"), {"unreadable_form"}),
        ("sent", sent_value(message_id="a b", case_system=5), {"unreadable_message_id", "unreadable_case_system"}),
        ("sent", sent_value(receiver={"municipality": "0301", "district": "x"}), {"unreadable_receiver_district"}),
        ("sent", sent_value(sent_at=None, receiver="x"), {"unreadable_sent_at", "unreadable_receiver"}),
        ("sent", b"nothing", {f"unreadable_{name}" for name in SENT_FIELDS}),
        ("stored", _stored(evidence="seen", case_system="a b"), {"unreadable_evidence", "unreadable_case_system"}),
        ("stored", _stored(stored_at="today"), {"unreadable_stored_at"}),
        ("stored", _stored(receiver={"municipality": "0301", "district": ""}), {"unreadable_receiver_district"}),
    ],
)  # fmt: skip
def test_a_misplaced_record_says_the_same_as_one_at_home(kind: str, value: bytes, flags: set[str]) -> None:
    copy, told = _copied(kind, value)
    first: Values = [(0, sent_value(), ())] if kind == "stored" else []
    original: Values = [(1, value, ())]
    copied: Values = [(1, copy.value or b"", tuple(copy.headers or ()))]
    one, listed = _at_home(**{"sent": first, kind: original})
    other, again = _at_home(**{"sent": first, kind: copied})
    (there,), (here,) = one.rows, other.rows
    assert flags <= there.flags
    here.copies = ()
    assert here == there
    assert [orjson.loads(write.value or b"")["judged"] for write in (*told, *listed)] == [True, True]
    assert again == [], "what could not be read is told of the original"


@pytest.mark.parametrize("reader", [SENT_READER, STORED_READER])
def test_no_field_takes_the_mark_of_what_could_not_be_read(reader: Reader) -> None:
    known: dict[str, Any] = {"report_id": REPORT, "evidence": "MANUAL"}
    for name in set(reader.fields) - {"receiver"}:
        assert name in reader.read(orjson.dumps(known | {name: UNREADABLE})).unreadable
    for level in ("district", "unit_id", "org_number"):
        receiver = {"municipality": "0301", level: UNREADABLE}
        assert f"receiver.{level}" in reader.read(orjson.dumps(known | {"receiver": receiver})).unreadable


def test_a_second_checkers_copy_of_the_same_record_changes_nothing() -> None:
    copy, _ = _copied("receipt", _receipt("MOTTATT"))
    headers = tuple(copy.headers or ())
    first = [(1, copy.value or b"", headers), (2, _receipt("FEILET"), ())]
    alone, _ = _at_home(sent=[(0, sent_value(), ())], receipt=first)
    second, _ = _at_home(sent=[(0, sent_value(), ())], receipt=[*first, (60, copy.value or b"", headers)])
    for one in (alone, second):
        (event,) = of(one.apply(marked(one, one.marks.new_set(), START + timedelta(hours=5))), "missing")
        assert orjson.loads(event.value or b"")["reason"] == "rejected"
    assert list(alone.rows) == list(second.rows)
    assert second.take_tally().counts["events", "copied_already"] == 1


@pytest.mark.parametrize(
    "header",
    [
        b"", b"\xff", b"x", f"{RECEIPT}/1/7".encode(), f"{RECEIPT}/1/7@2026-01-01T00:00:00.000000Z".encode(),
        f"{STORED}/1/7@2026-01-01T00:00:00.000000Z/{REPORT}".encode(),
        f"{RECEIPT}/1/7@2026-01-01T00:00:00.000000Z/00000000-0000-4000-8000-000000000001".encode(),
        f"{RECEIPT}/1/7@now/{REPORT}".encode(), f"{RECEIPT}/-1/7@2026-01-01T00:00:00.000000Z/{REPORT}".encode(),
    ],
)  # fmt: skip
def test_a_record_that_only_looks_like_a_copy_is_one_like_any_other(header: bytes) -> None:
    headers = (("mv-copy", header),)
    values = [(1, _receipt("MOTTATT"), headers), (2, _receipt("FEILET"), ()), (3, _receipt("MOTTATT"), headers)]
    one, _ = _at_home(sent=[(0, sent_value(), headers)], receipt=values)
    (row,) = one.rows
    assert (row.receipt, row.copies) == ("MOTTATT", ())
    away = processor(2, 1 - one.partition)
    record = Appended(0, ms(START), REPORT.encode(), sent_value(form="NONSENSE"), headers)
    writes = applied(away, batch(away, sent=[record]))
    assert (len(of(writes, "sent")), len(of(writes, "rejected"))) == (1, 1), "copied home, and its form is listed"


def _for_another(number: int) -> bytes:
    """A proof with the longest words, for a receiver of its own."""
    district = {"municipality": f"{number // 100:04}", "district": f"{number % 100:02}"}
    receiver = district | {"unit_id": "u" * 64, "org_number": "1"}
    return _stored(stored_at="2026-01-01T00:00:00.123456Z", evidence="E" * 40, case_system="a b", receiver=receiver)


def test_a_row_that_is_full_fits_into_a_batch_and_what_it_has_no_room_for_is_rejected_aloud() -> None:
    one, values = processor(), [_for_another(number) for number in range(3_000)]
    records = [Appended(n, ms(START), REPORT.encode(), value) for n, value in enumerate(values)]
    writes = applied(one, batch(one, stored=records))
    state = of(writes, "state")[-1]  # one a slice
    assert 400_000 < len(state.value or b"") <= ROW_BYTES < MOST_BATCH_BYTES
    ReportState.model_validate_json(state.value or b"")
    rejected = [orjson.loads(write.value or b"") for write in of(writes, "rejected")]
    full = [value for value in rejected if value["reason"] == "row_full"]
    (row,) = one.rows
    assert len(full) == len(values) - len(row.held_stored) > 0
    assert {(value["stage"], value["report_id"], value["judged"]) for value in full} == {("rule", REPORT, False)}
    assert one.take_tally().counts["rejected", "rule"] == len(full)

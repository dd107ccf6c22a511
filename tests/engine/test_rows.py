"""A row packed, and a row written, is the same row again."""

from datetime import UTC, datetime, timedelta
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.policy import parse_policy
from streams.core.books import account
from streams.core.decide import first_look
from streams.core.facts import ReceiptCode
from streams.core.row import Row
from streams.core.rules import Rules
from streams.data import succession
from streams.engine import rows
from streams.engine.rows import pack, unpack
from streams.policies import policy_of
from streams.records.state import read_outline, read_state, state_record
from streams.simulation.traffic import generate
from tests.engine.processing import START, processor
from tests.system.faults.frozen import MIX, Line, go_on

MOST_BYTES_A_ROW = 450
RARE = ("held_stored", "elsewhere", "flags")


def _lines(reports: int, seed: int) -> tuple[list[Line], Rules]:
    traffic = generate(reports, seed, START, timedelta(days=3), MIX)
    lines = [Line.of(line) for line in traffic.lines()]
    return lines, Rules(policy_of(parse_policy(traffic.policy_toml)), succession())


@pytest.mark.parametrize("seed", range(3))
def test_every_row_of_some_traffic_is_the_same_after_packing_and_after_writing(seed: int) -> None:
    lines, rules = _lines(120, seed)
    one = processor(rules=rules)
    seen: set[str] = set()
    for _ in go_on(one, lines):
        for row in one.rows:
            assert unpack(row.report_id, pack(row)) == row
            assert read_state(state_record(row)) == row
            seen |= {row.status, *(name for name in RARE if getattr(row, name))}
    assert seen >= {"pending", "stored", "missing", "recovered", "held_stored", "elsewhere"}


def test_a_packed_row_is_small() -> None:
    lines, rules = _lines(300, 7)
    one = processor(rules=rules)
    list(go_on(one, lines))
    sizes = [len(pack(row)) for row in one.rows]
    assert sum(sizes) / len(sizes) < MOST_BYTES_A_ROW


def test_rows_are_the_same_whether_they_are_packed_or_not(monkeypatch: pytest.MonkeyPatch) -> None:
    lines, rules = _lines(120, 3)
    roomy, narrow = processor(rules=rules), processor(rules=rules)
    wanted = [writes.records for writes in go_on(roomy, lines)]
    monkeypatch.setattr(rows, "LIVE_ROWS", 3)
    found = [writes.records for writes in go_on(narrow, lines)]
    assert [[(w.topic, w.key, w.value) for w in some] for some in found] == [
        [(w.topic, w.key, w.value) for w in some] for some in wanted
    ]
    assert list(narrow.rows) == list(roomy.rows)
    assert len(narrow.rows) == len(roomy.rows) == 120


@given(at=st.datetimes(min_value=datetime(1, 1, 1), max_value=datetime(9999, 12, 31)), micro=st.booleans())  # noqa: DTZ001
def test_every_time_is_kept(at: datetime, micro: bool) -> None:
    time = at.replace(tzinfo=UTC) if micro else at.replace(tzinfo=UTC, microsecond=0)
    row = Row("3f2b8c1e-5a4d-4e0b-9c1a-7d2e6f8a9b10", touched=time, sent_at=time)
    assert unpack(row.report_id, pack(row)) == row
    assert read_state(state_record(row)).touched == time


def _restored(wanted: list[Row]) -> rows.PackedRows:
    found = rows.PackedRows()
    for row in wanted:
        found.restore(row.report_id, state_record(row))
    return found


def test_restored_rows_are_the_same_before_and_after_they_are_packed() -> None:
    lines, rules = _lines(60, 5)
    one = processor(rules=rules)
    list(go_on(one, lines))
    wanted = list(one.rows)
    restored = _restored(wanted)
    assert list(restored) == wanted
    assert restored.pack_some(25) == len(wanted) - 25
    assert list(restored) == wanted
    assert [restored.get(row.report_id) for row in wanted] == wanted
    assert restored.pack_some(1000) == 0
    assert list(restored) == wanted
    assert list(restored.take_changes()) == []


def test_packing_leaves_alone_what_has_changed_or_was_erased_since_the_restore() -> None:
    lines, rules = _lines(20, 6)
    one = processor(rules=rules)
    list(go_on(one, lines))
    changed, erased, *rest = list(one.rows)
    restored = _restored([changed, erased, *rest])
    changed.receipt = ReceiptCode.FEILET
    restored.put(changed)
    restored.erase(erased.report_id)
    assert restored.pack_some(1000) == 0
    assert restored.get(erased.report_id) is None
    assert restored.get(changed.report_id) == changed
    assert list(restored) == [changed, *rest]


def test_a_glance_says_what_the_row_says_however_it_is_kept() -> None:
    lines, rules = _lines(60, 8)
    one = processor(rules=rules)
    list(go_on(one, lines))
    wanted = list(one.rows)
    live, restored, packed = rows.PackedRows(), _restored(wanted), _restored(wanted)
    for row in wanted:
        live.put(row)
    assert packed.pack_some(1000) == 0
    for kept in (live, restored, packed):
        for row in wanted:
            glance = kept.glance(row.report_id)
            assert glance is not None
            for name in ("status", "touched", "alarm_at", "window", "alarms"):
                assert getattr(glance, name) == getattr(row, name)
        assert kept.glance("00000000-0000-4000-8000-000000000009") is None


@pytest.mark.parametrize("seed", range(2))
def test_an_outline_says_when_to_look_and_what_the_books_count(seed: int) -> None:
    lines, rules = _lines(120, seed)
    one = processor(rules=rules)
    for _ in go_on(one, lines):
        for row in one.rows:
            outline = read_outline(state_record(row))
            assert first_look(outline, rules.limits) == first_look(row, rules.limits)
            assert (account(outline) is None) == (account(row) is None)
            assert (outline.report_id, outline.status) == (row.report_id, row.status)


@pytest.mark.parametrize(
    "change",
    [
        {"version": 1}, {"status": "gone"}, {"touched_at": "soon"}, {"touched_at": "2026-01-01T00:00:00"},
        {"message_ids": None}, {"attempts": "1"}, {"held": {"unheard": 1}}, {"stored_record": {"topic": "t"}},
        {"more": 1},
    ],
)  # fmt: skip
def test_a_record_that_is_not_as_this_version_writes_it_is_refused_already_by_its_outline(
    change: dict[str, Any],
) -> None:
    lines, rules = _lines(5, 1)
    one = processor(rules=rules)
    list(go_on(one, lines))
    value = orjson.loads(state_record(next(iter(one.rows))))
    assert read_outline(orjson.dumps(value)).report_id == value["report_id"]
    for read in (read_outline, read_state):
        with pytest.raises(ValueError, match=r"\$|must|missing|unknown"):
            read(orjson.dumps(value | change))
        for name in ("flags", "policy_version", "receiver"):
            with pytest.raises(ValueError, match=f"missing required field `{name}`"):
                read(orjson.dumps({key: given for key, given in value.items() if key != name}))

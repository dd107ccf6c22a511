"""A row packed, and a row written, is the same row again."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.policy import parse_policy
from streams.core.checker import Rules
from streams.core.row import Row
from streams.data import succession
from streams.engine import rows
from streams.engine.codec import read_state, state_record
from streams.engine.packing import pack, unpack
from streams.policies import policy_of
from streams.simulation.traffic import generate
from tests.engine.test_ledger import START, ledger
from tests.faults.frozen import MIX, Line, go_on

MOST_BYTES_A_ROW = 400
RARE = ("held_receipts", "held_stored", "late_proof", "elsewhere", "flags")


def _lines(reports: int, seed: int) -> tuple[list[Line], Rules]:
    traffic = generate(reports, seed, START, timedelta(days=3), MIX)
    lines = [Line.of(line) for line in traffic.lines()]
    return lines, Rules(policy_of(parse_policy(traffic.policy_toml)), succession())


@pytest.mark.parametrize("seed", range(3))
def test_every_row_of_some_traffic_is_the_same_after_packing_and_after_writing(seed: int) -> None:
    lines, rules = _lines(120, seed)
    one = ledger(rules=rules)
    seen: set[str] = set()
    for _ in go_on(one, lines):
        for row in one.rows:
            assert unpack(row.report_id, pack(row)) == row
            assert read_state(state_record(row)) == row
            seen |= {row.status, *(name for name in RARE if getattr(row, name))}
    assert seen >= {"pending", "stored", "missing", "recovered", "held_stored", "elsewhere"}


def test_a_packed_row_is_small() -> None:
    lines, rules = _lines(300, 7)
    one = ledger(rules=rules)
    list(go_on(one, lines))
    sizes = [len(pack(row)) for row in one.rows]
    assert sum(sizes) / len(sizes) < MOST_BYTES_A_ROW


def test_rows_are_the_same_whether_they_are_packed_or_not(monkeypatch: pytest.MonkeyPatch) -> None:
    lines, rules = _lines(120, 3)
    roomy, narrow = ledger(rules=rules), ledger(rules=rules)
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

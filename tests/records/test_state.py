"""A row, written and read, is the same row, whatever it has come to; and what others wrote is refused."""

from typing import Any

import orjson
import pytest
from hypothesis import given, settings

from schemas.generate import FOLDER
from schemas.outputs import ReportState
from streams.core.books import account
from streams.core.decide import first_look
from streams.core.facts import Stored
from streams.core.row import Row, Status
from streams.core.rules import Limits
from streams.engine.rows import glance, pack, unpack
from streams.records.state import STATE_BEGINS, is_state, read_outline, read_state, state_record, state_value
from tests.records.rows import REPORT, rows

EXAMPLE = orjson.loads((FOLDER / "examples" / "report-state.json").read_bytes())
FEWER = settings(max_examples=40)  # making rows takes longer than looking at them
OF_BEFORE = {"feed", "episode", "outcome", "closed_at", "decision_id"}


@given(row=rows())
def test_a_row_is_read_as_it_was_written(row: Row) -> None:
    written = state_record(row)
    assert read_state(written) == row
    assert state_record(read_state(written)) == written
    assert is_state(written)


@FEWER
@given(row=rows())
def test_a_row_is_unpacked_as_it_was_packed(row: Row) -> None:
    packed = pack(row)
    assert unpack(row.report_id, packed) == row
    assert not is_state(packed)
    seen = glance(packed)
    for name in ("status", "touched", "alarm_at", "window", "alarms"):
        assert getattr(seen, name) == getattr(row, name)


@FEWER
@given(row=rows())
def test_a_row_is_published_as_the_contract_says(row: Row) -> None:
    state = ReportState.model_validate_json(state_record(row))
    assert (state.status, state.episode) == (row.status, len(row.alarms))
    assert (state.reason, state.missing_event_id) == (row.reason, row.missing_event_id)
    assert state.channel == row.channel
    assert state.attempts == row.attempts


@FEWER
@given(row=rows())
def test_an_outline_says_when_to_look_and_what_the_books_count(row: Row) -> None:
    outline = read_outline(state_record(row))
    if row.status is not Status.MISSING or row.alarms:  # which every missing row has
        assert first_look(outline, Limits()) == first_look(row, Limits())
    assert (account(outline) is None) == (account(row) is None)
    for name in ("report_id", "status", "touched", "window", "alarm_at", "alarms"):
        assert getattr(outline, name) == getattr(row, name)


def test_of_a_proof_it_is_not_kept_which_feed_brought_it() -> None:
    row = read_state(orjson.dumps(EXAMPLE))
    assert isinstance(row.proof, Stored)
    fed = row.proof._replace(feed="flyt-bergen")
    row.proof, before = fed, state_record(row)
    assert state_record(row) == before
    assert read_state(before).proof == fed._replace(feed=None)


def _of_before() -> dict[str, Any]:
    """A row as version 1 wrote it."""
    value = {name: given for name, given in EXAMPLE.items() if name not in OF_BEFORE}
    return value | {"version": 1, "held": {"proof_receiver": EXAMPLE["held"]["proof_receiver"]}}


@pytest.mark.parametrize("value", [_of_before(), _of_before() | {"version": 2}, EXAMPLE | {"version": 1}])
def test_a_row_of_before_is_refused(value: dict[str, Any]) -> None:
    for read in (read_outline, read_state):
        assert read(orjson.dumps(EXAMPLE)).report_id == REPORT
        with pytest.raises(ValueError, match=r"\$|missing"):
            read(orjson.dumps(value))


def test_a_record_begins_with_its_version_and_its_report() -> None:
    row = read_state(orjson.dumps(EXAMPLE))
    assert state_record(row).startswith(STATE_BEGINS + REPORT.encode())
    assert state_value(row) == EXAMPLE

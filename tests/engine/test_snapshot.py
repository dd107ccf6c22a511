"""A restore: of very many rows it never works for long at a stretch, and what another version wrote is refused."""

import asyncio
from datetime import timedelta
from random import Random
from typing import Any

import orjson
import pytest
from aiokafka import TopicPartition

from schemas.generate import example
from streams.core.books import Book
from streams.core.row import Row, Status
from streams.engine import snapshot as restored_module
from streams.engine.snapshot import YIELD_EVERY, Restored
from streams.errors import StateUnreadable
from streams.records.events import book_value
from streams.records.state import state_record
from tests.engine.processing import START, Appended, applied, batch, of, processor, report, sents

RULES = processor().checker.rules
COUNT = 12 * YIELD_EVERY
STATE, COVERAGE = TopicPartition("reports.state", 0), TopicPartition("reports.coverage", 0)


def _taken(seed: int) -> tuple[Restored, list[str], Any]:
    """Pending rows in no order, read but not looked into; their ids in the order of arrival; the rules."""
    one = processor()
    records = [
        sent._replace(timestamp=sent.timestamp + number // 3)
        for number, sent in enumerate(sents(one, COUNT, apart=timedelta(0)))
    ]
    writes = applied(one, batch(one, sent=records))
    state = [Appended(0, 0, write.key, write.value) for write in of(writes, "state")]
    Random(seed).shuffle(state)
    restored = Restored(STATE, COVERAGE)
    restored.take(STATE, state)
    restored.take(COVERAGE, [Appended(0, 0, write.key, write.value) for write in of(writes, "coverage")])
    ids = [(record.timestamp, (record.key or b"").decode()) for record in records]
    return restored, [report_id for _, report_id in sorted(ids)], one.checker.rules


@pytest.mark.parametrize("at_once", [7, 500, 10 * COUNT])
async def test_who_waits_is_in_order_however_the_rows_lie_and_in_whatever_pieces_they_are_sorted(
    at_once: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(restored_module, "SORT_AT_ONCE", at_once)
    restored, ids, rules = _taken(at_once)
    deadlines = await restored.deadlines(rules)
    assert restored.pending == ids
    assert len(deadlines) == len(restored.rows) == COUNT
    passed = list(deadlines.passed(START + timedelta(days=1)))
    assert len(passed) == COUNT


async def test_others_have_their_turn_while_rows_are_restored() -> None:
    restored, _, rules = _taken(1)
    turns = 0

    async def other() -> None:
        nonlocal turns
        while True:
            turns += 1
            await asyncio.sleep(0)

    ticking = asyncio.create_task(other())
    await restored.deadlines(rules)
    ticking.cancel()
    assert turns >= 2 * COUNT / YIELD_EVERY


def _of_before(name: str) -> tuple[TopicPartition, Appended]:
    """A record of the state or coverage topic as it was written when rows had version 1."""
    value = example(name)
    if name == "report-state":
        return STATE, Appended(7, 0, value["report_id"].encode(), orjson.dumps(value | {"version": 1}))
    del value["feeds"]
    return COVERAGE, Appended(7, 0, b"0", orjson.dumps(value))


@pytest.mark.parametrize("name", ["report-state", "coverage"])
def test_state_of_before_is_refused_with_one_sentence_that_says_to_start_anew(name: str) -> None:
    place, record = _of_before(name)
    with pytest.raises(StateUnreadable, match="start anew under another application id") as refused:
        Restored(STATE, COVERAGE).take(place, [record])
    assert f"{place.topic}-0 offset 7 is no record of this checker" in str(refused.value)


async def test_reports_that_were_erased_are_no_rows_that_were_lost() -> None:
    """By time there is no row left of them, by decision one that the books do not count."""
    row = Row(report(1), START, Status.ERASED, decisions=(report(2),))
    restored = Restored(STATE, COVERAGE)
    restored.take(STATE, [Appended(0, 0, row.report_id.encode(), state_record(row))])
    book = Book(sent_records=2, erased=2)
    restored.take(COVERAGE, [Appended(0, 0, b"0/0301", orjson.dumps(book_value(0, "0301", book)))])
    deadlines = await restored.deadlines(RULES)
    assert list(restored.rows) == [row]
    assert list(deadlines.passed(START + RULES.limits.keep)) == []
    assert [report_id for _, report_id in deadlines.passed(START + 2 * RULES.limits.keep)] == [row.report_id]

"""What a restore of very many rows does to everything else: it never works for long at a stretch."""

import asyncio
from datetime import timedelta
from random import Random
from typing import Any

import pytest
from aiokafka import TopicPartition

from streams.engine import snapshot as restored_module
from streams.engine.snapshot import YIELD_EVERY, Restored
from tests.engine.processing import START, Appended, applied, batch, of, processor, sents

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

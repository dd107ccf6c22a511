"""What a worker cannot see it does not judge at once: proofs deleted unread, inputs that begin later than others."""

import asyncio
from datetime import timedelta
from typing import Any

import pytest

from tests.engine.conftest import MakeWorld
from tests.engine.world import World, now
from tests.examples import first

pytestmark = pytest.mark.kafka

MANY = 20


async def _undetermined(world: World, worker: Any, flag: str, app_id: str | None = None) -> None:
    """All of them, in the rows and in the books; and nobody is alarmed."""
    await world.complete_beyond(now() + timedelta(seconds=1), app_id=app_id)
    rows = (await world.rows(app_id)).values()
    assert [(row["status"], row["flags"]) for row in rows] == [("undetermined", [flag])] * MANY
    assert await world.values("missing", app_id) == []
    _, metrics = await worker.get("/metrics")
    assert f'meldingsvakt_reports{{partition="0",status="undetermined"}} {MANY}.0' in metrics
    assert 'meldingsvakt_books_difference_reports{partition="0"} 0.0' in metrics


@pytest.mark.parametrize("times", first(1, [1, 2]))
async def test_reports_whose_proof_was_deleted_unread_are_undetermined_whoever_is_restarted(
    make_world: MakeWorld, times: int
) -> None:
    world = await make_world(partitions=1, allowance=4)
    worker = world.worker()
    await worker.ready()
    reports = [await world.sent() for _ in range(MANY)]
    await world.complete_beyond(now())
    assert worker.stop() == 0
    proofs = [await world.stored(report) for report in reports]
    await world.delete("stored", 0, proofs[-1].offset + 1)
    await asyncio.sleep(5)
    for _ in range(times):  # what was found at the first start is known at the next
        heir = world.worker()
        await heir.ready()
        await _undetermined(world, heir, "evidence_lost")
        (loss,) = (await world.coverage(0))["losses"]
        assert (loss["topic"], loss["to_offset"]) == (f"{world.name}.stored", proofs[-1].offset + 1)
        assert loss["since"] < loss["until"]
        _, metrics = await heir.get("/metrics")
        assert 'meldingsvakt_losses{cause="deleted_by_retention",partition="0"} 1.0' in metrics
        assert heir.stop() == 0
    last = world.worker()
    await last.ready()
    await world.stored(reports[0])
    await world.complete_beyond(now())
    assert (await world.rows())[reports[0]]["status"] == "stored"
    assert await world.values("missing") == []


async def test_a_new_checker_over_inputs_that_begin_at_different_times_announces_nothing_that_was_proven(
    make_world: MakeWorld,
) -> None:
    world = await make_world(partitions=1, allowance=2)
    worker = world.worker()
    await worker.ready()
    reports = [await world.sent() for _ in range(MANY)]
    proofs = [await world.stored(report) for report in reports]
    await world.complete_beyond(now())
    assert {row["status"] for row in (await world.rows()).values()} == {"stored"}
    assert worker.stop() == 0
    await world.delete("stored", 0, proofs[-1].offset + 1)
    second = f"{world.name}b"
    assert world.run("topics", MELDINGSVAKT_APP_ID=second).returncode == 0
    heir = world.worker(app_id=second)
    await heir.ready()
    await asyncio.sleep(3)
    await _undetermined(world, heir, "before_the_beginning", second)
    coverage = [value for value in await world.values("coverage", second) if value["kind"] == "coverage"][-1]
    assert coverage["beginnings"].keys() == {f"{world.name}.stored"}
    assert coverage["beginnings"][f"{world.name}.stored"] <= coverage["first_complete"]


async def test_a_new_checker_over_whole_inputs_announces_at_once(make_world: MakeWorld) -> None:
    world = await make_world(partitions=1, allowance=1)
    report = await world.sent()
    await asyncio.sleep(2)
    await world.worker().ready()
    async with world.announcements() as announced:
        assert (await announced.next())["report_id"] == report
    assert (await world.coverage(0))["beginnings"] == {}

"""From a message's id to its report, on real Kafka."""

from typing import Any

import orjson
import pytest

from streams.kafka.consumers import read_all
from tests.engine.conftest import MakeWorld
from tests.engine.world import World, now

pytestmark = pytest.mark.kafka
PARTITIONS = 3


async def meant(world: World, message_id: str) -> set[Any]:
    """What who knows only a message's id finds."""
    found = {}
    async for record in read_all(world.kafka, [world.settings.output("messages")]):
        found[record.key] = orjson.loads(record.value) if record.value else None
    return {one["report_id"] for one in found.values() if one and one["message_id"] == message_id}


async def test_a_message_leads_to_its_report_over_a_kill_and_until_its_row_is_erased(make_world: MakeWorld) -> None:
    world = await make_world(partitions=PARTITIONS)
    worker = world.worker()
    await worker.ready()
    reports = {f"m{number}": await world.sent(message_id=f"m{number}") for number in range(6)}
    await world.complete_beyond(now())
    worker.kill()
    await world.worker().ready()
    also = await world.sent(message_id="m0")
    await world.stored(also)
    await world.complete_beyond(now())
    assert {name: await meant(world, name) for name in reports} == {
        name: {report} | ({also} if name == "m0" else set()) for name, report in reports.items()
    }
    done = world.run("decide", also, "erase", "--subject", "someone")
    assert done.returncode == 0, done.stderr
    await world.complete_beyond(now())
    assert await meant(world, "m0") == {reports["m0"]}

"""While Kafka is away nothing is acknowledged and everybody is told; when it is back it goes on by itself."""

import asyncio
from typing import Any
from uuid import uuid4

import pytest

from streams.broker import EmbeddedKafka
from tests.engine.world import World
from tests.intake.door import PROOFS, asking, settings_of, stored, working
from tests.real_kafka import true_at_last

pytestmark = [pytest.mark.kafka]


def body(report_id: str) -> dict[str, Any]:
    """One proof."""
    return {"items": [{"report_id": report_id, "municipality": "0301"}]}


async def test_a_broker_that_is_away_is_said_and_nothing_is_acknowledged() -> None:
    before, during, after = (str(uuid4()) for _ in range(3))
    with EmbeddedKafka() as kafka:
        world = World(kafka.bootstrap)
        await world.start()
        try:
            async with working(world.kafka, settings_of(world)) as desk, asking(desk) as client:
                assert (await client.post(PROOFS, json=body(before))).status_code == 202
                await asyncio.to_thread(kafka.nodes[0].kill)
                answer = await client.post(PROOFS, json=body(during))
                assert (answer.status_code, answer.headers["retry-after"]) == (503, "5")
                assert answer.json()["detail"].startswith("Kafka has not confirmed that this was written: send the")
                assert (await client.get("/livez")).status_code == 200
                assert (await client.get("/readyz")).status_code == 503
                await asyncio.to_thread(kafka.nodes[0].start)
                await asyncio.to_thread(kafka.wait_ready)

                async def taken() -> bool:
                    return (await client.post(PROOFS, json=body(after))).status_code == 202

                await true_at_last(taken, 60)
                assert (await client.get("/readyz")).status_code == 200
            found = {value["report_id"] for _, _, value in await stored(world)}
            assert {before, after} <= found <= {before, during, after}
        finally:
            await world.stop()

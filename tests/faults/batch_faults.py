"""Batches that Kafka takes and nobody can read, or that unpack to far too much, while reports are on their way."""

import asyncio
from collections.abc import Callable, Sequence

from aiokafka import AIOKafkaProducer

from tests.engine import raw
from tests.engine.raw import CODECS, batch, bomb, many_values, record, records
from tests.faults.run import Fault
from tests.faults.scene import Inject, Scene

PAUSE_SECONDS = 0.3
FOR_SHARE = 0.3  # of the planned time

ODD = [
    *(batch(0, 3, spoil(records(3)), CODECS[codec]) for codec, spoil in raw.SPOILT.values()),
    batch(0, 2, record(0, headers=[(b"caf\xe9", b"\xff")]) + record(1)),
    batch(0, 3, record(0) + record(900) + record(2)),
    batch(0, 3, record(0) + record(0) + record(0)),
]


def batches(made: Callable[[], Sequence[bytes]]) -> Inject:
    """They are appended to the receipts, of which no verdict rests, in every partition again and again."""

    async def inject(scene: Scene) -> None:
        await scene.somewhere(0.2, 0.3)
        topic, partitions = scene.settings.inputs[1], scene.settings.partitions
        begun = asyncio.get_running_loop().time()
        async with AIOKafkaProducer(bootstrap_servers=scene.cluster.inner, acks="all") as producer:
            scene.begin()
            while asyncio.get_running_loop().time() < begun + FOR_SHARE * scene.seconds:
                for data in made():
                    await raw.append(producer, topic, data, scene.rng.randrange(partitions))
                await asyncio.sleep(PAUSE_SECONDS)
        scene.heal()
        await scene.complete_beyond(scene.healed_at, scene.healed_at + 30)
        listed = [value for value in await scene.world.values("rejected") if value["stage"] == "batch"]
        scene.prove(listed, f"{len(listed)} records in batches that nobody can read were listed")

    return inject


BATCH_FAULTS = (
    Fault("poison_batch", batches(lambda: ODD), seconds=18),
    Fault("bomb", batches(lambda: [bomb(500), many_values(2_000)]), seconds=18),
)

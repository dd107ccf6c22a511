"""Batches that Kafka takes and nobody can read, or that take long to read, while reports are on their way."""

import asyncio
import time
from collections.abc import Callable, Sequence
from uuid import UUID

import orjson
from aiokafka import AIOKafkaProducer

from schemas.reading import MOST_COUNTED
from streams.kafka.partitioner import partition_of
from tests.engine.flood import Watch
from tests.engine.world import receipt_value
from tests.kafka import raw
from tests.kafka.raw import CODECS, batch, bomb, many_values, packed, record, records
from tests.system.faults.run import Fault
from tests.system.faults.scene import Inject, Scene
from tests.system.faults.workload import ASKED_FOR_RECEIPTS

PAUSE_SECONDS = 0.3
FOR_SHARE = 0.3  # of the planned time
PROPERTIES, SLOW = 24_000, 150  # as many as a value has room for; so many values as the bound of a batch allows
SLOW_SECONDS = 60.0

ODD = [
    *(batch(0, 3, spoil(records(3)), CODECS[codec]) for codec, spoil in raw.SPOILT.values()),
    batch(0, 2, record(0, headers=[(b"caf\xe9", b"\xff")]) + record(1)),
    batch(0, 3, record(0) + record(900) + record(2)),
    batch(0, 3, record(0) + record(0) + record(0)),
]


def batches(made: Callable[[], Sequence[bytes]], what: str) -> Inject:
    """They are appended to the receipts, of which few verdicts rest, in every partition again and again."""

    async def inject(scene: Scene) -> None:
        scene.plan.unproven |= scene.plan.of_kinds(ASKED_FOR_RECEIPTS)  # these must not be judged any more
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

    inject.__doc__ = f"{what}, in every partition again and again"
    return inject


async def many_properties(scene: Scene) -> None:
    """One batch whose records hold thousands of unknown properties each: it takes longer to read than a session."""
    await scene.somewhere(0.2, 0.3)
    report_id = str(UUID(int=scene.rng.getrandbits(128), version=4))
    topic, partition = scene.settings.inputs[1], partition_of(report_id.encode(), scene.settings.partitions)
    value = orjson.dumps(receipt_value(report_id) | {f"p{number}": 0 for number in range(PROPERTIES)})
    body = b"".join(record(number, report_id.encode(), value) for number in range(SLOW))
    watch = Watch([scene.workers[slot] for slot in scene.workers.slots])
    taken_over = watch.takeovers
    dropped = SLOW * MOST_COUNTED
    async with AIOKafkaProducer(bootstrap_servers=scene.cluster.inner, acks="all") as producer:
        scene.begin()
        await raw.append(producer, topic, batch(0, SLOW, packed("zstd", body), CODECS["zstd"]), partition)
    began = time.monotonic()
    await watch.until(dropped, "dropped_properties_total", seconds=SLOW_SECONDS)
    took = time.monotonic() - began
    scene.heal()
    said = f"{SLOW} records of {PROPERTIES} unknown properties each were read in {took:.1f} s"
    scene.prove(len(body) > SLOW * PROPERTIES, f"{said}, {len(body) / 2**20:.0f} MiB in one batch")
    assert watch.takeovers == taken_over, f"a worker lost its membership: {watch.takeovers - taken_over} takeovers"
    scene.proof(f"no takeover, the slowest probe took {watch.slowest_probe:.2f} s")


BATCH_FAULTS = (
    Fault("poison_batch", batches(lambda: ODD, "Batches that Kafka takes and its clients cannot read"), seconds=18),
    Fault("many_properties", many_properties, seeds=5, seconds=20, alone=True),
    Fault(
        "bomb",
        batches(lambda: [bomb(500), many_values(2_000)], "Batches that unpack to hundreds of megabytes"),
        seconds=18,
    ),
)

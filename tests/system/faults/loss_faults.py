"""Proofs that are deleted before anybody has read them: while no worker runs, or before a checker begins."""

import asyncio
import re
import time
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Any

from aiokafka import TopicPartition
from aiokafka.admin.records_to_delete import RecordsToDelete

from tests.system.faults.cluster import admin
from tests.system.faults.history import Unseen
from tests.system.faults.run import Fault
from tests.system.faults.scene import PARTITIONS, Scene, read_records
from tests.system.faults.truth import Record
from tests.system.faults.workload import ALLOWANCES, POLICY, add_backlog

DOWN_SECONDS = 5.0
DAY_OLD = 40  # reports that were sent long before anything else
RETAINED_SECONDS = 2.0
LAST_CALL = 'portal_retention = "PT30S"\nlast_call = "PT10S"'
PATIENCE = """
[[version]]
id = "impatient"
valid_from = {valid_from}
grace = "PT1S"
default = "PT4S"
loss_patience = "PT6S"
[version.allowance]
"""


async def proofs_lost(scene: Scene) -> None:
    """While no worker runs, retention deletes proofs that nobody has read; the workers are then restarted once more."""
    await scene.somewhere(0.25, 0.35)
    scene.begin()
    await scene.workers.close_all()
    add_an_impatient_version(scene)
    await asyncio.sleep(DOWN_SECONDS)
    topic = scene.settings.inputs[2]
    committed = await scene.world.committed()
    ends = await _keep(scene, lambda record: record.topic == topic)
    for partition in scene.rng.sample(range(PARTITIONS), 2):
        read = committed[TopicPartition(topic, partition)]
        scene.unseen[topic, partition] = Unseen(read, max(read, ends.get((topic, partition), 0)))
    await _delete(scene)
    lost = _reports(record for record in scene.kept if record.topic == topic and _is_unseen(scene, record))
    scene.prove(lost, f"{len(lost)} reports' proofs were deleted unread")
    said = []
    for _ in range(2):  # what was found at the first start is known at the next
        await _start(scene)
        await scene.complete_beyond(time.time(), time.time() + 30)
        said.append(await _losses(scene))
        shown = await _shown_losses(scene)
        scene.prove(shown == len(scene.unseen), f"{shown} losses are shown to those who alert")
        if len(said) == 1:
            await scene.workers.close_all()
    scene.heal()
    scene.prove(said[0] == said[1] and len(said[0]) == len(scene.unseen), f"the same after one more restart: {said[0]}")
    waiting = await _undetermined(scene) & lost
    scene.prove(waiting, f"{len(waiting)} of them are undetermined")


async def trimmed_inputs(scene: Scene) -> None:
    """A checker with a new application id begins where retention has deleted proofs, and some of the sents as well."""
    await scene.somewhere(0.3, 0.4)
    scene.begin()
    await scene.workers.close_all()
    sent, _, stored = scene.settings.facts
    kept_since = (time.time() - RETAINED_SECONDS) * 1000
    trimmed = scene.rng.sample(range(PARTITIONS), 2)
    ends = await _keep(scene, lambda record: record.timestamp_ms < kept_since)
    for topic, partition in ((stored, trimmed[0]), (stored, trimmed[1]), (sent, trimmed[1])):
        scene.unseen[topic, partition] = Unseen(0, ends.get((topic, partition), 0))
    await _delete(scene)
    await scene.begin_anew(f"{scene.world.name}-new")
    scene.delivery.hold.clear()  # so that some reports come after the beginning, however long that takes
    await _start(scene)
    scene.delivery.hold.set()
    scene.heal()
    await scene.complete_beyond(time.time(), time.time() + 30)
    proofs = (record for record in scene.kept if record.topic == stored and _is_unseen(scene, record))
    waiting = await _undetermined(scene) & _reports(proofs)
    scene.prove(waiting, f"{len(waiting)} reports whose proofs were deleted are undetermined")
    with suppress(TimeoutError):
        async with asyncio.timeout(60):
            while not _unwatched(scene):
                await asyncio.sleep(0.2)
    scene.prove(_unwatched(scene), "some are announced as unwatched at their last call")
    beginnings = [value["beginnings"] for value in await scene.world.coverages()]
    scene.prove(sum(map(len, beginnings)) == len(scene.unseen), f"coverage says where it begins: {beginnings}")


def _portal_forgets_soon(scene: Scene) -> None:
    """The last call comes within the run; some reports are older than that when the run begins."""
    scene.policy_file.write_text(POLICY.replace('portal_retention = "P30D"', LAST_CALL))
    add_backlog(scene.rng, scene.plan, at=1.0, count=DAY_OLD, outage_seconds=120)


def add_an_impatient_version(scene: Scene) -> None:
    """By the first version a report whose proof may be lost waits for a day; of the next one both ends are seen."""
    begins = (datetime.now(UTC) + timedelta(seconds=1)).isoformat()
    allowances = "\n".join(f'{channel} = "PT{seconds:g}S"' for channel, seconds in ALLOWANCES.items())
    scene.policy_file.write_text(POLICY + PATIENCE.format(valid_from=begins) + allowances)


async def _start(scene: Scene) -> None:
    for _ in range(2):
        scene.workers.start()
    await scene.workers.ready(90)


async def _keep(scene: Scene, deleted: Callable[[Record], bool]) -> Mapping[tuple[str, int], int]:
    """Keep what lies on the inputs for the oracle; behind which offsets everything is kept that may be deleted."""
    scene.kept = await read_records(scene, *scene.settings.inputs)
    return {(record.topic, record.partition): record.offset + 1 for record in scene.kept if deleted(record)}


async def _delete(scene: Scene) -> None:
    """Delete all that is to be unseen, with what lies before it."""
    scene.unseen = {place: unseen for place, unseen in scene.unseen.items() if unseen.to_offset > unseen.from_offset}
    scene.inputs_lost = True
    async with admin(scene.cluster.inner) as client:
        await client.delete_records(
            {
                TopicPartition(*place): RecordsToDelete(before_offset=unseen.to_offset)
                for place, unseen in scene.unseen.items()
            }
        )


def _is_unseen(scene: Scene, record: Record) -> bool:
    unseen = scene.unseen.get((record.topic, record.partition))
    return unseen is not None and unseen.from_offset <= record.offset < unseen.to_offset


def _reports(records: Iterable[Record]) -> set[str]:
    """The reports that some records are about, as far as that can be read at a glance."""
    found = (re.search(rb'"report_id":"([0-9a-f-]{36})"', record.value or b"") for record in records)
    return {match[1].decode() for match in found if match is not None}


async def _losses(scene: Scene) -> list[tuple[Any, ...]]:
    names = ("topic", "from_offset", "to_offset", "cause", "since")
    return [tuple(loss[name] for name in names) for value in await scene.world.coverages() for loss in value["losses"]]


async def _shown_losses(scene: Scene) -> int:
    """How many losses all workers' metrics show together."""
    texts = [(await scene.workers[slot].get("/metrics"))[1] for slot in scene.workers.slots]
    found = [re.findall(r'^meldingsvakt_losses{cause="deleted_by_retention".*} (\S+)$', text, re.M) for text in texts]
    return round(sum(float(value) for values in found for value in values))


async def _undetermined(scene: Scene) -> set[str]:
    rows = await scene.world.rows()
    return {report_id for report_id, row in rows.items() if row["status"] == "undetermined"}


def _unwatched(scene: Scene) -> bool:
    return any(one.event["reason"] == "unwatched" for one in scene.missing_seen())


LOSS_FAULTS = (
    Fault("proofs_lost", proofs_lost, seeds=5, seconds=26),
    Fault("trimmed_inputs", trimmed_inputs, seeds=5, seconds=26, prepare=_portal_forgets_soon),
)

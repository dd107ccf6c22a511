"""A source of proofs that has fallen silent, speaks to some only, or is followed by another one."""

import asyncio
import signal
import time
from datetime import UTC, datetime, timedelta

from streams.kafka.partitioner import partition_of
from tests.system.faults.run import Fault
from tests.system.faults.scene import PARTITIONS, Scene
from tests.system.faults.workload import ALLOWANCES, FEED, FEED_PATIENCE, GRACE, POLICY, add_listed

DIES_AT, SILENT_SECONDS = 4.0, 2.0
ALL_COME = DIES_AT + 1.5
STORED, LOST = 9, 3
LOST_EVERYWHERE = 12  # so many that some lie in each half of the partitions
NEXT_FEED, CHANGED_BY = "register", 14.0
SAID_SECONDS = 30.0


def _prepare_feed(scene: Scene) -> None:
    scene.listed = add_listed(scene.rng, scene.plan, at=DIES_AT + 1.0, stored=STORED, lost=LOST)


def _prepare_everywhere(scene: Scene) -> None:
    scene.listed = add_listed(scene.rng, scene.plan, at=DIES_AT + 1.0, stored=STORED, lost=LOST_EVERYWHERE)


def _prepare_change(scene: Scene) -> None:
    _prepare_feed(scene)
    add_listed(scene.rng, scene.plan, at=CHANGED_BY, stored=STORED, lost=LOST)


async def feed_dies(scene: Scene) -> None:
    """A feed brings no proof any more and vouches for nothing; what was lost is announced when it speaks again."""
    stored, lost = scene.listed
    await scene.until(DIES_AT / scene.seconds)
    scene.delivery.feed_speaks.clear()
    scene.begin()
    await scene.until(ALL_COME / scene.seconds)
    alarm = time.time() + ALLOWANCES["FIKS_IO"] + GRACE
    assert await scene.complete_beyond(alarm, alarm + FEED_PATIENCE), "it was not complete beyond their alarm in time"
    waiting = await _standing(scene, "pending") & (stored | lost)
    scene.prove(waiting, f"{len(waiting)} reports of a feed that has died were pending beyond their alarm")
    assert await scene.complete_beyond(alarm + FEED_PATIENCE, alarm + FEED_PATIENCE + 30), "T did not go on"
    await asyncio.sleep(SILENT_SECONDS)
    unsaid = await _standing(scene, "undetermined")
    scene.prove(stored | lost <= unsaid, f"{len(unsaid)} became undetermined")
    assert not _announced(scene, stored | lost), "what nobody has vouched for was announced"
    scene.delivery.feed_speaks.set()
    scene.heal()
    await _just_announced(scene, lost)
    scene.proof(f"the {len(lost)} that were lost were announced when it had spoken, and {len(stored)} others were not")


async def feed_speaks_to_half(scene: Scene) -> None:
    """A feed's marks come to half of the partitions: the others wait for them."""
    _, lost = scene.listed
    heard_in = set(scene.rng.sample(range(PARTITIONS), PARTITIONS // 2))
    heard = {one for one in lost if partition_of(one.encode(), PARTITIONS) in heard_in}
    await scene.until(DIES_AT / scene.seconds)
    scene.delivery.vouched_in = heard_in
    scene.begin()
    await scene.until(ALL_COME / scene.seconds)
    patient_until = time.time() + ALLOWANCES["FIKS_IO"] + GRACE + FEED_PATIENCE
    assert await scene.complete_beyond(patient_until, patient_until + SAID_SECONDS), "T did not go on"
    await _just_announced(scene, heard)
    unsaid = await _standing(scene, "undetermined")
    scene.prove(
        lost - heard and lost - heard <= unsaid, f"{len(lost - heard)} became undetermined, {len(heard)} missing"
    )
    scene.delivery.vouched_in = range(PARTITIONS)
    scene.heal()
    await _just_announced(scene, lost)
    scene.proof("the others were announced when it had spoken in their partitions, too")


async def killed_before_the_mark(scene: Scene) -> None:
    """SIGKILL of all workers between a feed's proofs and the mark that counts them."""
    stored, lost = scene.listed
    await scene.until(DIES_AT / scene.seconds)
    scene.delivery.feed_vouches.clear()
    await scene.until(ALL_COME / scene.seconds)
    async with asyncio.timeout(SAID_SECONDS):
        while not stored <= await _standing(scene, "stored"):
            await asyncio.sleep(0.1)
    scene.begin()
    slots = list(scene.workers.slots)
    for slot in slots:
        scene.workers.kill(slot)
    scene.delivery.feed_vouches.set()
    await scene.exit_of(len(slots), code=-signal.SIGKILL)
    scene.heal()
    await _just_announced(scene, lost)
    scene.proof(f"{len(stored)} proofs were applied by who was killed, and counted by who heard their mark")


async def feeds_changed(scene: Scene) -> None:
    """A policy version gives receivers another feed while reports wait for the first one."""
    _, lost = scene.listed
    await scene.until(DIES_AT / scene.seconds)
    scene.delivery.feed_vouches.clear()
    await scene.until(ALL_COME / scene.seconds)
    scene.begin()
    begins = datetime.now(UTC) + timedelta(seconds=3)
    first = POLICY.partition("[[version]]")[2]
    second = first.replace('id = "first"', f'id = "second"\nvalid_from = {begins.isoformat()}')
    scene.policy_file.write_text(f"{POLICY}[[version]]{second.replace(FEED, NEXT_FEED)}")
    for slot in scene.workers.slots:
        scene.workers.kill(slot)
        await asyncio.sleep(scene.rng.uniform(0.5, 2))
    scene.delivery.vouching = (NEXT_FEED,)
    scene.delivery.feed_vouches.set()
    await scene.until((ALL_COME + FEED_PATIENCE) / scene.seconds)
    patient_until = time.time() + FEED_PATIENCE
    assert await scene.complete_beyond(patient_until, patient_until + SAID_SECONDS), "T did not go on"
    assert not _announced(scene, lost), "what another feed has vouched for was announced"
    scene.delivery.vouching = (FEED, NEXT_FEED)
    scene.heal()
    await _just_announced(scene, lost)
    await scene.delivering
    asked = {(one.event["policy_version"], (one.event["feed"] or {}).get("id")) for one in scene.missing_seen()}
    scene.prove({("first", FEED), ("second", NEXT_FEED)} <= asked, f"{len(lost)} waited for their own version's feed")


async def _just_announced(scene: Scene, some: set[str]) -> None:
    """Of what the feed would prove, these are announced, and no others. Raises TimeoutError where they are not."""
    stored, lost = scene.listed
    async with asyncio.timeout(SAID_SECONDS):
        while _announced(scene, stored | lost) != some:
            await asyncio.sleep(0.1)


async def _standing(scene: Scene, status: str) -> set[str]:
    return {report_id for report_id, row in (await scene.world.rows()).items() if row["status"] == status}


def _announced(scene: Scene, some: set[str]) -> set[str]:
    return {str(one.event["report_id"]) for one in scene.missing_seen()} & some


FEED_FAULTS = (
    Fault("feed_dies", feed_dies, seeds=5, seconds=20, prepare=_prepare_feed),
    Fault("feed_speaks_to_half", feed_speaks_to_half, seeds=5, seconds=20, prepare=_prepare_everywhere),
    Fault("killed_before_the_mark", killed_before_the_mark, seeds=5, seconds=20, prepare=_prepare_feed),
    Fault("feeds_changed", feeds_changed, seeds=5, seconds=24, prepare=_prepare_change),
)

"""A source of proofs that has fallen silent, while everything else goes on."""

import asyncio
import time

from tests.faults.run import Fault
from tests.faults.scene import Scene
from tests.faults.workload import ALLOWANCES, FEED_PATIENCE, GRACE, add_listed

DIES_AT, SILENT_SECONDS = 4.0, 2.0
STORED, LOST = 9, 3


def _prepare_feed(scene: Scene) -> None:
    scene.listed = add_listed(scene.rng, scene.plan, at=DIES_AT + 1.0, stored=STORED, lost=LOST)


async def feed_dies(scene: Scene) -> None:
    """A feed brings no proof any more and vouches for nothing; what was lost is announced when it speaks again."""
    stored, lost = scene.listed
    await scene.until(DIES_AT / scene.seconds)
    scene.delivery.feed_speaks.clear()
    scene.begin()
    await scene.until((DIES_AT + 1.5) / scene.seconds)
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
    async with asyncio.timeout(30):
        while _announced(scene, stored | lost) != lost:
            await asyncio.sleep(0.1)
    scene.proof(f"the {len(lost)} that were lost were announced when it had spoken, and {len(stored)} others were not")


async def _standing(scene: Scene, status: str) -> set[str]:
    return {report_id for report_id, row in (await scene.world.rows()).items() if row["status"] == status}


def _announced(scene: Scene, some: set[str]) -> set[str]:
    return {str(one.event["report_id"]) for one in scene.missing_seen()} & some


FEED_FAULTS = (Fault("feed_dies", feed_dies, seeds=5, seconds=20, prepare=_prepare_feed),)

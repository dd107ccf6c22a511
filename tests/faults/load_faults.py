"""Too much at once: the backlog of an outage, and records that nobody can read."""

from streams.data import portal_outages
from tests.faults.run import Fault
from tests.faults.scene import Scene
from tests.faults.workload import add_backlog, add_rejected

BACKLOG = 2_000
REJECTED = 10_000
BURST_AT = 4.0


def _prepare_backlog(scene: Scene) -> None:
    outage = scene.rng.choice(portal_outages())
    scene.outage_seconds = (outage.end - outage.start).total_seconds()
    add_backlog(scene.rng, scene.plan, at=BURST_AT, count=BACKLOG, outage_seconds=scene.outage_seconds)


async def outage_backlog(scene: Scene) -> None:
    """After an outage of the portal, of one of the real lengths, everything that it held back comes at once."""
    await scene.until((BURST_AT - 0.5) / scene.seconds)
    scene.begin()
    await scene.delivering
    scene.heal()
    scene.prove(
        scene.delivery.delivered >= BACKLOG,
        f"{BACKLOG} reports came at once after {scene.outage_seconds / 3600:.1f} h, {scene.delivery.delivered} records",
    )


def _prepare_rejected(scene: Scene) -> None:
    add_rejected(scene.rng, scene.plan, at=BURST_AT, count=REJECTED)


async def rejected_in_a_row(scene: Scene) -> None:
    """Ten thousand records in a row that cannot be read."""
    await scene.until((BURST_AT - 0.5) / scene.seconds)
    scene.begin()
    await scene.delivering
    scene.heal()
    await scene.complete_beyond(scene.delivery.last_sent_at, scene.delivery.last_sent_at + 30)
    rejected = len(await scene.world.values("rejected"))
    scene.prove(rejected >= REJECTED, f"{rejected} records were listed as rejected")


LOAD_FAULTS = (
    Fault("outage_backlog", outage_backlog, seconds=16, prepare=_prepare_backlog),
    Fault("rejected_in_a_row", rejected_in_a_row, seconds=16, prepare=_prepare_rejected),
)

"""One run for each way to break the engine: with the fault under which it shows."""

import asyncio
import signal
from collections.abc import Callable

from tests.system.faults.run import Fault
from tests.system.faults.sabotage import SABOTAGES
from tests.system.faults.scene import Inject, Scene
from tests.system.faults.worker_faults import on_purpose, set_config, sleeping_in_a_commit


async def _nothing(scene: Scene) -> None:
    """No fault is needed: it is wrong on a quiet day."""
    scene.begin()
    await scene.until(0.5)
    scene.proof("nothing was done")


async def _killed(scene: Scene) -> None:
    """SIGKILL again and again, wherever that hits."""
    scene.begin()
    for number in range(5):
        await scene.until(0.15 + 0.15 * number)
        scene.workers.kill(scene.rng.choice(scene.workers.slots))
    await scene.exit_of(5)
    scene.proof("five workers died")


def _kill_in_the_gap(scene: Scene) -> None:
    scene.first_orders = {"kill": {"at": "before_produce", "after": 2}}


async def _killed_in_the_gap(scene: Scene) -> None:
    """SIGKILL when an announcement is about to be written: whatever was committed before it stands alone."""
    scene.begin()
    await on_purpose(scene, 1)
    await scene.exit_of(1, code=-signal.SIGKILL)
    scene.proof("a worker died between its two commits")


async def _refused(scene: Scene) -> None:
    """The broker refuses announcements for a while."""
    await scene.until(0.2)
    scene.begin()
    await set_config(scene, scene.settings.output("missing"), {"max.message.bytes": "150"})
    await asyncio.sleep(4)
    await set_config(scene, scene.settings.output("missing"), {"max.message.bytes": "1048588"})
    scene.proof("announcements were refused for 4 s")


async def _behind(scene: Scene) -> None:
    """Every worker hangs for a while, and then has a backlog."""
    scene.begin()
    for number in range(2):
        await scene.until(0.2 + 0.3 * number)
        for slot in scene.workers.slots:
            scene.workers[slot].signal(signal.SIGSTOP)
        await asyncio.sleep(2.5)
        for slot in scene.workers.slots:
            scene.workers[slot].signal(signal.SIGCONT)
    scene.proof("the workers hung twice for 2.5 s")


async def _feed_silent(scene: Scene) -> None:
    """The feed is silent for a while, and so nobody may be judged who is proved by it."""
    await scene.until(0.2)
    scene.begin()
    scene.delivery.feed_speaks.clear()
    await scene.until(0.8)
    scene.delivery.feed_speaks.set()
    scene.proof("the feed was silent")


def _sleep_before_anything_is_written(scene: Scene) -> None:
    scene.first_orders = {"sleep": {"at": "before_produce", "after": 4}}


_SHOWS: dict[str, Inject] = {
    "offsets_before_rows": _killed_in_the_gap,
    "batch_futures_ignored": _refused,
    "fencing_skipped": sleeping_in_a_commit,
    "fenced_worker_fences_back": sleeping_in_a_commit,
    "fetch_position_taken_as_applied": _killed,
    "workers_clock_for_marks": _behind,
    "receipt_taken_as_stored": _nothing,
    "completeness_without_waiting": _behind,
    "feed_not_waited_for": _feed_silent,
}

_PREPARES: dict[Inject, Callable[[Scene], None]] = {
    _killed_in_the_gap: _kill_in_the_gap,
    sleeping_in_a_commit: _sleep_before_anything_is_written,
}

SABOTAGED = tuple(
    Fault(
        f"sabotage_{name}",
        _SHOWS[name],
        workers=1 if _SHOWS[name] is sleeping_in_a_commit else 2,
        seconds=18 if _SHOWS[name] is sleeping_in_a_commit else 12,
        launch={"sabotage": name},
        sabotaged=True,
        prepare=_PREPARES.get(_SHOWS[name]),
    )
    for name in SABOTAGES
)

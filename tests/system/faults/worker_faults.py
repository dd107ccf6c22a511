"""What can happen to workers: killed, stopped, moved, refused, misled about the time."""

import asyncio
import signal
import time
from datetime import UTC, datetime, timedelta
from typing import Any

import orjson
import psutil
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType

from streams.exits import EXIT_CONFIGURATION, EXIT_IN_DOUBT
from streams.kafka.topics import wanted_topics
from tests.system.faults.cluster import admin
from tests.system.faults.launch import STEPS
from tests.system.faults.run import Fault
from tests.system.faults.scene import Scene
from tests.system.faults.workload import POLICY

HOUR = 3600.0
FEWEST_DEATHS = 1


async def killed(scene: Scene) -> None:
    """SIGKILL at random moments, again and again."""
    for number in range(4):
        await scene.until(0.15 + 0.2 * number + scene.rng.uniform(0, 0.15))
        scene.begin()
        scene.workers.kill(scene.rng.choice(scene.workers.slots))
    await scene.exit_of(4, code=-signal.SIGKILL)
    scene.heal()
    scene.proof("four workers died by SIGKILL")


def killed_at(step: str) -> Fault:
    """SIGKILL at one step of a commit that carries an announcement, again and again."""

    def prepare(scene: Scene) -> None:
        scene.workers.every = {"kill": {"at": step, "after": scene.rng.randint(1, 3)}}

    async def inject(scene: Scene) -> None:
        scene.begin()
        await scene.until(0.75)
        await on_purpose(scene, FEWEST_DEATHS)
        scene.workers.every = {}
        for slot in scene.workers.slots:
            scene.workers.kill(slot)
        scene.heal()
        deaths = _deaths(scene)
        scene.prove(deaths >= FEWEST_DEATHS, f"{deaths} workers killed themselves {step.replace('_', ' ')}")

    inject.__doc__ = f"SIGKILL {step.replace('_', ' ')}, again and again"
    return Fault(f"killed_{step}", inject, seeds=10, seconds=22, prepare=prepare)


async def killed_while_restoring(scene: Scene) -> None:
    """SIGKILL in the middle of reading the state, after fencing."""
    await scene.somewhere(0.3, 0.4)
    scene.begin()
    for _ in range(3):
        slot = scene.rng.choice(scene.workers.slots)
        scene.workers.give_orders(slot, {"kill": {"at": "during_restore", "after": scene.rng.randint(1, 4)}})
        scene.workers.kill(slot)
        await on_purpose(scene, _deaths(scene) + 1)
    scene.heal()
    scene.proof("three workers killed themselves while they restored")


async def killed_in_a_rebalance(scene: Scene) -> None:
    """SIGKILL while partitions are given up or taken over."""
    await scene.somewhere(0.2, 0.3)
    scene.begin()
    for _ in range(2):
        before = _deaths(scene)
        slot = scene.workers.start({"kill": {"at": "during_rebalance", "after": scene.rng.randint(1, 3)}})
        async with asyncio.timeout(90):
            while not await _dies(scene, before):
                scene.workers.kill(scene.workers.slots[0])  # so that there is another rebalance for it
        await scene.workers.close(slot)
    scene.heal()
    scene.proof("two workers killed themselves in a rebalance")


async def _dies(scene: Scene, before: int, seconds: float = 10) -> bool:
    """True if another worker kills itself in the next seconds: time enough for a rebalance."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline and _deaths(scene) == before:
        await asyncio.sleep(0.1)
    return _deaths(scene) > before


def _deaths(scene: Scene) -> int:
    return sum("on purpose" in text for text in _logs(scene))


def _logs(scene: Scene) -> list[str]:
    return [path.read_text(errors="replace") for path in scene.world.folder.glob("worker-*.log")]


async def on_purpose(scene: Scene, count: int) -> None:
    """Wait until so many workers have killed themselves as they were told."""
    async with asyncio.timeout(60):
        while _deaths(scene) < count:
            await asyncio.sleep(0.1)


async def slept(scene: Scene) -> None:
    """SIGSTOP for longer than the session, then SIGCONT: the former owner is fenced and ends."""
    await scene.somewhere(0.2, 0.35)
    sleeper = scene.workers[0]
    scene.begin()
    sleeper.signal(signal.SIGSTOP)
    heir = scene.workers.start()
    await heir_at_work(scene, heir)
    sleeper.signal(signal.SIGCONT)
    scene.heal()
    await scene.exit_of(1, code=EXIT_IN_DOUBT)
    scene.proof(f"the sleeper ended: {scene.workers.exits[0].sentence}")


async def heir_at_work(scene: Scene, heir: int) -> None:
    """Wait until the heir has announced something, so that a sleeper that goes on would say it again."""
    await scene.workers.own_all(heir)
    before = len(scene.seen)
    async with asyncio.timeout(20):
        while len(scene.seen) < before + 3:
            await asyncio.sleep(0.1)
    await asyncio.sleep(scene.rng.uniform(0, 2))


async def slept_in_a_commit(scene: Scene) -> None:
    """SIGSTOP at a step of a commit, until an heir has announced the same: nothing of the sleeper may count."""
    await sleeping_in_a_commit(scene)
    await scene.exit_of(1, code=EXIT_IN_DOUBT)
    scene.proof(f"the sleeper ended: {scene.workers.exits[0].sentence}")


async def sleeping_in_a_commit(scene: Scene) -> None:
    """The worker in the first slot has orders to sleep; wait for that, and wake it when its heir is at work."""
    sleeper = psutil.Process(scene.workers[0].process.pid)
    async with asyncio.timeout(30):
        while sleeper.status() != psutil.STATUS_STOPPED:
            await asyncio.sleep(0.05)
    scene.begin()
    heir = scene.workers.start()
    await heir_at_work(scene, heir)
    scene.workers[0].signal(signal.SIGCONT)
    scene.heal()
    scene.proof("a worker slept in a commit until its heir had announced")


def prepare_sleep(scene: Scene) -> None:
    """Orders for the first worker: sleep at a step of a commit that carries announcements."""
    step = scene.rng.choice(STEPS[:3])
    scene.first_orders = {"sleep": {"at": step, "after": scene.rng.randint(2, 6)}}


async def one_three_one(scene: Scene) -> None:
    """From one worker to three and back to one."""
    scene.begin()
    more = []
    for number in range(2):
        await scene.until(0.2 + 0.15 * number)
        more.append(scene.workers.start())
    scene.proof(f"three workers shared four partitions as {await _shared_by_all(scene)}")
    codes = []
    for slot in more:
        await asyncio.sleep(scene.rng.uniform(0.5, 1.5))
        codes.append(await scene.workers.close(slot))
    scene.heal()
    scene.prove(codes == [0, 0], f"two workers left in order: {codes}")


async def _shared_by_all(scene: Scene, partitions: int = 4) -> list[int]:
    """Wait until every worker is ready and owns some of the partitions: joining takes more than one rebalance."""
    async with asyncio.timeout(60):
        while True:
            await scene.workers.ready()
            counts = [len(await _partitions(scene, slot)) for slot in scene.workers.slots]
            if sum(counts) == partitions and min(counts) >= 1:
                return counts
            await asyncio.sleep(0.2)


async def _partitions(scene: Scene, slot: int) -> list[int]:
    _, text = await scene.workers[slot].get("/readyz")
    return list(orjson.loads(text)["partitions"])


async def rolled(scene: Scene) -> None:
    """Every worker is replaced, one after the other."""
    await scene.until(0.2)
    scene.begin()
    codes = []
    for slot in scene.workers.slots:
        codes.append(await scene.workers.close(slot))
        scene.workers.start()
        await scene.workers.ready()
    scene.heal()
    scene.prove(set(codes) == {0}, f"{len(codes)} workers left in order, each for a new one: {codes}")


async def restored_slowly(scene: Scene) -> None:
    """A restore that lasts longer than the session."""
    await scene.somewhere(0.2, 0.4)
    scene.begin()
    for slot in scene.workers.slots:
        scene.workers.give_orders(slot, {"slow_restore": 5.0})
        scene.workers.kill(slot)
    await scene.exit_of(2, code=-signal.SIGKILL)
    await asyncio.sleep(3)
    scene.heal()
    await scene.workers.ready()
    took = [line for log in _metrics(await _all_metrics(scene)) for line in log if float(line.split()[-1]) > 3]
    scene.prove(took, "restores took longer than the session of 3 s")


async def _all_metrics(scene: Scene) -> list[str]:
    return [(await scene.workers[slot].get("/metrics"))[1] for slot in scene.workers.slots]


def _metrics(texts: list[str], name: str = "meldingsvakt_restore_seconds{") -> list[list[str]]:
    return [[line for line in text.splitlines() if line.startswith(name)] for text in texts]


async def refused(scene: Scene) -> None:
    """The broker refuses one kind of batch for a while; nothing of its transaction may be committed."""
    await scene.somewhere(0.2, 0.3)
    topic = scene.settings.output("missing")
    scene.begin()
    await set_config(scene, topic, {"max.message.bytes": "150"})
    await scene.exit_of(2, code=EXIT_IN_DOUBT)
    await set_config(scene, topic, {"max.message.bytes": "1048588"})
    scene.heal()
    sentences = [one.sentence for one in scene.workers.exits]
    scene.prove(any("MessageSizeTooLarge" in one for one in sentences), f"workers ended: {sentences[0]}")


async def set_config(scene: Scene, topic: str, changes: dict[str, str]) -> None:
    """Change a topic's configuration; what the contract requires stays."""
    required = next(wanted.required for wanted in wanted_topics(scene.settings) if wanted.name == topic)
    async with admin(scene.cluster.inner) as client:
        await client.alter_configs([ConfigResource(ConfigResourceType.TOPIC, topic, required | changes)])
    await asyncio.sleep(1)  # the brokers apply it in their own time


async def codec_missing(scene: Scene) -> None:
    """The workers lack the codec that a producer uses: they end and say which one, as often as they are started."""
    await scene.somewhere(0.15, 0.25)
    scene.begin()
    scene.workers.every = {"codec": "zstd"}
    for slot in scene.workers.slots:
        scene.workers.kill(slot)
    await scene.exit_of(4, code=EXIT_CONFIGURATION)
    scene.workers.every = {}
    scene.heal()
    sentences = {one.sentence for one in scene.workers.exits if one.code == EXIT_CONFIGURATION}
    scene.prove(all("zstd" in one for one in sentences), f"workers ended: {min(sentences)}")


def clock_off(**clock: float) -> dict[str, Any]:
    """Orders for workers whose clock is wrong."""
    return {"clock": clock}


async def misled(scene: Scene) -> None:
    """The workers' clocks are wrong all the time; one of them is killed on top."""
    scene.begin()
    await scene.somewhere(0.3, 0.5)
    scene.workers.kill(scene.rng.choice(scene.workers.slots))
    await scene.exit_of(1, code=-signal.SIGKILL)
    scene.heal()
    off = scene.workers.every["clock"]
    stamps = [line for text in _logs(scene) for line in text.splitlines()[:1]]
    scene.prove(stamps, f"the workers' clocks were off by {off}")


async def policy_added(scene: Scene) -> None:
    """A policy version is added while the workers run, and they are restarted one after the other."""
    await scene.until(0.15)
    valid_from = datetime.now(UTC) + timedelta(seconds=6)
    addition = f"""
[[version]]
id = "second"
valid_from = {valid_from.isoformat()}
grace = "PT0.5S"
default = "PT2S"
[version.allowance]
FIKS_IO = "PT1S"
"""
    scene.begin()
    scene.policy_file.write_text(POLICY + addition)
    for slot in scene.workers.slots:
        scene.workers.kill(slot)
        await asyncio.sleep(scene.rng.uniform(0.5, 2))
    scene.heal()
    await scene.exit_of(len(scene.workers.slots), code=-signal.SIGKILL)
    await scene.delivering
    await asyncio.sleep(3)
    versions = {one.event.get("policy_version") for one in scene.missing_seen()}
    scene.prove(versions == {"first", "second"}, "reports were judged by both versions")


WORKER_FAULTS = (
    Fault("killed", killed, seeds=10),
    *(killed_at(step) for step in STEPS[:4]),
    Fault("killed_during_restore", killed_while_restoring, seeds=10, seconds=18),
    Fault("killed_during_rebalance", killed_in_a_rebalance, seeds=10, seconds=20),
    Fault("slept", slept, seeds=10, workers=1, seconds=18),
    Fault("slept_in_a_commit", slept_in_a_commit, seeds=10, workers=1, seconds=18, prepare=prepare_sleep),
    Fault("one_three_one", one_three_one, seeds=10, workers=1, seconds=18),
    Fault("rolled", rolled, seeds=10, seconds=18),
    Fault("restored_slowly", restored_slowly, seeds=10, seconds=18),
    Fault("refused", refused, seconds=18),
    Fault("codec_missing", codec_missing, seconds=20, compression="zstd", settings={"mark_every": "PT1S"}),
    Fault("clock_ahead", misled, launch=clock_off(offset=HOUR)),
    Fault("clock_behind", misled, launch=clock_off(offset=-HOUR)),
    Fault("clock_jumps", misled, launch=clock_off(offset=HOUR, jump_every=1.7)),
    Fault("policy_added", policy_added, seconds=16),
)

"""One fault, one seed: play it, read everything back, and let the history check name what is wrong."""

import asyncio
import shutil
import time
import traceback
from collections.abc import Callable, Mapping
from datetime import datetime
from pathlib import Path
from statistics import quantiles
from typing import Any, NamedTuple

import orjson

from streams.data import municipalities
from streams.kafka.batches import read_batches_within
from streams.kafka.consumers import read_all
from streams.kafka.topics import ensure_topics
from streams.settings import Settings
from tests.system.faults.check import check
from tests.system.faults.cluster import Cluster
from tests.system.faults.history import Anomaly, History
from tests.system.faults.scene import FaultDidNotHappen, Inject, Scene, Seen, place_of, read_records

LIVE_SECONDS = 30.0
FEWEST_AFTER = 5  # announcements that must lie after the beginning of the fault
EVERY_HOW_MANY_SEEDS_AGAIN = 5
REPLAY_SECONDS = 60.0


class Fault(NamedTuple):
    """A fault: how it is injected, and what a run of it needs.

    `seeds`: how many different ones the suite demands. `cluster`: the kind that it needs. `alone`: it harms the
    cluster, or tells whether workers keep up, so that nothing else may run there. `ends`: the fault cannot be healed,
    the workers rightly refuse.
    """

    name: str
    inject: Inject
    seeds: int = 3
    workers: int = 2
    seconds: float = 14.0
    per_second: float = 10.0
    cluster: str = "plain"
    alone: bool = False
    ends: bool = False
    settings: Mapping[str, str] = {}
    launch: Mapping[str, Any] = {}
    compression: str | None = None
    prepare: Callable[[Scene], None] | None = None
    sabotaged: bool = False  # the engine is broken: workers need not say that they are ready, nor announce anything


class Result(NamedTuple):
    """What one run showed. `void`: the fault did not happen as it should, so that the run proves nothing."""

    fault: str
    seed: int
    anomalies: tuple[tuple[str, str], ...]
    compared: int
    evidence: tuple[str, ...]
    exits: tuple[str, ...]
    void: str | None
    slowest_seconds: float
    median_seconds: float
    took_seconds: float
    counts: Mapping[str, int]

    @property
    def good(self) -> bool:
        """True if the run proves that nothing went wrong."""
        return not self.anomalies and self.void is None


async def play(cluster: Cluster, fault: Fault, seed: int, keep_logs: Path | None = None) -> Result:
    """Run a fault with a seed. Everything that goes wrong is in the result, nothing is raised."""
    started = time.monotonic()
    scene = Scene(
        cluster,
        f"{fault.name}/{seed}",
        seconds=fault.seconds,
        per_second=fault.per_second,
        **{"gap_after": "PT5S", "mark_pause": "PT0.3S", **fault.settings},
    )
    scene.delivery.compression = fault.compression
    anomalies: list[Anomaly] = []
    void: str | None = None
    compared, counts, late = 0, {}, [0.0, 0.0]
    try:
        void = await _inject(scene, fault)
        await scene.stop_workers()  # nothing moves any more while it is read
        history = await read_history(scene)
        findings = await asyncio.to_thread(check, history)
        compared, counts = findings.compared, dict(findings.counts)
        late = _delays(scene, findings.verdicts)
        anomalies = [*findings.anomalies, *_unwell(scene, fault, findings.verdicts)]
        if void is None:
            anomalies += _unseen(scene, fault)
        if void is None and not fault.ends and not scene.inputs_lost and seed % EVERY_HOW_MANY_SEEDS_AGAIN == 0:
            anomalies += await read_again(scene, history)
    except Exception:  # noqa: BLE001 - a run that breaks is a result, too, and the others must go on
        void = traceback.format_exc(limit=-6)
    finally:
        await scene.stop_workers()
        if (anomalies or void) and keep_logs is not None:
            _keep(scene, keep_logs / f"{fault.name}-{seed}")
        await scene.stop()
    return Result(
        fault.name, seed, tuple((one.kind, one.detail) for one in anomalies), compared, tuple(scene.evidence),
        tuple(f"slot {one.slot}: {one.code} {one.sentence}".strip() for one in scene.workers.exits),
        void, max(late), quantiles(late, n=2)[0], time.monotonic() - started, counts,
    )  # fmt: skip


async def _inject(scene: Scene, fault: Fault) -> str | None:
    """Play the fault to its end; why the run proves nothing, or None."""
    if fault.prepare is not None:
        fault.prepare(scene)
    await scene.start(fault.workers, dict(fault.launch), gets_ready=not fault.sabotaged)
    try:
        await fault.inject(scene)
    except FaultDidNotHappen as error:
        return str(error)
    if not scene.healed_at:
        scene.heal()
    if fault.ends:
        return None if scene.evidence else "nothing shows that the fault happened"
    await scene.delivering
    end = scene.delivery.last_sent_at + scene.delivery.longest_wait
    deadline = max(scene.healed_at, end) + LIVE_SECONDS + 15
    complete = await scene.complete_beyond(end, deadline)
    await asyncio.sleep(0.3)  # for the consumer that follows
    if not complete:
        scene.stalled = True
    if not scene.evidence:
        return "nothing shows that the fault happened"
    if fault.sabotaged:
        return None
    after = sum(one.at > scene.began_at for one in scene.missing_seen())
    return None if after >= FEWEST_AFTER else f"only {after} announcements came after the fault began"


def _unwell(scene: Scene, fault: Fault, verdicts: Mapping[str, datetime]) -> list[Anomaly]:
    """What no history shows: ends without a sentence, silence, and announcements that took too long."""
    found = [
        Anomaly("unclean_exit", None, f"A worker ended with {one.code} and said {one.sentence!r}.")
        for one in scene.workers.unclean()
    ]
    if fault.ends:
        return found
    if scene.stalled:
        found.append(Anomaly("stalled", None, "Completeness did not move on after the fault was healed."))
    for one in scene.missing_seen():
        allowed = max(_verdict(one, verdicts), scene.healed_at) + LIVE_SECONDS
        if one.at > allowed:
            detail = f"Visible {one.at - allowed:.1f} s too late."
            found.append(Anomaly("late", str(one.event["report_id"]), detail))
    return found


def _unseen(scene: Scene, fault: Fault) -> list[Anomaly]:
    """Reports that the plan knows to be never proven, whatever the log was read as."""
    if fault.ends or scene.inputs_lost or scene.clock_was_off:
        return []
    announced = {str(one.event["report_id"]) for one in scene.missing_seen()}
    return [Anomaly("lost", id, "Never proven by plan, and not seen.") for id in scene.plan.never_proven - announced]


def _delays(scene: Scene, verdicts: Mapping[str, datetime]) -> list[float]:
    """From each verdict, or from the healing where it lay before it, to the moment at which it was seen."""
    delays = []
    for one in scene.missing_seen():
        due = _verdict(one, verdicts)
        delays.append(one.at - (max(due, scene.healed_at) if scene.began_at < one.at else due))
    return [max(0.0, delay) for delay in delays] + [0.0, 0.0][: max(0, 2 - len(delays))]


def _verdict(one: Seen, verdicts: Mapping[str, datetime]) -> float:
    """When it was to be announced: when its window closed by the oracle, at its alarm or later."""
    found = verdicts.get(str(one.event["event_id"]))
    return (found or datetime.fromisoformat(one.event["alarm_at"])).timestamp()


async def read_history(scene: Scene) -> History:
    """Everything that the run left on its topics, as a consumer reads it."""
    settings, app = scene.settings, scene.settings.app_id
    read_batches_within(settings.max_batch_bytes)
    inputs = {place_of(one): one for one in (*scene.kept, *await read_records(scene, *settings.inputs))}
    return History(
        prefix=f"{scene.world.name}.",
        app_id=app,
        partitions=settings.partitions,
        policy=scene.policy_file.read_text(),
        successors={one.code: tuple(one.successors) for one in municipalities()},
        inputs=[inputs[place] for place in sorted(inputs)],
        missing=await read_records(scene, f"{app}.missing"),
        state=await read_records(scene, f"{app}.state"),
        coverage=await read_records(scene, f"{app}.coverage"),
        rejected=await read_records(scene, f"{app}.rejected"),
        clocks_apart_seconds=scene.clock_was_off,
        unseen=scene.unseen,
    )


async def read_again(scene: Scene, history: History) -> list[Anomaly]:
    """Another application reads the same inputs from offset 0: the same events, byte for byte."""
    app = f"{scene.world.name}-again"
    settings = Settings(input_prefix=f"{scene.world.name}.", app_id=app, partitions=scene.settings.partitions)
    await ensure_topics(scene.world.kafka, settings, create=True)
    worker = scene.world.worker(app_id=app)
    wanted = {(one.partition, one.value) for one in history.missing}
    deadline = time.monotonic() + REPLAY_SECONDS
    found: set[tuple[int, bytes | None]] = set()
    while time.monotonic() < deadline and not wanted <= found:
        await asyncio.sleep(0.5)
        records = [one async for one in read_all(scene.world.kafka, [f"{app}.missing"])]
        found = {(one.partition, one.value) for one in records}
    worker.kill()
    found = {one for one in found if one in wanted or _settled(one[1], history.complete_until(one[0]))}
    if found == wanted:
        scene.proof(f"another application id said the same {len(wanted)} events")
        return []
    differ = sorted(str(value) for _, value in found ^ wanted)[:3]
    return [Anomaly("different_bytes", None, f"Reading again: {len(found ^ wanted)} events differ, such as {differ}.")]


def _settled(value: bytes | None, until: str) -> bool:
    """True if the first reading had to say it, too: what came due after it ended is new."""
    event = orjson.loads(value or b"{}")
    receipt, feed = event.get("receipt") or {}, event.get("feed") or {}
    times = event.get("alarm_at"), event.get("arrived_at"), receipt.get("arrived"), feed.get("vouched_until")
    return bool(max(time for time in times if time) < until)


def _keep(scene: Scene, folder: Path) -> None:
    """Keep the workers' logs of a run that went wrong."""
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(scene.world.folder, folder)

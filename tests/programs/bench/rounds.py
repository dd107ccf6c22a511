"""The whole bench: a broker, and in each round a new copy of the log and every contender over it."""

import asyncio
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from aiokafka.admin import AIOKafkaAdminClient

from streams.broker import EmbeddedKafka
from tests.programs.bench import mix
from tests.programs.bench.contender import Contender
from tests.programs.bench.log import Log, claimed_now, load, read_back
from tests.programs.bench.measure import choose_cores, on_core, wait_until_calm
from tests.programs.bench.running import Place, RunOutcome, run
from tests.programs.bench.truth import Truth, truth_of

BROKER_HEAP_MEGABYTES = 2048
BROKER = f"one embedded broker, replication factor 1, heap {BROKER_HEAP_MEGABYTES} MB"


async def measure(
    contenders: Sequence[Contender], *, events: int, partitions: int, rounds: int, seed: int, most_seconds: float
) -> list[RunOutcome]:
    """Every contender in every round, in the given order."""
    cores = choose_cores()
    outcomes: list[RunOutcome] = []
    with (
        tempfile.TemporaryDirectory(prefix="meldingsvakt-bench-") as folder,
        on_core(cores.broker),
        EmbeddedKafka(heap_megabytes=BROKER_HEAP_MEGABYTES) as kafka,
    ):
        place = Place(kafka.bootstrap, kafka.nodes[0].pid, cores, Path(folder), most_seconds)
        for number in range(1, rounds + 1):
            await _tidy(place)
            logs = await _logs(kafka.bootstrap, contenders, events, partitions, seed, number)
            for contender in contenders:
                log, truth = logs[contender.every]
                await _tidy(place, keep=[one.prefix for one, _ in logs.values()])
                outcome = await run(place, contender, log, truth, f"{contender.name}-{number}")
                _tell(number, contender, outcome)
                outcomes.append(outcome)
    return outcomes


async def _tidy(place: Place, keep: Sequence[str] = ()) -> None:
    """Every contender finds the same broker: what others wrote is deleted, and the broker has come to rest."""
    admin = AIOKafkaAdminClient(bootstrap_servers=place.bootstrap)
    await admin.start()
    try:
        topics = [topic for topic in await admin.list_topics() if not topic.startswith(("__", *keep))]
        if topics:
            await admin.delete_topics(topics)
    finally:
        await admin.close()
    await asyncio.to_thread(wait_until_calm, place.broker_pid)


async def _logs(
    bootstrap: str, contenders: Sequence[Contender], events: int, partitions: int, seed: int, number: int
) -> dict[int, tuple[Log, Truth]]:
    """The log and its thinned copies, with their truths; every deadline is over when this returns."""
    records = mix.plan(events, seed, claimed_now())
    prefixes = {every: f"bench-{number}-{every}." for every in sorted({one.every for one in contenders})}
    copies = {prefix: mix.thinned(records, every) for every, prefix in prefixes.items()}
    loaded = await load(bootstrap, copies, partitions)
    logs = {every: loaded[prefix] for every, prefix in prefixes.items()}
    for every, log in logs.items():
        told = "the log" if every == 1 else f"every {every}th report of it"
        print(f"round {number}: {told}: {sum(log.events.values())} events, {log.loaded_seconds:.1f} s", flush=True)
    over = time.monotonic() + mix.DEADLINE_SECONDS + 1.0
    deadline_ms = round(mix.DEADLINE_SECONDS * 1000)
    known = {every: (log, truth_of(await read_back(bootstrap, log), deadline_ms)) for every, log in logs.items()}
    await asyncio.sleep(max(0.0, over - time.monotonic()))
    return known


def _tell(number: int, contender: Contender, outcome: RunOutcome) -> None:
    wrong = outcome.mistakes
    told = "" if wrong is None else f", lost {wrong.lost}, phantom {wrong.phantom}, twice {wrong.twice}"
    print(f"round {number}: {contender.label}: {outcome.rate:,.0f} events/s{told}", flush=True)

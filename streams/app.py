"""The Faust app: the windowed table of reports, and the agent that reads and writes it.

`faust -A streams.app worker --without-web` runs the checker, `tables` and `agents` list its parts. Faust hosts it;
what makes it exact is below the table: one Kafka transaction a batch (`streams.engine`).
"""

import asyncio
import logging
from collections.abc import Iterable
from itertools import chain
from typing import Any

import faust

from streams.core.rules import Limits, Rules
from streams.data import succession
from streams.engine.batch import Batch
from streams.engine.completeness import Marker
from streams.engine.health.gauges import PartitionGauges
from streams.engine.health.heartbeat import Heartbeat
from streams.engine.health.readiness import unready
from streams.engine.health.server import Server
from streams.engine.metrics import Metrics
from streams.engine.source import Source
from streams.engine.table import WindowedTable
from streams.exits import ending_on_error
from streams.kafka.batches import read_batches_within
from streams.kafka.permissions import worker_rights
from streams.kafka.topics import ensure_allowed, ensure_topics, partition_counts
from streams.logs import logging_config
from streams.memory import look_for_garbage_less_often
from streams.policies import load_policy
from streams.settings import load_settings

log = logging.getLogger(__name__)

WAITING_BATCHES = 4


class Boot(faust.App.BootStrategy):  # type: ignore[misc]  # faust has no types for us
    """Worker, agents, timers and sensors are Faust's; consumer, producer and recovery are ours."""

    enable_kafka = False
    enable_web = False

    def server(self) -> Iterable[Any]:
        """The services of a worker, in the order in which they start: it can be asked while it joins the group."""
        return chain(super().server(), [server, source, marker, heartbeat])


class App(faust.App):  # type: ignore[misc]
    """A Faust app with another way of starting."""

    BootStrategy = Boot

    async def on_start(self) -> None:
        """Refuse to start on unsafe topics, before anything is read."""
        await super().on_start()
        log.info("The event loop is %s.", type(asyncio.get_running_loop()).__module__)
        look_for_garbage_less_often()
        self.flow_control.resume()
        with ending_on_error("Checking the topics"):
            await ensure_topics(kafka, settings, create=False)
            await ensure_allowed(kafka, worker_rights(settings))
            first = settings.inputs[0]
            metrics.partitions.set((await partition_counts(kafka, [first]))[first])

    def _create_directories(self) -> None:
        """None: everything is in Kafka, and the worker runs where nothing can be written."""


with ending_on_error("Reading the settings"):
    kafka, settings = load_settings()
    policy = load_policy(settings.policy)
read_batches_within(settings.max_batch_bytes)
rules = Rules(policy, succession(), Limits(settings.keep, settings.unexpected_after))
metrics = Metrics()

app = App(
    settings.app_id, broker=f"kafka://{kafka.brokers}", web_enabled=False, Table=WindowedTable, autodiscover=False,
    logging_config=logging_config(settings),
)  # fmt: skip
batches = app.channel(maxsize=WAITING_BATCHES)
reports = app.Table("reports", partitions=settings.partitions, help="Every report, from its first fact to its erasure.")


async def _deliver(batch: Batch) -> None:
    await batches.send(value=batch)


source = Source(kafka, settings, rules, reports, metrics, _deliver)
marker = Marker(kafka, settings, reports, source, metrics)
heartbeat = Heartbeat(settings, source, reports, metrics)
server = Server(settings, reports, source, metrics)
metrics.registry.register(PartitionGauges(reports.partitions))
metrics.ready.set_function(lambda: not unready(source, reports))


@app.agent(batches)  # type: ignore[untyped-decorator]
async def check(stream: Any) -> None:
    """Every batch goes into the table; what it settles comes out in the same transaction."""
    async for batch in stream:
        await reports.apply(batch, source.fetch_again)

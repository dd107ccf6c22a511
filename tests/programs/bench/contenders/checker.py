"""Ours: `meldingsvakt worker` with its settings."""

import sys
from collections.abc import Iterable
from importlib.metadata import version
from typing import Any

import orjson

from streams.kafka.topics import ensure_topics
from streams.settings import KafkaSettings, Settings
from tests.programs.bench.contender import Contender, Job
from tests.programs.bench.log import make_topics
from tests.programs.bench.mix import DEADLINE_SECONDS

GRACE_SECONDS = 1.0
BATCH_RECORDS = Settings.model_fields["batch_records"].default
POLICY = f"""
portal_retention = "P30D"
[[version]]
id = "bench"
grace = "PT{GRACE_SECONDS:g}S"
default = "PT{DEADLINE_SECONDS - GRACE_SECONDS:g}S"
"""


class Checker(Contender):
    """The worker reads all three topics, writes a row a report, and answers everything the README promises."""

    name, label = "checker", "meldingsvakt worker"
    reads = ("sent", "receipt", "stored")
    settings = (
        f"its defaults: one transaction a batch of at most {BATCH_RECORDS} records of one partition, read_committed, "
        "acks=all, zstd, state in a compacted topic, uvloop"
    )

    def version(self) -> str:
        """The project's."""
        return f"meldingsvakt {version('meldingsvakt')}"

    async def prepare(self, job: Job) -> None:
        """Its topics by its own command, but announcements with the broker's append time: they are timed by it."""
        await make_topics(job.bootstrap, [f"{job.app_id}.missing"], job.partitions)
        settings = Settings(input_prefix=job.prefix, app_id=job.app_id, partitions=job.partitions)
        await ensure_topics(KafkaSettings(brokers=job.bootstrap), settings, create=True)

    def command(self, job: Job) -> list[str]:
        """As in production."""
        return [sys.executable, "-m", "streams.cli", "worker"]

    def environment(self, job: Job) -> dict[str, str]:
        """Where, which policy, and nothing else."""
        policy = job.folder / "policy.toml"
        policy.write_text(POLICY, encoding="utf-8")
        return {
            "KAFKA_BROKERS": job.bootstrap,
            "MELDINGSVAKT_INPUT_PREFIX": job.prefix,
            "MELDINGSVAKT_APP_ID": job.app_id,
            "MELDINGSVAKT_PARTITIONS": str(job.partitions),
            "MELDINGSVAKT_POLICY": str(policy),
            "MELDINGSVAKT_HTTP_PORT": "0",
        }

    def output(self, job: Job) -> str:
        """The product."""
        return f"{job.app_id}.missing"

    def announced(self, records: Iterable[Any]) -> list[bytes]:
        """Missing ones; that they were recovered is another event."""
        values = (orjson.loads(record.value) for record in records)
        return [value["report_id"].encode() for value in values if value["type"].endswith(".missing.v1")]

"""Quix Streams 3, the Python library that comes nearest to Kafka Streams."""

import json
from collections.abc import Mapping
from typing import Any

from tests.bench.contender import DEADLINE_MS, OTHER_PYTHON, Contender, Job
from tests.bench.other import other_version

SETTINGS: Mapping[str, Any] = {
    "processing_guarantee": "exactly-once",
    "commit_interval": 1.0,
    "producer_extra_config": {"linger.ms": 100, "compression.type": "lz4", "batch.size": 262144},
    "rocksdb_options": {"use_fsync": False},
}


class Quix(Contender):
    """`sent.join_interval(stored, how="left")`, values as text."""

    name, label = "quix", "Quix Streams"
    every = 5
    settings = (
        f'join_interval(how="left", backward_ms and forward_ms {DEADLINE_MS}), '
        f"{json.dumps(SETTINGS).replace(chr(34), '')[1:-1]}"
    )
    why_wrong = (
        "its left join gives the unmatched row when the left record is read, not after a deadline: every report "
        "whose proof comes after its sent is a phantom"
    )

    def missing_requirement(self) -> str | None:
        """The other environment."""
        return None if OTHER_PYTHON.exists() else "Quix Streams was left out: `make bench` makes its environment."

    def version(self) -> str:
        """The library's."""
        return f"quixstreams {other_version('quixstreams')}"

    def command(self, job: Job) -> list[str]:
        """In the other environment."""
        topics = [f"{job.prefix}sent", f"{job.prefix}stored", job.output]
        arguments = [job.bootstrap, job.app_id, *topics, str(DEADLINE_MS), json.dumps(SETTINGS)]
        return [str(OTHER_PYTHON), "-m", "tests.bench.apps.quix_join", *arguments]

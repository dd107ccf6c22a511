"""Quix Streams 3, the Python library that comes nearest to Kafka Streams."""

import json
from collections.abc import Mapping
from typing import Any

from tests.programs.bench.contender import DEADLINE_MS, OTHER_PYTHON, Contender, Job
from tests.programs.bench.other import other_version

SETTINGS: Mapping[str, Any] = {
    "processing_guarantee": "exactly-once",
    "commit_interval": 1.0,
    "producer_extra_config": {"linger.ms": 100, "compression.type": "lz4", "batch.size": 262144},
    "rocksdb_options": {"use_fsync": False},
}


TOLD = json.dumps(SETTINGS).replace('"', "")[1:-1]


class Quix(Contender):
    """Values as text, so that nothing is spent on reading JSON."""

    way: str

    def missing_requirement(self) -> str | None:
        """The other environment."""
        return None if OTHER_PYTHON.exists() else "Quix Streams was left out: `make bench` makes its environment."

    def version(self) -> str:
        """The library's."""
        return f"quixstreams {other_version('quixstreams')}"

    def command(self, job: Job) -> list[str]:
        """In the other environment."""
        topics = [f"{job.prefix}sent", f"{job.prefix}stored", job.output]
        arguments = [self.way, job.bootstrap, job.app_id, *topics, str(DEADLINE_MS), json.dumps(SETTINGS)]
        return [str(OTHER_PYTHON), "-m", "tests.programs.bench.apps.quix_app", *arguments]


class QuixJoin(Quix):
    """`sent.join_interval(stored, how="left")`."""

    name, label, way = "quix-join", "Quix Streams, left join", "interval"
    every = 5
    settings = f'join_interval(how="left", grace, backward and forward {DEADLINE_MS} ms), {TOLD}'
    why_wrong = (
        "its left join gives the unmatched row when the left record is read, not after a deadline: every report "
        "whose proof comes after its sent is a phantom"
    )


class QuixSessions(Quix):
    """Session windows: the way to wait for a deadline."""

    name, label, way = "quix-sessions", "Quix Streams, session windows", "sessions"
    every = 25
    settings = (
        f"concat, session_window(inactivity_gap {DEADLINE_MS} ms, grace 0).max().final(closing_strategy=partition), "
        f"{TOLD}"
    )
    why_wrong = (
        "windows close by the largest append time that was read, two gaps after their last record: on a topic that "
        "falls silent it stands still, so the last ones are never announced"
    )

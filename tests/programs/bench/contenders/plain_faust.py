"""Plain faust-streaming, what the checker's engine replaces."""

import json
import sys
from collections.abc import Mapping
from importlib.metadata import version
from typing import Any

from tests.programs.bench.contender import Contender, Job
from tests.programs.bench.mix import DEADLINE_SECONDS

SETTINGS: Mapping[str, Any] = {
    "processing_guarantee": "exactly_once",
    "store": "memory://",
    "broker_commit_interval": 1.0,
    "consumer_auto_offset_reset": "earliest",
    "producer_linger": 0.02,
    "producer_compression_type": "lz4",
    "table_cleanup_interval": 1.0,
    "stream_buffer_maxsize": 16384,
    "topic_replication_factor": 1,
}


class PlainFaust(Contender):
    """Two agents write a windowed table; `on_window_close` announces."""

    name, label = "faust", "plain faust-streaming"
    every = 20
    settings = (
        f"table.tumbling({DEADLINE_SECONDS:g} s, expires) with on_window_close, "
        f"{json.dumps(SETTINGS).replace(chr(34), '')[1:-1]}"
    )
    why_wrong = (
        "its windows close by the worker's wall clock, whatever has been read by then, begin at fixed times rather "
        "than with the report, and not every closed window is told to on_window_close"
    )

    def version(self) -> str:
        """The library's."""
        return f"faust-streaming {version('faust-streaming')}"

    def command(self, job: Job) -> list[str]:
        """By its own command line."""
        worker = [
            "-A",
            "tests.programs.bench.apps.faust_windows",
            "--datadir",
            str(job.folder),
            "worker",
            "--without-web",
        ]
        return [sys.executable, "-m", "faust", *worker, "--loglevel", "warn"]

    def environment(self, job: Job) -> dict[str, str]:
        """What the app is told."""
        return {
            "BENCH_APP_ID": job.app_id,
            "BENCH_BROKERS": job.bootstrap,
            "BENCH_PREFIX": job.prefix,
            "BENCH_OUTPUT": job.output,
            "BENCH_DEADLINE_SECONDS": str(DEADLINE_SECONDS),
            "BENCH_FAUST": json.dumps({**SETTINGS, "topic_partitions": job.partitions}),
        }

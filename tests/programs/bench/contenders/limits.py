"""What no checker on these clients can pass: only reading, and reading and rewriting in transactions."""

import sys
from importlib.metadata import version

from tests.programs.bench.contender import OTHER_PYTHON, Contender, Job
from tests.programs.bench.log import make_topics
from tests.programs.bench.mix import KINDS
from tests.programs.bench.other import other_version


def _topics(job: Job) -> str:
    return ",".join(job.prefix + kind for kind in KINDS)


class Read(Contender):
    """aiokafka, with the settings of the checker's source."""

    name, label = "read-aiokafka", "limit: only read, aiokafka"
    reads, announces = KINDS, False
    settings = "getmany(max_records=5000), read_committed, fetches of 4 MiB, uvloop"

    def version(self) -> str:
        """The client's."""
        return f"aiokafka {version('aiokafka')}"

    def command(self, job: Job) -> list[str]:
        """In the project's environment."""
        return [sys.executable, "-m", "tests.programs.bench.apps.read", job.bootstrap, job.app_id, _topics(job)]


class ConfluentRead(Contender):
    """librdkafka through confluent-kafka."""

    name, label = "read-confluent", "limit: only read, confluent-kafka"
    reads, announces = KINDS, False
    settings = "consume(10 000), read_committed, fetches of 4 MiB, queued.min.messages=1 000 000"

    def missing_requirement(self) -> str | None:
        """The other environment."""
        return None if OTHER_PYTHON.exists() else "confluent-kafka was left out: `make bench` makes its environment."

    def version(self) -> str:
        """The client's."""
        return f"confluent-kafka {other_version('confluent-kafka')}"

    def command(self, job: Job) -> list[str]:
        """In the other environment."""
        return [
            str(OTHER_PYTHON),
            "-m",
            "tests.programs.bench.apps.confluent_read",
            job.bootstrap,
            job.app_id,
            _topics(job),
        ]


class Rewrite(Contender):
    """aiokafka in and out, one transaction a batch."""

    name, label = "rewrite-aiokafka", "limit: read and rewrite in transactions, aiokafka"
    reads, announces = KINDS, False
    settings = (
        "getmany(max_records=5000), create_batch and send_batch, one transaction with its offsets for what was fetched "
        "of a partition, a producer a partition, acks=all, zstd, uvloop"
    )

    def version(self) -> str:
        """The client's."""
        return f"aiokafka {version('aiokafka')}"

    async def prepare(self, job: Job) -> None:
        """It writes, though it announces nothing."""
        await make_topics(job.bootstrap, [job.output], job.partitions)

    def command(self, job: Job) -> list[str]:
        """In the project's environment."""
        arguments = [job.bootstrap, job.app_id, _topics(job), job.output]
        return [sys.executable, "-m", "tests.programs.bench.apps.rewrite", *arguments]

"""What the bench has to know of a contender: how to start it, what it reads, and what it announced."""

from abc import ABC, abstractmethod
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from streams.broker.pins import KAFKA_VERSION
from tests.programs.bench.log import make_topics
from tests.programs.bench.mix import DEADLINE_SECONDS

ROOT = Path(__file__).parents[3]
HERE = Path(__file__).parent
WORK = ROOT / ".bench"
OTHER_PYTHON = WORK / "venv/bin/python"
DEADLINE_MS = round(DEADLINE_SECONDS * 1000)


class Job(NamedTuple):
    """One run of a contender: on which log, under which name, with which folder for its state."""

    bootstrap: str
    prefix: str
    app_id: str
    partitions: int
    folder: Path

    @property
    def output(self) -> str:
        """The topic for announcements, where the contender lets us choose."""
        return f"{self.app_id}.out"


class Contender(ABC):
    """One way to do the job, or a limit."""

    name: str
    label: str
    settings: str
    reads: Sequence[str] = ("sent", "stored")
    announces = True
    every = 1  # every so manieth report of the log only, for a contender that would take too long
    why_wrong = ""

    def missing_requirement(self) -> str | None:
        """One sentence when this machine cannot run it; None when it can."""
        return None

    @abstractmethod
    def version(self) -> str:
        """What was measured."""

    async def prepare(self, job: Job) -> None:
        """Make what must exist before it starts: its output topic."""
        if self.announces:
            await make_topics(job.bootstrap, [job.output], job.partitions)

    @abstractmethod
    def command(self, job: Job) -> list[str]:
        """How it is started."""

    def environment(self, job: Job) -> dict[str, str]:
        """Variables that it needs."""
        return {}

    def output(self, job: Job) -> str | None:
        """Where its announcements are; None for a limit, which has none."""
        return job.output if self.announces else None

    def announced(self, records: Iterable[Any]) -> list[bytes]:
        """The keys of the reports that it says are missing, one for each announcement."""
        return [record.key for record in records]


def kafka_version() -> str:
    """The embedded broker's."""
    return KAFKA_VERSION

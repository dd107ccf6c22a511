"""`python -m tests.system.faults.frozen`: freeze this release's state, so that each later one can be held against it.

A frozen state holds what the state and coverage topics of one partition keep, the records that come next, and the
announcements that this release made of them. It is written once for each version of the state and never again.
"""

import gzip
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, NamedTuple

import orjson

from schemas.policy import parse_policy
from streams.core.books import Books
from streams.core.rules import Rules
from streams.data import succession
from streams.engine.batch import Batch, Span
from streams.engine.processor import Processor
from streams.engine.rows import PackedRows
from streams.kafka.transaction import Writes
from streams.policies import policy_of
from streams.records.coverage import Applied, Coverage
from streams.records.record import HEADER
from streams.settings import Settings
from streams.simulation.script import ScriptLine
from streams.simulation.traffic import Mix, generate
from tests.engine.processing import Appended

FOLDER = Path(__file__).parent / "frozen_states"
START = datetime(2026, 1, 1, tzinfo=UTC)
REPORTS, SEED, BATCH = 240, 20, 40
SPAN = timedelta(days=20)
MIX = Mix(
    stored_unreceipted=0.05, stored_late=0.1, confirmed_late=0.1, receipt_only=0.1, nothing=0.1, rejected=0.05,
    transport_failed=0.05, elsewhere=0.05, duplicated=0.2, resent=0.2, stored_first=0.3,
    letter=0.0, lost_again=0.0,
)  # fmt: skip


class Line(NamedTuple):
    """One input record that comes next: its topic and append time (ms), key and value as text."""

    topic: str
    timestamp: int
    key: str
    value: str

    @classmethod
    def of(cls, line: ScriptLine) -> "Line":
        """A line of some traffic, appended at its time."""
        value = orjson.dumps(line.value).decode()
        return cls(f"reports.{line.topic}", int(line.at.timestamp() * 1000), line.value["report_id"], value)


class Frozen(NamedTuple):
    """A partition's state, what comes next, and what was announced of it (values as text, in order)."""

    policy: str
    state: dict[str, str]
    coverage: dict[str, str]
    next_lines: list[Line]
    announced: list[str]


def rules_of(policy: str) -> Rules:
    """The rules by which the state was made."""
    return Rules(policy_of(parse_policy(policy)), succession())


def freeze() -> Frozen:
    """The state of this release after half of some traffic; the other half comes next."""
    traffic = generate(REPORTS, SEED, START, SPAN, MIX)
    lines = [Line.of(line) for line in traffic.lines()]
    settings = Settings()
    coverage = Coverage(0, 1, {topic: Applied(0) for topic in settings.inputs})
    one = Processor(settings, rules_of(traffic.policy_toml), PackedRows(), Books(), coverage)
    half = len(lines) // 2
    kept: dict[str, dict[str, str]] = {"reports.state": {}, "reports.coverage": {}}
    for writes in go_on(one, lines[:half]):
        for write in writes.records:
            if write.topic in kept:
                assert write.value is not None
                kept[write.topic][write.key.decode()] = write.value.decode()
    announced = announcements(go_on(one, lines[half:]))
    return Frozen(traffic.policy_toml, kept["reports.state"], kept["reports.coverage"], lines[half:], announced)


def go_on(one: Processor, lines: list[Line]) -> Iterator[Writes]:
    """Apply lines in batches, each followed by marks."""
    for start in range(0, len(lines), BATCH):
        some = lines[start : start + BATCH]
        yield one.apply(_batch(one, some))
        yield _mark(one, some[-1].timestamp + 1)


def announcements(all_writes: Iterator[Writes]) -> list[str]:
    """What was announced, in order."""
    return [
        (write.value or b"").decode()
        for writes in all_writes
        for write in writes.records
        if write.topic == "reports.missing"
    ]


def _batch(one: Processor, some: list[Line]) -> Batch:
    records: dict[str, list[Any]] = {topic: [] for topic in one.coverage.applied}
    for line in some:
        where = records[line.topic]
        offset = one.position(line.topic) + len(where)
        where.append(Appended(offset, line.timestamp, line.key.encode(), line.value.encode()))
    return _spanned(one, records)


def _mark(one: Processor, timestamp: int) -> Writes:
    headers = ((HEADER, one.marks.new_set()),)
    marks = {topic: [Appended(one.position(topic), timestamp, b"", None, headers)] for topic in one.coverage.applied}
    return one.apply(_spanned(one, marks))


def _spanned(one: Processor, records: dict[str, list[Any]]) -> Batch:
    spans = {topic: Span(one.position(topic), one.position(topic) + len(some)) for topic, some in records.items()}
    return Batch(0, 0, spans, records)


def read_frozen(path: Path) -> Frozen:
    """A state that was frozen before."""
    value = orjson.loads(gzip.decompress(path.read_bytes()))
    return Frozen(**(value | {"next_lines": [Line(*line) for line in value["next_lines"]]}))


def write_frozen(path: Path) -> None:
    """Freeze the present state. Raises FileExistsError: what is frozen stays."""
    if path.exists():
        raise FileExistsError(f"{path} is frozen: choose another version.")
    path.parent.mkdir(exist_ok=True)
    frozen = freeze()
    value = frozen._asdict() | {"next_lines": [tuple(line) for line in frozen.next_lines]}
    path.write_bytes(gzip.compress(orjson.dumps(value), mtime=0))


if __name__ == "__main__":
    write_frozen(FOLDER / f"{sys.argv[1]}.json.gz")

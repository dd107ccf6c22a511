"""Scripts as files and into Kafka."""

import asyncio
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import orjson
import pytest

from streams.simulation.files import to_files
from streams.simulation.incident import compressed, virtual
from streams.simulation.kafka import play, to_kafka
from streams.simulation.script import read_lines, read_truth


class Producer:
    """Takes records as aiokafka's producer does; a record after `fails_after` is refused."""

    def __init__(self, fails_after: int | None = None) -> None:
        self.records: list[tuple[str, bytes, bytes]] = []
        self.in_flight = self.most_in_flight = 0
        self.fails_after = fails_after

    async def send(self, topic: str, *, value: bytes, key: bytes) -> "asyncio.Future[None]":
        self.records.append((topic, key, value))
        self.in_flight += 1
        self.most_in_flight = max(self.most_in_flight, self.in_flight)
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        asyncio.get_running_loop().call_soon(self._answer, future, len(self.records))
        return future

    def _answer(self, future: "asyncio.Future[None]", number: int) -> None:
        self.in_flight -= 1
        if self.fails_after is not None and number > self.fails_after:
            future.set_exception(ConnectionError("gone"))
        else:
            future.set_result(None)


def test_files_hold_the_script_the_topics_the_truth_and_the_policy(tmp_path: Path) -> None:
    incident = virtual(200, 1)
    written = to_files(tmp_path / "new", incident.lines, incident.truth, incident.policy_toml, incident.until)
    script = (tmp_path / "new" / "script.ndjson").read_bytes().splitlines()
    assert written == len(incident.lines) == len(script) - 1
    assert orjson.loads(script[-1]) == {"at": "2023-11-30T00:00:00.000000Z", "tick": True}
    assert list(read_lines(script)) == incident.lines
    for topic in ("sent", "receipt", "stored"):
        lines = read_lines((tmp_path / "new" / f"{topic}.ndjson").read_bytes().splitlines())
        assert list(lines) == [line for line in incident.lines if line.topic == topic]
    assert list(read_truth((tmp_path / "new" / "truth.ndjson").read_bytes().splitlines())) == incident.truth
    assert (tmp_path / "new" / "policy.toml").read_text() == incident.policy_toml


def test_times_are_written_with_six_digits_and_z() -> None:
    line = orjson.loads(virtual(1, 1).lines[0].encoded())
    for text in (line["at"], line["value"]["sent_at"]):
        assert len(text) == len("2020-09-01T00:00:00.000000Z")
        assert datetime.fromisoformat(text).tzinfo == UTC
        assert text.endswith("Z")


def test_no_lines_make_empty_files(tmp_path: Path) -> None:
    assert to_files(tmp_path, [], [], "") == 0
    assert (tmp_path / "script.ndjson").read_bytes() == b""


async def test_every_line_is_produced_under_its_report_id_with_a_bound_in_flight() -> None:
    producer, lines = Producer(), virtual(100, 1).lines
    assert await to_kafka(producer, "reports.", lines, in_flight=10) == len(lines) == len(producer.records)
    assert producer.most_in_flight <= 10
    assert [(topic, orjson.loads(value)) for topic, _, value in producer.records] == [
        (f"reports.{line.topic}", line.value) for line in lines
    ]
    assert all(orjson.loads(value)["report_id"].encode() == key for _, key, value in producer.records)


async def test_a_record_that_fails_is_raised() -> None:
    with pytest.raises(ConnectionError):
        await to_kafka(Producer(fails_after=3), "reports.", virtual(10, 1).lines)


async def test_steps_are_played_in_their_rhythm_with_times_of_now() -> None:
    steps = [step._replace(offset_seconds=step.offset_seconds / 400) for step in compressed(20, 1).steps]
    producer: Any = Producer()
    before, begin = datetime.now(UTC), asyncio.get_running_loop().time()
    assert await play(producer, "reports.", steps) == len(steps)
    assert asyncio.get_running_loop().time() - begin >= steps[-1].offset_seconds
    first = orjson.loads(producer.records[0][2])
    assert before <= datetime.fromisoformat(first["sent_at"]) <= datetime.now(UTC)

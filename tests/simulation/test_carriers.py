"""Scripts as files and into Kafka."""

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import orjson
import pytest

from streams.commands.replay import read_script
from streams.simulation.files import to_files
from streams.simulation.incident import compressed, virtual
from streams.simulation.kafka import play, to_kafka
from streams.simulation.script import ScriptLine, read_lines, read_truth


class Producer:
    """Takes records as aiokafka's producer does; a record after `fails_after` is refused."""

    def __init__(self, fails_after: int | None = None) -> None:
        self.records: list[tuple[str, bytes, bytes]] = []
        self.marks: list[tuple[str, int, str, dict[str, str], int]] = []
        self.in_flight = self.most_in_flight = 0
        self.fails_after = fails_after

    async def partitions_for(self, _: str) -> set[int]:
        return {0, 1, 2}

    async def send(
        self,
        topic: str,
        *,
        value: bytes,
        key: bytes | None = None,
        partition: int | None = None,
        headers: Sequence[tuple[str, bytes]] = (),
    ) -> "asyncio.Future[None]":
        if key is not None:
            self.records.append((topic, key, value))
        else:
            assert partition is not None
            ((name, feed),) = headers
            assert name == "mv-feed"
            self.marks.append((topic, partition, feed.decode(), orjson.loads(value), len(self.records)))
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
    for topic in ("sent", "receipt", "stored", "feed"):
        lines = read_lines((tmp_path / "new" / f"{topic}.ndjson").read_bytes().splitlines())
        assert list(lines) == [line for line in incident.lines if line.topic == topic]
    assert list(read_truth((tmp_path / "new" / "truth.ndjson").read_bytes().splitlines())) == incident.truth
    assert (tmp_path / "new" / "policy.toml").read_text() == incident.policy_toml


def records(reports: int) -> list[ScriptLine]:
    return [line for line in virtual(reports, 1).lines if line.topic != "feed"]


def test_times_are_written_with_six_digits_and_z() -> None:
    line = orjson.loads(records(1)[0].encoded())
    for text in (line["at"], line["value"]["sent_at"]):
        assert len(text) == len("2020-09-01T00:00:00.000000Z")
        assert datetime.fromisoformat(text).tzinfo == UTC
        assert text.endswith("Z")


def test_no_lines_make_empty_files(tmp_path: Path) -> None:
    assert to_files(tmp_path, [], [], "") == 0
    assert (tmp_path / "script.ndjson").read_bytes() == b""


async def test_every_line_is_produced_under_its_report_id_with_a_bound_in_flight() -> None:
    producer, lines = Producer(), records(100)
    assert await to_kafka(producer, "reports.", lines, in_flight=10) == len(lines) == len(producer.records)
    assert producer.most_in_flight <= 10
    assert [(topic, orjson.loads(value)) for topic, _, value in producer.records] == [
        (f"reports.{line.topic}", line.value) for line in lines
    ]
    assert all(orjson.loads(value)["report_id"].encode() == key for _, key, value in producer.records)


async def test_a_record_that_fails_is_raised() -> None:
    with pytest.raises(ConnectionError):
        await to_kafka(Producer(fails_after=3), "reports.", records(10))


async def test_steps_are_played_in_their_rhythm_with_times_of_now() -> None:
    every = [step for step in compressed(20, 1).steps if step.topic != "feed"]
    steps = [step._replace(offset_seconds=step.offset_seconds / 400) for step in every]
    producer: Any = Producer()
    before, begin = datetime.now(UTC), asyncio.get_running_loop().time()
    assert await play(producer, "reports.", steps) == len(steps)
    assert asyncio.get_running_loop().time() - begin >= steps[-1].offset_seconds
    first = orjson.loads(producer.records[0][2])
    assert before <= datetime.fromisoformat(first["sent_at"]) <= datetime.now(UTC)


async def test_a_feeds_mark_goes_to_every_partition_behind_the_proofs_before_it() -> None:
    lines = virtual(0, 1).lines
    marks = [line for line in lines if line.topic == "feed"]
    producer = Producer()
    assert await to_kafka(producer, "reports.", lines) == len(lines)
    assert len(marks) > 1000
    assert [mark[:4] for mark in producer.marks] == [
        ("reports.stored", partition, "modulus", mark.value) for mark in marks for partition in range(3)
    ]
    before = [sum(line.topic != "feed" for line in lines[: lines.index(mark)]) for mark in marks[-3:]]
    assert [mark[4] for mark in producer.marks[-9::3]] == before


def test_a_feeds_mark_is_a_line_of_its_own_kind() -> None:
    mark = next(line for line in virtual(0, 1).lines if line.topic == "feed")
    assert orjson.loads(mark.encoded()) == {
        "at": "2020-09-01T00:00:00.000000Z",
        "feed": "modulus",
        "vouched_until": "2020-08-31T23:00:00.000000Z",
    }
    assert list(read_lines([mark.encoded()])) == [mark]


def test_every_line_of_a_script_is_one_that_is_replayed() -> None:
    lines = virtual(5, 1).lines
    played = list(read_script(line.encoded() for line in lines))
    assert [(line.at, line.topic, orjson.loads(line.value or b"")) for line in played] == lines

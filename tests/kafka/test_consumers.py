"""Reading topics from their beginnings, whoever leads them."""

import asyncio
from pathlib import Path
from typing import Any

import pytest
from aiokafka import TopicPartition

import streams
from streams.errors import ConfigurationError
from streams.kafka import consumers
from streams.kafka.consumers import assign_from_beginning

ONE, OTHER = TopicPartition("reports.state", 0), TopicPartition("reports.coverage", 0)


class _Asked:
    """As much of a consumer as is asked, in the order in which it was."""

    def __init__(self) -> None:
        self.calls: list[tuple[Any, ...]] = []

    async def beginning_offsets(self, tps: list[TopicPartition]) -> dict[TopicPartition, int]:
        self.calls.append(("beginning_offsets", *tps))
        return {ONE: 7, OTHER: 0}

    def assign(self, tps: list[TopicPartition]) -> None:
        self.calls.append(("assign", *tps))

    def seek(self, tp: TopicPartition, offset: int) -> None:
        self.calls.append(("seek", tp, offset))

    def pause(self, *tps: TopicPartition) -> None:
        self.calls.append(("pause", *tps))

    def resume(self, *tps: TopicPartition) -> None:
        self.calls.append(("resume", *tps))


async def test_nothing_is_fetched_before_every_partition_is_at_its_beginning() -> None:
    asked = _Asked()
    await assign_from_beginning(asked, [ONE, OTHER])
    assert asked.calls == [
        ("assign", ONE, OTHER), ("pause", ONE, OTHER), ("seek", ONE, 0), ("seek", OTHER, 0),
        ("beginning_offsets", ONE, OTHER), ("seek", ONE, 7), ("seek", OTHER, 0), ("resume", ONE, OTHER),
    ]  # fmt: skip


def test_nobody_asks_for_a_position_in_the_way_that_never_learns_of_a_new_leader() -> None:
    (folder,) = streams.__path__
    for path in Path(folder).rglob("*.py"):
        assert "seek_to_beginning(" not in path.read_text(encoding="utf-8"), path


def test_every_consumer_that_reads_to_an_end_is_one_that_says_when_it_cannot_go_on() -> None:
    """aiokafka's own waits for ever when one of its tasks has ended, and cannot always be stopped."""
    (folder,) = streams.__path__
    of_its_own = {
        "engine/source.py",
        "commands/demo.py",
    }  # the member of the group, which is watched; a reader without an end
    made = {
        path.relative_to(folder).as_posix()
        for path in Path(folder).rglob("*.py")
        if "AIOKafkaConsumer(" in path.read_text(encoding="utf-8").replace("Consumer(AIOKafkaConsumer)", "")
    }
    assert made == of_its_own


class _Stuck:
    """A consumer whose broker is gone: nothing comes, and nothing is said."""

    async def position(self, tp: TopicPartition) -> int:
        return 7 if tp == ONE else 0

    async def getmany(self, timeout_ms: int) -> dict[Any, Any]:
        await asyncio.sleep(0.01)
        return {}


async def test_what_cannot_be_read_to_its_end_is_an_error_with_its_place(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(consumers, "STALL_SECONDS", 0.05)
    with pytest.raises(ConfigurationError, match=r"reports.coverage-0 cannot be read to its end; is a broker down\?"):
        async for _ in consumers._up_to(_Stuck(), {ONE: 7, OTHER: 1}):
            pass
    async for _ in consumers._up_to(_Stuck(), {ONE: 7, OTHER: 0}):
        raise AssertionError("there is nothing")


class _Unstoppable:
    """A consumer that does not end when it is stopped."""

    def __init__(self) -> None:
        self._client = self
        self.closed = False

    async def stop(self) -> None:
        await asyncio.Event().wait()

    async def close(self) -> None:
        self.closed = True


async def test_a_consumer_that_cannot_be_stopped_is_left_and_its_connections_closed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(consumers, "STOP_SECONDS", 0.05)
    one = _Unstoppable()
    await asyncio.wait_for(consumers._stop(one), 2)
    assert one.closed

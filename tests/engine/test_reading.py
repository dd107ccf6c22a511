"""Reading topics from their beginnings, whoever leads them."""

from pathlib import Path
from typing import Any

from aiokafka import TopicPartition

import streams
from streams.engine.reading import assign_from_beginning

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

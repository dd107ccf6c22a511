"""How a batch is put together from what is left of several inputs."""

from aiokafka import TopicPartition
from hypothesis import given
from hypothesis import strategies as st

from streams.engine.shares import shares

TPS = [TopicPartition(f"reports.{kind}", 0) for kind in ("sent", "receipt", "stored")]
_left = st.lists(st.integers(0, 10**7), min_size=3, max_size=3)


def test_everything_is_taken_where_there_is_room_for_it() -> None:
    assert shares(dict(zip(TPS, (3, 0, 7), strict=True)), 10) == dict(zip(TPS, (3, 0, 7), strict=True))


def test_a_backlog_is_taken_evenly() -> None:
    assert list(shares(dict(zip(TPS, (60_000, 30_000, 10_000), strict=True)), 1000).values()) == [600, 300, 100]


@given(left=_left, most=st.integers(1, 100_000))
def test_no_input_that_has_something_is_left_out_and_a_batch_stays_small(left: list[int], most: int) -> None:
    taken = shares(dict(zip(TPS, left, strict=True)), most)
    assert all((taken[tp] > 0) == (some > 0) for tp, some in zip(TPS, left, strict=True))
    assert all(taken[tp] <= some for tp, some in zip(TPS, left, strict=True))
    assert sum(taken.values()) < most + len(TPS)


@given(left=_left, most=st.integers(1, 100_000))
def test_inputs_come_to_their_ends_together(left: list[int], most: int) -> None:
    taken, total = shares(dict(zip(TPS, left, strict=True)), most), sum(left)
    for tp, some in zip(TPS, left, strict=True):
        assert taken[tp] == some or 0 <= taken[tp] - most * some / total < 1

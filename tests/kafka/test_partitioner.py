"""Every key must get the partition that everybody else gives it."""

from uuid import UUID

from aiokafka.partitioner import DefaultPartitioner
from hypothesis import given
from hypothesis import strategies as st

from streams.kafka.partitioner import partition_of

_theirs = DefaultPartitioner()


@given(report_id=st.uuids(), partitions=st.integers(1, 200))
def test_a_report_id_goes_where_the_default_partitioner_puts_it(report_id: UUID, partitions: int) -> None:
    key = str(report_id).encode()
    assert partition_of(key, partitions) == _theirs(key, list(range(partitions)), [])


@given(key=st.binary(max_size=80), partitions=st.integers(1, 200))
def test_so_does_every_other_key(key: bytes, partitions: int) -> None:
    assert partition_of(key, partitions) == _theirs(key, list(range(partitions)), [])

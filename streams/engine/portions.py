"""How much of what was fetched is handed out at a time: aiokafka counts records only, and a record may be large."""

from typing import Any

from aiokafka.consumer import fetcher

from streams.engine.bare import KafkaRecord

# Of one input at a time; 20 000 ordinary records take five.
MOST_BYTES = 8 << 20


class Portions(fetcher.FetchResult):  # type: ignore[misc]  # aiokafka has no types for us
    """What one fetch brought of a partition, in portions of so many records or bytes: the one that is too much ends it.

    The rest stays where it is, packed as it came.
    """

    _partition_records: Any

    def getall(self, max_records: int | None = None) -> list[Any]:
        """The next portion; empty if there is none, or its partition is not ours any more."""
        if not self.has_more() or not self.check_assignment(self._topic_partition):
            return []
        portion: list[Any] = []
        records, left = self._partition_records, MOST_BYTES
        for record in records:
            portion.append(record)
            left -= _bytes_of(record)
            if left <= 0 or len(portion) == max_records:
                self._update_position()
                return portion
        self._update_position()
        self._partition_records = None
        return portion


def _bytes_of(record: KafkaRecord) -> int:
    size = len(record.value or b"") + len(record.key or b"")
    if record.headers:
        size += sum(len(name) + len(value or b"") for name, value in record.headers)
    return size


def hand_out_portions() -> None:
    """From now on, every consumer of this process hands out what it fetched in such portions."""
    fetcher.FetchResult = Portions

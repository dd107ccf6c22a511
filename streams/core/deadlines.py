"""The deadline index: which rows to look at once time has passed.

It only says when to look; the row decides. Entries are never removed early, a stale one costs one look.
"""

import heapq
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta

_EPOCH = datetime(1, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_TIME_BYTES = 8


def _entry(at: datetime, report_id: str) -> bytes:
    # One flat bytes object an entry: half the memory of a tuple, and it sorts by time, then by report id.
    return ((at - _EPOCH) // _MICROSECOND).to_bytes(_TIME_BYTES, "big") + bytes.fromhex(report_id.replace("-", ""))


def _report_id(entry: bytes) -> str:
    text = entry[_TIME_BYTES:].hex()
    return f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"


def _time(entry: bytes) -> datetime:
    return _EPOCH + timedelta(microseconds=int.from_bytes(entry[:_TIME_BYTES], "big"))


class Deadlines:
    """A heap of (time, report id); O(log n) a change, nothing when idle."""

    def __init__(self, entries: Iterable[tuple[datetime, str]] = ()) -> None:
        self._heap = [_entry(at, report_id) for at, report_id in entries]
        heapq.heapify(self._heap)

    def __len__(self) -> int:
        return len(self._heap)

    def add(self, at: datetime, report_id: str) -> None:
        """Look at this report once a time after `at` is complete."""
        heapq.heappush(self._heap, _entry(at, report_id))

    def first(self) -> datetime | None:
        """When the next look is due; None when nothing waits."""
        return _time(self._heap[0]) if self._heap else None

    def left(self, until: datetime) -> datetime | None:
        """When the first look lies that is strictly before `until`; None where none is."""
        first = self.first()
        return None if first is None or first >= until else first

    def passed(self, until: datetime) -> Iterator[tuple[datetime, str]]:
        """Take out what lies strictly before `until`, in order of time and report id, each entry once."""
        limit = ((until - _EPOCH) // _MICROSECOND).to_bytes(_TIME_BYTES, "big")
        last = b""
        while self._heap and self._heap[0][:_TIME_BYTES] < limit:
            entry = heapq.heappop(self._heap)
            if entry != last:
                yield _time(entry), _report_id(entry)
            last = entry

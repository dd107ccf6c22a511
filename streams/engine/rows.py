"""The rows of one partition, kept packed: an unpacked row lives only while its batch is being applied."""

from collections.abc import Iterator

from streams.core.row import Row
from streams.engine.codec import pack_and_encode, unpack


def row_key(report_id: str) -> bytes:
    """A report id as the 16 bytes that it really is."""
    return bytes.fromhex(report_id.replace("-", ""))


class PackedRows:
    """The core's rows over packed bytes (`streams.engine.codec`), with the changes since the last commit."""

    def __init__(self) -> None:
        self._packed: dict[bytes, bytes] = {}
        self._live: dict[str, Row] = {}
        self._erased: set[str] = set()

    def __len__(self) -> int:
        fresh = sum(1 for report_id in self._live if row_key(report_id) not in self._packed)
        return len(self._packed) + fresh

    def __iter__(self) -> Iterator[Row]:
        for packed in self._packed.values():
            yield unpack(packed)

    def __contains__(self, report_id: str) -> bool:
        return report_id in self._live or row_key(report_id) in self._packed

    def get(self, report_id: str) -> Row | None:
        """The row of a report, or None."""
        row = self._live.get(report_id)
        if row is None:
            packed = self._packed.get(row_key(report_id))
            row = unpack(packed) if packed is not None else None
        return row

    def put(self, row: Row) -> None:
        """Keep a new or changed row."""
        self._live[row.report_id] = row
        self._erased.discard(row.report_id)

    def erase(self, report_id: str) -> None:
        """Forget a report for good."""
        self._live.pop(report_id, None)
        if self._packed.pop(row_key(report_id), None) is not None:
            self._erased.add(report_id)

    def restore(self, report_id: str, packed: bytes | None) -> None:
        """Take over a row as the state topic has it; None for one that was erased."""
        if packed is None:
            self._packed.pop(row_key(report_id), None)
        else:
            self._packed[row_key(report_id)] = packed

    def take_changes(self) -> list[tuple[str, bytes | None]]:
        """What changed since the last call: report ids and values for the state topic, None for an erased row."""
        changes: list[tuple[str, bytes | None]] = [(report_id, None) for report_id in sorted(self._erased)]
        for report_id, row in self._live.items():
            key = row_key(report_id)
            packed, value = pack_and_encode(row)
            if self._packed.get(key) != packed:
                self._packed[key] = packed
                changes.append((report_id, value))
        self._live.clear()
        self._erased.clear()
        return changes

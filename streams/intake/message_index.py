"""Which report a message brought: all of `{app}.messages` in memory, by digests, some forty bytes an id."""

import hashlib
import sqlite3
from collections.abc import Iterable, Sequence
from uuid import UUID

from streams.records.record import KafkaRecord


class MessageIndex:
    """Follows the topic. A message that several reports claim tells of none of them."""

    def __init__(self) -> None:
        self._tables = sqlite3.connect(":memory:", isolation_level=None, check_same_thread=False)
        self._tables.execute(
            "CREATE TABLE brought (message BLOB, report BLOB, PRIMARY KEY (message, report)) WITHOUT ROWID"
        )

    def take(self, records: Iterable[KafkaRecord]) -> None:
        """Records of the topic, in their order; those behind them overrule them."""
        last = {record.key: record.value is not None for record in records if record.key}
        pairs = {key: pair for key in last if (pair := _pair(key)) is not None}
        with self._tables:
            self._tables.execute("BEGIN")
            known = [pair for key, pair in pairs.items() if last[key]]
            gone = [pair for key, pair in pairs.items() if not last[key]]
            self._tables.executemany("INSERT OR IGNORE INTO brought VALUES (?, ?)", known)
            self._tables.executemany("DELETE FROM brought WHERE message = ? AND report = ?", gone)

    def reports(self, message_ids: Sequence[str]) -> dict[str, str]:
        """The report of each message that tells of one only."""
        found = {}
        for message_id in message_ids:
            rows = self._tables.execute(
                "SELECT report FROM brought WHERE message = ? LIMIT 2", (_digest(message_id.encode()),)
            ).fetchall()
            if len(rows) == 1:
                found[message_id] = str(UUID(bytes=rows[0][0]))
        return found

    def __len__(self) -> int:
        """How many pairs of message and report there are."""
        ((count,),) = self._tables.execute("SELECT count(*) FROM brought").fetchall()
        return int(count)

    def close(self) -> None:
        """Forget all of it."""
        self._tables.close()


def _pair(key: bytes) -> tuple[bytes, bytes] | None:
    """A key as it is kept; None for one that is not the checker's."""
    message, _, report = key.rpartition(b"/")
    try:
        return _digest(message), UUID(report.decode()).bytes
    except ValueError:
        return None


def _digest(message_id: bytes) -> bytes:
    return hashlib.blake2b(message_id, digest_size=16).digest()

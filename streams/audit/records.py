"""From the records of topics to facts: read as the live checker reads them, where and when they arrived."""

from collections.abc import Iterable, Mapping
from datetime import datetime

import duckdb

from streams.audit.facts import NamesTable
from streams.audit.odd import MOST_BYTES, OddLines
from streams.engine.intake import Record, take_in


class TakingRecords:
    """Takes the records of the input topics into the tables. `sources`: the number of each kind's source."""

    def __init__(
        self,
        connection: duckdb.DuckDBPyConnection,
        names: NamesTable,
        sources: Mapping[str, int],
        most_bytes: int = MOST_BYTES,
    ) -> None:
        self._names = names
        self._most_bytes = most_bytes
        self._into = {kind: OddLines(connection, names, source) for kind, source in sources.items()}
        self._latest: dict[tuple[str, int], datetime] = {}
        self.records = dict.fromkeys(sources, 0)

    def take(self, records: Iterable[Record]) -> None:
        """Take records; those of one partition in the order of their offsets, over all calls."""
        for record in records:
            self.records[record.kind] += 1
            into, place = self._into[record.kind], record.place
            intake = take_in(record, self._most_bytes)
            if intake.refusal is not None:
                into.refuse(place.offset, intake.refusal, place.partition)
            if intake.fact is None:
                continue
            # First and last mean by offset: a broker's clock that stepped back changes no order.
            partition = (place.topic, place.partition)
            latest = self._latest[partition] = max(place.arrived, self._latest.get(partition, place.arrived))
            into.add_fact(intake.fact, latest)
        for one in self._into.values():
            one.write()
        self._names.write()

"""What a slice says on the output topics: rows, events, coverage and books as records."""

from collections.abc import Iterable
from datetime import UTC, datetime

import orjson

from streams.core.books import Books
from streams.core.events import Event
from streams.engine.codec import book_value, event_headers, event_value
from streams.engine.coverage import Coverage
from streams.engine.rows import PackedRows
from streams.engine.transaction import Write
from streams.settings import Settings


def output_records(
    settings: Settings, coverage: Coverage, rows: PackedRows, books: Books, events: Iterable[Event]
) -> list[Write]:
    """All of it in the order of the topics; what changed of rows and books counts as written then."""
    partition, recorded = coverage.partition, datetime.now(UTC)
    state, missing = settings.output("state"), settings.output("missing")
    records = [Write(state, partition, report_id.encode(), value) for report_id, value in rows.take_changes()]
    for event in events:
        key, headers = event.report_id.encode(), event_headers(event, recorded)
        records.append(Write(missing, partition, key, orjson.dumps(event_value(event)), headers))
    return records + _coverage_records(settings.output("coverage"), coverage, books)


def _coverage_records(topic: str, coverage: Coverage, books: Books) -> list[Write]:
    partition = coverage.partition
    records = [Write(topic, partition, str(partition).encode(), orjson.dumps(coverage.value()))]
    for municipality in sorted(books.changed, key=str):
        value = book_value(partition, municipality, books.by_receiver[municipality])
        key = f"{partition}/{municipality or 'unknown'}".encode()
        records.append(Write(topic, partition, key, orjson.dumps(value)))
    books.changed.clear()
    return records

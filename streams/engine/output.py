"""What a slice says on the output topics: message ids, rows, events, coverage and books as records."""

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from itertools import chain, islice

import orjson

from streams.core.books import Books
from streams.core.events import Event
from streams.engine.rows import PackedRows
from streams.records.coverage import Coverage
from streams.records.events import book_value, event_headers, event_record, stamp
from streams.records.messages import message_record
from streams.records.record import Write
from streams.settings import Settings

WRITES_AT_ONCE = 500  # records: a few hundredths of a second


def output_records(
    settings: Settings,
    coverage: Coverage,
    rows: PackedRows,
    books: Books,
    events: Iterable[Event],
    claims: Iterable[tuple[str, str]],
) -> Iterator[list[Write]]:
    """All of it in the order of the topics, in pieces. Run it to its end: what has changed counts as written then.

    `claims`: message ids that reports have got, each with its report.
    """
    records = chain(
        _message_records(settings.output("messages"), coverage.partition, rows, claims),
        _row_records(settings.output("state"), coverage.partition, rows),
        _event_records(settings.output("missing"), coverage.partition, events),
        _coverage_records(settings.output("coverage"), coverage, books),
    )
    while piece := list(islice(records, WRITES_AT_ONCE)):
        yield piece


def _message_records(
    topic: str, partition: int, rows: PackedRows, claims: Iterable[tuple[str, str]]
) -> Iterator[Write]:
    """What rows have got or lost, as it is at the end of the slice."""
    for message_id, report_id in dict.fromkeys([*rows.take_lost_ids(), *claims]):
        row = rows.get(report_id)
        known = row is not None and message_id in row.message_ids
        yield message_record(topic, partition, message_id, report_id, known=known)


def _row_records(topic: str, partition: int, rows: PackedRows) -> Iterator[Write]:
    return (Write(topic, partition, report_id.encode(), value) for report_id, value in rows.take_changes())


def _event_records(topic: str, partition: int, events: Iterable[Event]) -> Iterator[Write]:
    recorded = stamp(datetime.now(UTC)).encode()
    for event in events:
        yield Write(topic, partition, event.report_id.encode(), event_record(event), event_headers(event, recorded))


def _coverage_records(topic: str, coverage: Coverage, books: Books) -> Iterator[Write]:
    partition = coverage.partition
    yield Write(topic, partition, str(partition).encode(), orjson.dumps(coverage.value()))
    for municipality in sorted(books.changed, key=str):
        value = book_value(partition, municipality, books.by_receiver[municipality])
        yield Write(topic, partition, f"{partition}/{municipality or 'unknown'}".encode(), orjson.dumps(value))
    books.changed.clear()

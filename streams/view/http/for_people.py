"""Lists as people read them in a spreadsheet: fewer columns, under headings, in words, with Norwegian times."""

from collections.abc import Iterable, Iterator

import pyarrow as pa

from streams.presentation.words import SHARED, Words

PACKAGES = (*SHARED, "streams.view.page")
# What stands in such a file, in this order, where the list has it, and the words above it.
HEADINGS = {
    "type": "words.event", "status": "words.status", "reason": "words.reason", "cause": "words.cause",
    "municipality_name": "words.municipality", "municipality": "words.municipality_number",
    "district": "words.district",
    "sent_at": "words.sent", "due_at": "words.due", "alarm_at": "moment.alarm", "recorded_at": "words.announced_at",
    "portal_deletes_at": "words.portal_deletes", "receipt": "words.receipt", "stored_at": "words.stored",
    "evidence": "words.evidence", "recovered_at": "words.recovered", "outcome": "words.outcome",
    "closed_at": "words.closed_at", "channel": "words.channel", "case_system": "words.case_system",
    "case_system_version": "words.version", "form": "words.form", "attempts": "words.attempts", "feed": "words.feed",
    "message_ids": "words.message_ids", "report_id": "words.report",
}  # fmt: skip
# In which section of the catalogues the codes of a column have their words.
CODED = {
    "type": "moment", "status": "status", "reason": "reason", "cause": "says", "receipt": "says", "evidence": "says",
    "outcome": "says", "channel": "code", "case_system": "code", "form": "code",
}  # fmt: skip


def readable(batches: Iterable[pa.RecordBatch], words: Words) -> Iterator[pa.RecordBatch]:
    """Batches of text with the headings for names, and words for codes; a column of neither stays as it is."""
    for batch in batches:
        columns = [
            _said(column, CODED[name], words) if name in CODED else column
            for name, column in zip(batch.schema.names, batch.columns, strict=True)
        ]
        yield pa.RecordBatch.from_arrays(columns, names=[_heading(name, words) for name in batch.schema.names])


def words_of(language: str) -> Words:
    """The page's words in a language."""
    return Words(language, packages=PACKAGES)  # type: ignore[arg-type]  # the query's model knows which there are


def _heading(name: str, words: Words) -> str:
    return words(HEADINGS[name]) if name in HEADINGS else name


def _said(column: pa.Array, section: str, words: Words) -> pa.Array:
    said = [None if code is None else words.code(section, code) for code in column.to_pylist()]
    return pa.array(said, pa.string())

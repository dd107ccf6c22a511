"""Say what becomes of an alarm: find it, see that the decision fits, and write it."""

from datetime import datetime
from typing import Any, NamedTuple

import orjson
from aiokafka import AIOKafkaProducer

from schemas.common import canonical_report_id, ids_that_begin
from streams.commands.explain import the_only_one
from streams.core.events import written
from streams.core.facts import Action
from streams.core.row import Row, Status, Window
from streams.errors import ConfigurationError
from streams.kafka.client import client_options
from streams.kafka.consumers import read_all
from streams.kafka.denials import naming_denials
from streams.kafka.partitioner import partition_of
from streams.kafka.topics import partition_counts
from streams.records.decisions import Said, decision_value, ensure_whole
from streams.records.state import read_state
from streams.settings import KafkaSettings, Settings


class Decided(NamedTuple):
    """The decision that was written, and where it lies."""

    decision: dict[str, Any]
    topic: str
    partition: int
    offset: int


async def decide(kafka: KafkaSettings, settings: Settings, text: str, said: Said, now: datetime) -> Decided:
    """Write a decision about the latest alarm of a report. The checker has the last word, when it reads it.

    The text may also be the first eight digits of the report's id or more, or a message's id. Raises ConfigurationError
    where nothing is meant by it, where the decision does not fit, or where Kafka cannot be read or written.
    """
    state = settings.output("state")
    partitions = (await partition_counts(kafka, [state]))[state]
    row = await _row(kafka, state, partitions, text)
    decision = decision_about(row, said, now)
    key, value = row.report_id.encode(), orjson.dumps(decision)
    producer = AIOKafkaProducer(**client_options(kafka), acks="all", enable_idempotence=True)
    await producer.start()
    try:
        async with naming_denials(kafka, "Write"):
            place = await producer.send_and_wait(
                settings.decisions, value, key=key, partition=partition_of(key, partitions)
            )
    finally:
        await producer.stop()
    return Decided(decision, place.topic, place.partition, place.offset)


def decision_about(row: Row, said: Said, now: datetime) -> dict[str, Any]:
    """The decision as its record's value. Raises ConfigurationError where it does not fit what is known of the report.

    Only one that erases a report without an alarm names none.
    """
    ensure_whole(said, now)
    _ensure_fits(row, said)
    return decision_value(row.report_id, row.missing_event_id, said, now)


def _ensure_fits(row: Row, said: Said) -> None:
    if row.status is Status.ERASED:
        raise ConfigurationError(f"{row.report_id} has been erased by a decision: nothing is left of it to decide on.")
    alarm = row.alarms[-1] if row.alarms else None
    is_open = alarm is not None and alarm.outcome is None and row.recovered_at is None
    if said.action is Action.ERASE:
        if is_open:
            raise ConfigurationError(f"The alarm of {row.report_id} is open: close it before the report is erased.")
        if row.window is not Window.CLOSED or row.sent is None:
            raise ConfigurationError(
                f"{row.report_id} is {row.status} and may still be announced missing: it can be erased when that is "
                "settled."
            )
    elif alarm is None:
        raise ConfigurationError(f"{row.report_id} is {row.status}: there is no alarm to {said.action}.")
    elif row.recovered_at is not None:
        raise ConfigurationError(
            f"{row.report_id} was found after all, at {written(row.recovered_at)}: its alarm is over."
        )
    elif said.action is Action.REOPEN and is_open:
        raise ConfigurationError(f"The alarm of {row.report_id} is open: there is nothing to take back.")
    elif said.action is Action.CLOSE and alarm.outcome is said.outcome:
        at = written(alarm.closed_at) if alarm.closed_at else "a time that is not known"
        raise ConfigurationError(f"The alarm of {row.report_id} is closed already, as {alarm.outcome}, since {at}.")


async def _row(kafka: KafkaSettings, topic: str, partitions: int, text: str) -> Row:
    """What the checker knows of the report that is meant, by its state topic."""
    report_id = canonical_report_id(text)
    home = partition_of(report_id.encode(), partitions) if report_id else None
    first, last = ids_that_begin(text) or ("", "")
    found: dict[str, bytes | None] = {}
    async for record in read_all(kafka, [topic], home):
        key = (record.key or b"").decode()
        is_meant = key == report_id or first <= key <= last or text.encode() in (record.value or b"")
        if is_meant or key in found:
            found[key] = record.value
    rows = {key: read_state(value) for key, value in found.items() if value is not None}
    if report_id is None:
        meant = {key for key, row in rows.items() if first <= key <= last or text in row.message_ids}
        report_id = the_only_one(meant, text, "of what the checker knows")
    if report_id not in rows:
        raise ConfigurationError(f"The checker knows no report {report_id}: is it the right id, and the right cluster?")
    return rows[report_id]

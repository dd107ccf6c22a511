"""Why is this report missing? Its row, and every record about it with its place in the log."""

from typing import Any, NamedTuple

import orjson
from aiokafka import TopicPartition

from schemas.common import canonical_report_id, ids_that_begin
from streams.commands.windows import Move, Moves, is_judged_by, window_moves
from streams.core.events import written
from streams.core.facts import Decision, Fact, FactOrMark, FeedMark, Place, Sent, Stored
from streams.core.rules import Limits, Rules
from streams.data import succession
from streams.errors import ConfigurationError
from streams.kafka.consumers import read_all, read_what_is_there
from streams.kafka.partitioner import partition_of
from streams.kafka.topics import partition_counts
from streams.policies import load_policy
from streams.records.decode import Intake, feed_of, take_in, take_in_decision, take_in_mark
from streams.records.record import (
    DECISION,
    INPUT_KINDS,
    LOG_APPEND_TIME,
    KafkaRecord,
    Record,
    UnreadableOffsets,
    arrival,
    mark_of,
)
from streams.records.rejected import NO_APPEND_TIME
from streams.settings import KafkaSettings, Settings

MOST_NAMED = 3


class Line(NamedTuple):
    """A line of a time line: as JSON, what it tells, and what it did to the report's window."""

    entry: dict[str, Any]
    fact: Fact | Decision
    move: Move | None = None


class Explained(NamedTuple):
    """What is known of a report. `events`: what was announced of it, in order.

    Where all that decides them is there, lines tell what they did to windows: the policy by which the report is judged,
    and its first sent. `unreadable`: batches of its partition that nobody can read, which may have said something of
    it, too.
    """

    report_id: str
    state: dict[str, Any] | None
    coverage: dict[str, Any] | None
    events: list[dict[str, Any]]
    timeline: list[Line]
    unreadable: list[dict[str, Any]]

    def value(self) -> dict[str, Any]:
        """The same as JSON."""
        lines = [line.entry | {"window": str(line.move) if line.move else None} for line in self.timeline]
        return self._asdict() | {"timeline": lines}


async def explain(kafka: KafkaSettings, settings: Settings, text: str) -> Explained | None:
    """What is known of a report; None if nothing is.

    The text may also be the first eight digits of a report's id or more, or a message's id. Raises ConfigurationError
    when it is none of them, when several reports are meant, or when Kafka cannot be read.
    """
    report_id = canonical_report_id(text) or await _meant(kafka, settings, text)
    key = report_id.encode()
    home = partition_of(key, (await partition_counts(kafka, settings.inputs))[settings.inputs[0]])
    timeline, unreadable, inputs = list[Line](), [], list[FactOrMark]()
    async for tp, record in read_what_is_there(kafka, settings.inputs):
        if isinstance(record, UnreadableOffsets):
            unreadable += [_hole(tp, record)] if tp.partition == home else []
        elif (mark := _feed_mark(settings, tp, record)) is not None:
            inputs += [mark] if tp.partition == home else []
        elif (found := _entry(settings, tp, record, report_id)) is not None:
            timeline.append(found)
            inputs += [found.fact] if tp.partition == home and not isinstance(found.fact, Decision) else []
    state = await _last(kafka, settings.output("state"), home, key)
    coverage = await _last(kafka, settings.output("coverage"), home, str(home).encode())
    missing = read_all(kafka, [settings.output("missing")], home)
    events = [orjson.loads(record.value or b"") async for record in missing if record.key == key]
    if state is None and not timeline:
        return None
    moves = _moves(settings, inputs, state, coverage)
    lines = [line._replace(move=moves.get(_place(line.entry))) for line in timeline]
    lines.sort(key=lambda line: (line.entry["arrived"] or "", line.entry["topic"], line.entry["offset"]))
    return Explained(report_id, state, coverage, events, lines, unreadable)


def _place(entry: dict[str, Any]) -> tuple[str, int, int]:
    return entry["topic"], entry["partition"], entry["offset"]


async def _meant(kafka: KafkaSettings, settings: Settings, text: str) -> str:
    """The report whose id begins so, or of which a message has this id."""
    first, last = ids_that_begin(text) or ("", "")
    found: set[str] = set()
    async for tp, record in read_what_is_there(kafka, settings.inputs):
        taken = None if isinstance(record, UnreadableOffsets) else _taken(settings, tp, record)
        fact = taken.intake.fact if taken else None
        if fact is not None and (first <= fact.report_id <= last or getattr(fact, "message_id", None) == text):
            found.add(fact.report_id)
    return the_only_one(found, text, "in the inputs")


def the_only_one(found: set[str], text: str, where: str) -> str:
    """The report that a text means. Raises ConfigurationError where it means several, or none."""
    if len(found) == 1:
        return next(iter(found))
    if found:
        some = ", ".join(sorted(found)[:MOST_NAMED])
        raise ConfigurationError(f"{text!r} may mean {len(found)} reports ({some}): give the whole report id.")
    raise ConfigurationError(
        f"{text!r} is no report's id, nor the first eight digits of one, nor a message's id {where}: give the report's "
        "UUID."
    )


class _Taken(NamedTuple):
    """What a record says and where it lies."""

    kind: str
    place: Place
    intake: Intake[Fact] | Intake[Decision]


def _moves(
    settings: Settings, inputs: list[FactOrMark], state: dict[str, Any] | None, coverage: dict[str, Any] | None
) -> dict[tuple[str, int, int], Move]:
    """By topic, partition and offset; nothing where the records that are there tell less than was judged by."""
    policy = load_policy(settings.policy)
    if state is None or coverage is None or not is_judged_by(policy, state, coverage):
        return {}
    rules = Rules(policy, succession(), Limits(settings.keep, settings.unexpected_after))
    sent, receipt, stored = settings.facts
    moves: Moves = window_moves(inputs, rules, coverage, (stored, receipt))
    found = {(place.topic, place.partition, place.offset): move for place, move in moves.items()}
    first = state["sent_record"]
    return found if (sent, first["partition"], first["offset"]) in found else {}


def _feed_mark(settings: Settings, tp: TopicPartition, record: KafkaRecord) -> FeedMark | None:
    """A feed's mark, which is about no report of its own; None for any other record, and for one that says nothing."""
    kind = _kind(settings, tp)
    feed = feed_of(kind, record.headers or ())
    if feed is None or mark_of(record) is not None:
        return None
    place = Place(arrival(record.timestamp), tp.topic, tp.partition, record.offset)
    mark = take_in_mark(Record(kind, place, record.key, record.value), feed, settings.max_value_bytes)
    return mark if isinstance(mark, FeedMark) else None


def _kind(settings: Settings, tp: TopicPartition) -> str:
    return dict(zip(settings.inputs, INPUT_KINDS, strict=True))[tp.topic]


def _taken(settings: Settings, tp: TopicPartition, record: KafkaRecord) -> _Taken | None:
    """None for a mark, which is about nothing."""
    if mark_of(record) is not None:
        return None
    kind = _kind(settings, tp)
    place = Place(arrival(record.timestamp), tp.topic, tp.partition, record.offset)
    whole = Record(kind, place, record.key, record.value, tuple(record.headers))
    most = settings.max_value_bytes
    return _Taken(kind, place, take_in_decision(whole, most) if kind == DECISION else take_in(whole, most))


async def _last(kafka: KafkaSettings, topic: str, partition: int, key: bytes) -> dict[str, Any] | None:
    found = None
    async for record in read_all(kafka, [topic], partition):
        if record.key == key:
            found = record.value
    return None if found is None else orjson.loads(found)


def _hole(tp: TopicPartition, record: UnreadableOffsets) -> dict[str, Any]:
    return {
        "topic": tp.topic, "partition": tp.partition, "offset": record.offset, "next_offset": record.next_offset,
        "cause": record.cause,
    }  # fmt: skip


def _entry(settings: Settings, tp: TopicPartition, record: KafkaRecord, report_id: str) -> Line | None:
    """One line of the time line; None for a record that is about something else."""
    taken = _taken(settings, tp, record)
    if taken is None:
        return None
    kind, place, intake = taken
    dated = record.timestamp_type == LOG_APPEND_TIME
    refusal = intake.refusal if dated else NO_APPEND_TIME
    if intake.fact is None or intake.fact.report_id != report_id:
        return None
    entry = {
        "arrived": written(place.arrived) if dated else None,
        "fact": kind,
        "says": _says(intake.fact),
        "topic": place.topic,
        "partition": place.partition,
        "offset": place.offset,
        "unreadable": refusal.reason if refusal else None,
        "copied_from": str(intake.origin) if intake.origin else None,
    }
    return Line(entry, intake.fact)


def _says(fact: Any) -> str:
    if isinstance(fact, Sent):
        return f"sent at {written(fact.sent_at)}" if fact.sent_at else "sent"
    if isinstance(fact, Stored):
        where = f" at {fact.receiver.municipality}" if fact.receiver else ""
        return f"stored at {written(fact.stored_at)}{where} ({fact.evidence or 'evidence unreadable'})"
    if isinstance(fact, Decision):
        return f"{fact.action} as {fact.outcome}" if fact.outcome else f"{fact.action}"
    return f"receipt {fact.receipt}"

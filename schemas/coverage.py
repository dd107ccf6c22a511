"""How far the checker is complete, what it cannot see or has lost, and its books."""

from typing import Literal

from pydantic import Field

from schemas.common import ClosedModel, Count, Municipality, TopicName, Word, WrittenTime
from schemas.inputs import FeedId


class LastRecord(ClosedModel):
    """The last record applied of one input."""

    offset: Count
    arrived: WrittenTime


class AppliedInput(ClosedModel):
    """How far one input has been applied."""

    next_offset: Count
    last_record: LastRecord | None
    latest_arrival: WrittenTime | None = Field(
        description="The latest arrival so far; a record whose append time lies before it counts as arrived then."
    )


class Gap(ClosedModel):
    """The checker cannot see."""

    since: WrittenTime
    cause: Word = Field(description="open_transaction, no_marks, lag, broker_clock, deleted_by_retention, ...")


class Loss(ClosedModel):
    """Offsets of an input that were lost before anybody could read them."""

    topic: TopicName
    from_offset: Count = Field(description="The first of them.")
    to_offset: Count | None = Field(description="The first one after them; null where nobody can know.")
    cause: Word
    since: WrittenTime = Field(description="What stood there arrived not before: the last record applied before it.")
    until: WrittenTime | None = Field(description="And not after: the first record read after it; null while none is.")


class FeedWord(ClosedModel):
    """What one feed has said in a partition."""

    vouched_until: WrittenTime | None = Field(description="All that was stored until then has been delivered.")
    since: WrittenTime | None = Field(description="When the mark arrived that said so.")
    heard: WrittenTime | None = Field(description="When its last mark arrived.")
    proofs: Count = Field(description="How many of its proofs have come since then.")


class Coverage(ClosedModel):
    """How far one partition is complete. Key: the partition's number."""

    kind: Literal["coverage"]
    partition: Count
    partitions: Count
    complete_until: WrittenTime | None = Field(
        description="Everything that arrived before it has been applied, and what fell due before it is decided."
    )
    checked_at: WrittenTime | None = Field(
        description="The brokers' time when that was last found out; later than complete_until only while much that "
        "fell due at once is being worked off."
    )
    applied: dict[TopicName, AppliedInput]
    gap: Gap | None
    losses: list[Loss]
    policy: dict[str, str] = Field(description="The policy versions judged by so far, with their fingerprints.")
    beginnings: dict[TopicName, WrittenTime | None] = Field(
        description="Inputs that no longer began at offset 0 when this checker began: when their first record arrived."
    )
    first_complete: WrittenTime | None = Field(description="The first complete_until of this checker.")
    feeds: dict[FeedId, FeedWord] = Field(description="What the policy's feeds have said here.")
    municipalities: str | None = Field(
        None,
        pattern=r"^[0-9a-f]{16}$",
        description="The fingerprint of the table of municipalities by which receivers are compared.",
    )


class Books(ClosedModel):
    """One receiver's books in one partition. Key: partition/municipality, or partition/unknown."""

    kind: Literal["books"]
    partition: Count
    municipality: Municipality | None
    sent: int = Field(description="sent_records - duplicates - resends = the sum of the statuses and erased.")
    sent_records: int
    duplicates: int
    resends: int
    erased: int
    pending: int
    stored: int
    missing: int
    recovered: int
    unproven: int
    undetermined: int
    unexpected: int

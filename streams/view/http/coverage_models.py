"""What the API answers of coverage, feeds and books, for its OpenAPI description."""

from pydantic import Field

from schemas.common import ClosedModel, Count, Municipality, TopicName, Word, WrittenTime
from schemas.inputs import FeedId
from streams.view.queries.grounds import SaysOfFeed
from streams.view.store.freshness import Picture


class PartitionCoverage(ClosedModel):
    """How far one partition is complete."""

    partition: Count
    partitions: Count
    complete_until: WrittenTime | None
    checked_at: WrittenTime | None
    gap_since: WrittenTime | None
    gap_cause: Word | None
    inputs_begin: WrittenTime | None = Field(description="Before it this checker's inputs are not whole.")
    first_complete: WrittenTime | None = Field(description="Until when it was first complete.")


class LossRow(ClosedModel):
    """Offsets of an input that were lost before anybody could read them."""

    partition: Count
    topic: TopicName
    from_offset: Count
    to_offset: Count | None
    cause: Word
    since: WrittenTime
    until: WrittenTime | None


class FeedRow(ClosedModel):
    """What a feed, a source of proofs, has said in all partitions together, and what waits for it."""

    feed: FeedId
    says: SaysOfFeed = Field(description="What may be said of it; `vouched`: no report waits for its word.")
    partitions: Count | None
    heard_in: Count = Field(description="In how many partitions it was ever heard.")
    vouched_in: Count = Field(description="In how many it has ever vouched.")
    vouched_until: WrittenTime | None = Field(description="The least over the partitions where it has vouched.")
    since: WrittenTime | None = Field(description="When the mark arrived that said so.")
    last_heard: WrittenTime | None = Field(description="When its last mark arrived, in whichever partition.")
    heard_everywhere: WrittenTime | None = Field(description="Since then it was heard in every partition.")
    waiting: Count | None = Field(description="Pending reports whose window is over: only its word can settle them.")
    undetermined: Count | None = Field(description="Reports of which nothing can be told because it is silent.")
    oldest_alarm_at: WrittenTime | None = Field(description="Of these, when the first window was over.")


class FeedWordRow(ClosedModel):
    """What a feed has said in one partition."""

    feed: FeedId
    partition: Count
    vouched_until: WrittenTime | None
    since: WrittenTime | None
    heard: WrittenTime | None
    proofs: Count | None = Field(
        description="How many of its proofs have come since it was heard; null where others' reports are counted in."
    )


class CoverageAnswer(ClosedModel):
    """How far each partition is complete, what was lost unread, and what the feeds have said."""

    picture: Picture
    partitions: list[PartitionCoverage]
    losses: list[LossRow]
    feeds: list[FeedRow]
    feed_words: list[FeedWordRow]


class BookRow(ClosedModel):
    """One receiver's books; `difference` is 0 where they balance."""

    municipality: Municipality | None
    municipality_name: str | None
    sent: int | None
    pending: int | None
    stored: int | None
    missing: int | None
    recovered: int | None
    unproven: int | None
    undetermined: int | None
    unexpected: int | None
    erased: int | None
    difference: int


class BooksAnswer(ClosedModel):
    """The books by receiver."""

    picture: Picture
    balanced: bool
    books: list[BookRow]

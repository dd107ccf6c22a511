"""What is asked of the intake, and what it answers."""

from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import BaseModel, ConfigDict, Field, field_validator
from pydantic_core import PydanticCustomError

from schemas.common import Time, WrittenTime
from schemas.inputs import FeedId
from streams.intake.bodies import MOST_ITEMS


class Delivery(BaseModel):
    """A request; what is misspelt in it is refused."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)


class Items(Delivery):
    """What the portal says, or what people decide."""

    items: list[Any] = Field(max_length=MOST_ITEMS, description="Each is judged by itself.")
    zone: str | None = Field(
        None, max_length=64, description="The zone of times without one, by its name: Europe/Oslo."
    )

    @field_validator("zone")
    @classmethod
    def _known(cls, zone: str | None) -> str | None:
        return None if zone is None else zone_named(zone).key


class Proofs(Items):
    """Proofs, and what their feed vouches for behind them."""

    feed: FeedId | None = Field(None, description="The feed that brings them, as the policy names it.")
    vouched_until: Time | None = Field(
        None, description="All that was stored until then in what the feed covers is delivered with these items."
    )


class Mark(Delivery):
    """A feed's word."""

    vouched_until: Time = Field(description="All that was stored until then in what the feed covers is delivered.")


class Verdicts(BaseModel):
    """What became of each item. All of it is committed."""

    verdicts: list[str] = Field(
        description="One an item, in their order: accepted, unknown_id (say it again later), not_yours, or "
        "unreadable: and the field."
    )
    counts: dict[str, int] = Field(description="How many of each.")
    vouched_until: WrittenTime | None = Field(
        None, description="Until when the feed vouches by this; null where it said nothing, or cannot vouch yet."
    )


class Taken(BaseModel):
    """What became of each item. All of it is committed."""

    verdicts: list[str] = Field(description="One an item, in their order: as for proofs.")
    counts: dict[str, int] = Field(description="How many of each.")
    unread: dict[int, list[str]] = Field(
        {}, description="Of items that were accepted all the same, by their place: the fields that could not be read."
    )


class Marked(BaseModel):
    """A feed's word was written to every partition."""

    feed: str
    vouched_until: WrittenTime | None = Field(
        description="Until when the feed vouches by this; null where it cannot vouch yet."
    )


class FeedState(BaseModel):
    """What the checker has heard of a feed."""

    feed: str
    vouched_until: WrittenTime | None = Field(
        description="Until when it vouches everywhere; null where it has not vouched in every partition."
    )
    heard: WrittenTime | None = Field(description="When its last mark arrived; null if none has.")
    proofs: int = Field(description="Proofs that have come since its last marks.")
    partitions: int = Field(description="Partitions in which it was heard.")
    of_partitions: int = Field(description="How many there are.")


def zone_named(name: str) -> ZoneInfo:
    """A zone. Raises what pydantic makes a sentence of."""
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise PydanticCustomError("zone", "is no zone: write it like Europe/Oslo") from None

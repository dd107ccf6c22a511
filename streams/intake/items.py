"""What is delivered, item by item, as the sender writes it."""

from datetime import UTC, datetime
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from schemas.common import Code, District, Municipality, ReportId, Time, Token

ACCEPTED, UNKNOWN_ID, NOT_YOURS = "accepted", "unknown_id", "not_yours"
UNREADABLE = "unreadable:"


class Item(BaseModel):
    """What all items have in common: what is unknown in them is dropped, as it is from records."""

    model_config = ConfigDict(extra="ignore", frozen=True, hide_input_in_errors=True)


class ProofItem(Item):
    """One report that lies in a case system: by its own id, or by that of the message that brought it."""

    report_id: ReportId | None = Field(None, description="The portal's bekymringsmeldingId (a UUID).")
    message_id: Token | None = Field(None, description="The transport's message id, for who does not know the other.")
    stored_at: Time | None = Field(
        None, description="When it was stored, with a zone (or without, where the request has one)."
    )
    municipality: Municipality | None = Field(
        None, description="Whose case system it lies in; may be left out by who acts for one receiver only."
    )
    district: District | None = Field(None, description="District number: two digits as text.")
    evidence: Code | None = Field(
        None, description="How that is known: READ_BACK, RECONCILIATION (where nothing is said), MANUAL."
    )
    case_system: Code | None = Field(None, description="Which case system it lies in.")


class UnreadableItem(NamedTuple):
    """An item that cannot be read: which field."""

    field: str

    @property
    def verdict(self) -> str:
        """As the answer has it."""
        return UNREADABLE + self.field


def unreadable(error: ValidationError) -> UnreadableItem:
    """The first field that cannot be read."""
    first = error.errors(include_input=False, include_url=False, include_context=False)[0]["loc"]
    return UnreadableItem(".".join(str(part) for part in first if isinstance(part, str)) or "item")


def in_zone(content: dict[str, Any], name: str, zone: ZoneInfo) -> dict[str, Any]:
    """An item of which a time without a zone is local there; left out in the hour that comes twice.

    What is no such time stays as it is, and so does one in the hour that is left out in spring: it never was.
    """
    given = content.get(name)
    if not isinstance(given, str):
        return content
    try:
        local = datetime.fromisoformat(given.strip())
    except ValueError:
        return content
    if local.tzinfo is not None:
        return content
    first, second = (local.replace(tzinfo=zone, fold=fold).astimezone(UTC) for fold in (0, 1))
    if first == second:
        return content | {name: first}
    came = first.astimezone(zone).replace(tzinfo=None) == local
    return {key: value for key, value in content.items() if key != name} if came else content

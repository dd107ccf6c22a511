"""What a reader of files gives: columns in our own names, line by line."""

from typing import Any, Literal, NamedTuple

import pyarrow as pa

from streams.core.facts import Names
from streams.records.record import Refusal

Kind = Literal["sent", "receipt", "stored", "portal", "decision", "feed_mark"]

RECEIVER = ("municipality", "district", "unit_id", "org_number")
NAMES = (*RECEIVER, *Names._fields[1:])
# What a source of each kind may tell, by our own column names; a receiver's levels stand beside the rest. `portal` is
# the portal's history list: one line a state of a report (AKSEPTERT ... LEVERT); `decision` a list of what people
# said of alarms, `feed_mark` one of what feeds vouched for. `arrived` is the broker's append time where a record once
# lay in a topic; few files know it.
FIELDS: dict[Kind, tuple[str, ...]] = {
    "sent": (
        "report_id", "message_id", "sent_at", *RECEIVER, "channel", "case_system", "case_system_version", "form",
        "arrived",
    ),
    "receipt": ("report_id", "message_id", "receipt", "received_at", "arrived"),
    "stored": ("report_id", "message_id", "stored_at", "evidence", *RECEIVER, "case_system", "form", "arrived"),
    "portal": (
        "report_id", "message_id", "state", "at", *RECEIVER, "channel", "case_system", "case_system_version", "form",
    ),
    "decision": (
        "decision_id", "report_id", "missing_event_id", "action", "outcome", "decided_at", *RECEIVER, "arrived",
    ),
    "feed_mark": ("feed", "vouched_until", "arrived"),
}  # fmt: skip
TIMES = frozenset({"sent_at", "received_at", "stored_at", "at", "decided_at", "vouched_until", "arrived"})
DAYS = "days"  # a column beside them: whether a time on the line is but a day, and stands for its beginning
MOST_LINES = 500_000


class Odd(NamedTuple):
    """A line that does not fit into columns.

    `value`: what the line tells in the shape of the input topics, for the contract's own reader: as JSON where nobody
    has read it yet; None where there is nothing to read, and `refusal` says why. `arrived` as it stands there, and
    `key` as a topic's record has it: where the line tells them.
    """

    line: int
    value: bytes | dict[str, Any] | None
    refusal: Refusal | None = None
    arrived: str | None = None
    key: bytes | None = None


class Chunk(NamedTuple):
    """Up to MOST_LINES lines of a file, in its order.

    `table` has the int64 column `line` (from 1, the header included where there is one) and those of the kind's FIELDS
    that the source has: text as it stands there, times also as Arrow timestamps (without a zone: local time), and where
    any of these is but a day the column DAYS.
    `done`: how much of the file is read, from 0 to 1.
    """

    table: pa.Table
    odd: list[Odd]
    done: float

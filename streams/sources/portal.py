"""The portal's history list: one line a state of a report, as the facts that these states are.

The portal knows "delivered", never "stored": its LEVERT is a claim like any receipt.
"""

from collections.abc import Iterable
from typing import Final, NamedTuple

import pyarrow as pa
import pyarrow.compute as pc

from streams.records.record import Refusal
from streams.sources.chunk import NAMES, Kind, Odd

ACCEPTED: Final = "AKSEPTERT"
SENT_BY: Final = {"SENDT_FAGSYSTEM": None, "SENDT_PRINT": "PRINT"}  # and by which channel, where the state tells
RECEIPTS: Final = {"LEVERT": "MOTTATT", "AVVIST_FAGSYSTEM": "FEILET", "AVVIST_PRINT": "FEILET"}
WARNINGS: Final = ("IKKE_BEKREFTET_FAGSYSTEM", "IKKE_BEKREFTET_PRINT", "IKKE_SENDT")  # they follow from the rest
UNKNOWN = "UKJENT"


class PortalStates(NamedTuple):
    """What a part of the list tells. `unknown`: the lines whose state is none of the portal's."""

    sent: pa.Table
    receipt: pa.Table
    accepted: pa.Table
    ignored: int
    unknown: pa.Table


def told(lines: pa.Table) -> PortalStates:
    """Sort lines by what their states are. `lines`: columns of kind `portal`."""
    state = lines["state"]
    sent = lines.filter(_among(state, SENT_BY)).rename_columns({"at": "sent_at"})
    receipt = lines.filter(_among(state, RECEIPTS)).rename_columns({"at": "received_at"})
    known = (*SENT_BY, *RECEIPTS, ACCEPTED, *WARNINGS)
    return PortalStates(
        _by_channel(sent),
        _kept(receipt, ("report_id", "message_id", "received_at")).append_column(
            "receipt", _mapped(receipt["state"], RECEIPTS)
        ),
        _kept(lines.filter(pc.equal(state, ACCEPTED)), ("report_id", "at", *NAMES)),
        pc.sum(pc.cast(_among(state, WARNINGS), pa.int64())).as_py() or 0,
        _kept(lines.filter(pc.invert(_among(state, known))), ("report_id", "at", *NAMES)),
    )


def told_oddly(odd: Odd) -> tuple[Kind, Odd]:
    """What a line tells that does not fit into columns, and its kind; of no state that is known, it is refused."""
    if not isinstance(odd.value, dict):
        return "sent", odd
    given = dict(odd.value)
    state, at = given.pop("state", None), given.pop("at", None)
    if state in RECEIPTS:
        told = {"report_id": given.get("report_id"), "receipt": RECEIPTS[state], "received_at": at}
        return "receipt", odd._replace(value=told)
    if state in SENT_BY:
        return "sent", odd._replace(value=given | {"sent_at": at})
    return "sent", odd._replace(value=None, refusal=odd.refusal or Refusal("schema", "bad_value:state"))


def is_claim(words: Iterable[str]) -> bool:
    """Whether a line with these words is about a claim, or follows from the rest, and so tells of no sending."""
    return any(word in RECEIPTS or word in WARNINGS for word in words)


def _by_channel(sent: pa.Table) -> pa.Table:
    """The sendings; a state that tells the channel fills it in where the list does not."""
    by_state = _mapped(sent["state"], {state: channel or UNKNOWN for state, channel in SENT_BY.items()})
    sent = sent.drop_columns("state")
    if "channel" not in sent.column_names:
        return sent.append_column("channel", by_state)
    given = sent["channel"]
    open_ = pc.fill_null(pc.equal(given, UNKNOWN), True)
    return sent.set_column(sent.column_names.index("channel"), "channel", pc.if_else(open_, by_state, given))


def _among(column: pa.ChunkedArray, words: object) -> pa.ChunkedArray:
    return pc.is_in(column, value_set=pa.array(list(words), pa.string()))  # type: ignore[call-overload]


def _mapped(column: pa.ChunkedArray, words: dict[str, str]) -> pa.ChunkedArray:
    return pc.take(pa.array(list(words.values())), pc.index_in(column, value_set=pa.array(list(words))))


def _kept(table: pa.Table, columns: tuple[str, ...]) -> pa.Table:
    return table.select([name for name in table.column_names if name in (*columns, "line")])

"""The tables of a finished audit, as whoever writes the result finds them in its DuckDB connection."""

from datetime import datetime
from typing import Literal, NamedTuple, get_args

import duckdb

Status = Literal["stored", "missing", "recovered", "pending", "unproven", "undetermined", "erased", "unexpected"]
# The books: sent is counted on its own, from the facts; `unexpected` was never seen as sent and stands beside them.
TERMS: tuple[str, ...] = tuple(status for status in get_args(Status) if status != "unexpected")

# Why it cannot be told what became of a report; of one that is stored, whether it was missing before.
Untold = Literal[
    "not_covered",  # no stored evidence covers the receiver
    "case_system_not_covered",  # it covers the receiver, but not the case system
    "begins_later",  # it begins after the report was sent
    "ends_earlier",  # it ends before the alarm time
    "has_gap",  # it has a gap between the two
    "receiver_unknown",  # the report's receiver could not be read, and no evidence covers everybody
    "sent_unreadable",  # when it was sent could not be read
    "proof_unreadable",  # there is a proof that could not be read
    "evidence_lost",  # proofs that arrived in its time lie where nobody can read them
    "feed_not_heard",  # a feed would have proved it, and files do not say what feeds vouch for
    "feed_silent",  # a feed would have proved it, and had not vouched for it where the topics end
    "proof_too_early",  # its proof is from long before it was sent, so that one of the two times is wrong
    "ambiguous_time",  # a local time in the hour that comes twice in autumn, or a day without a time, decides
    "sources_contradict",  # two sources name different receivers
    "accepted_not_sent",  # the portal took it in, and no source shows that it was sent; counted as sent here
]

# One row a report. Times are TIMESTAMPTZ (UTC). `reason` is the checker's own, of a missing or recovered report;
# `reason_certain` is false where no receipts cover the report, so that `no_receipt` says only that none was found.
# `episode`: the number of its missing events; `outcome` and `closed_at`: how and when somebody closed the last of them.
# Of an erased report nothing but its id is told. `by_event_time`: a time of its own stood in for an arrival. `month`:
# the Norwegian month of sent_at (its first day). `sent_source`, `stored_source`: `sources.id` of the deciding records,
# with line (or Kafka offset) and partition.
VERDICTS = {
    "report_id": "VARCHAR", "status": "VARCHAR", "untold": "VARCHAR", "reason": "VARCHAR", "reason_certain": "BOOLEAN",
    "cause": "VARCHAR", "municipality": "VARCHAR", "district": "VARCHAR", "unit_id": "VARCHAR",
    "org_number": "VARCHAR", "channel": "VARCHAR", "case_system": "VARCHAR", "case_system_version": "VARCHAR",
    "form": "VARCHAR", "sent_at": "TIMESTAMPTZ", "due_at": "TIMESTAMPTZ", "alarm_at": "TIMESTAMPTZ",
    "receipt": "VARCHAR", "stored_at": "TIMESTAMPTZ", "stored_arrived": "TIMESTAMPTZ", "evidence": "VARCHAR",
    "missing_event_id": "VARCHAR", "episode": "INTEGER", "outcome": "VARCHAR", "closed_at": "TIMESTAMPTZ",
    "attempts": "INTEGER", "flags": "VARCHAR[]", "policy_version": "VARCHAR",
    "by_event_time": "BOOLEAN", "sent_source": "SMALLINT", "sent_line": "BIGINT", "sent_partition": "INTEGER",
    "stored_source": "SMALLINT", "stored_line": "BIGINT", "stored_partition": "INTEGER",
    "municipality_today": "VARCHAR", "month": "DATE",
}  # fmt: skip
# What the checker would have announced of reports that are missing or recovered, in its order. `at`: the alarm time of
# a missing event, else when the record arrived that caused it. `decision_id`: null where a list gave none.
EVENTS = {
    "event": "VARCHAR", "event_id": "VARCHAR", "report_id": "VARCHAR", "missing_event_id": "VARCHAR",
    "episode": "INTEGER", "at": "TIMESTAMPTZ", "reason": "VARCHAR", "outcome": "VARCHAR", "decision_id": "VARCHAR",
}  # fmt: skip
# `declared`: what it covers was declared, else it was measured. `warnings`: codes, see the messages.
SOURCES = {
    "id": "SMALLINT", "kind": "VARCHAR", "name": "VARCHAR", "format": "VARCHAR", "records": "BIGINT",
    "facts": "BIGINT", "rejected": "BIGINT", "ignored": "BIGINT", "has_arrival": "BOOLEAN", "first": "TIMESTAMPTZ",
    "last": "TIMESTAMPTZ", "declared": "BOOLEAN", "receivers": "INTEGER", "covers_from": "TIMESTAMPTZ",
    "covers_to": "TIMESTAMPTZ", "warnings": "VARCHAR[]",
}  # fmt: skip
# Two records of one report from different sources that cannot both be right. `field`: receiver, case_system, sent_at,
# or `rejected_but_stored`.
CONTRADICTIONS = {
    "report_id": "VARCHAR", "field": "VARCHAR", "source": "SMALLINT", "line": "BIGINT", "other_source": "SMALLINT",
    "other_line": "BIGINT",
}  # fmt: skip
# By receiver (today's number), month, case system and version: the number of reports sent, counted from the facts, and
# each of TERMS, `unexpected` and `recovered_confirmed_late`. NULL where it is not known.
BOOKS = {
    "municipality_today": "VARCHAR", "month": "DATE", "case_system": "VARCHAR", "case_system_version": "VARCHAR",
    "sent": "BIGINT", **dict.fromkeys(TERMS, "BIGINT"), "unexpected": "BIGINT", "confirmed_late": "BIGINT",
}  # fmt: skip


class Audited(NamedTuple):
    """A finished audit. `connection` has the tables above under their names in lower case.

    `decisions_since`: from when on all decisions are known; None where none were read from topics. `decisions_until`:
    before when; None where it is all that there are.
    """

    connection: duckdb.DuckDBPyConnection
    until: datetime
    policy_versions: tuple[str, ...]
    made_at: datetime
    decisions_since: datetime | None = None
    decisions_until: datetime | None = None

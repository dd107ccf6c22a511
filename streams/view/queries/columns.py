"""Rows as they are given out: the same columns under the same names in JSON, CSV, Parquet and SQL."""

from typing import NamedTuple

from streams.presentation.times import TIME_FORMAT

LISTS = ("message_ids", "flags")
WORDS = ("status", "reason")


class Columns(NamedTuple):
    """The columns of a list: what they are called, which of them are times, and from where they come."""

    names: tuple[str, ...]
    times: frozenset[str]
    source: str  # with {rows} for the rows of the table

    def of(self, rows: str) -> str:
        """Where the columns come from, for a part of the table."""
        return self.source.format(rows=rows)

    def values(self) -> str:
        """The columns with their own types."""
        return ", ".join(f'"{name}"' for name in self.names)

    def json(self) -> str:
        """One JSON object a row, as text; times as everywhere."""
        fields = ", ".join(f'"{name}" := {self._written(name)}' for name in self.names)
        return f"CAST(to_json(struct_pack({fields})) AS VARCHAR)"

    def texts(self) -> str:
        """The columns as they stand in a text file: times as everywhere, lists with a bar between their items."""
        return ", ".join(
            f'array_to_string("{name}", \'|\') AS "{name}"' if name in LISTS else f'{self._written(name)} AS "{name}"'
            for name in self.names
        )

    def _written(self, name: str) -> str:
        if name in self.times:
            return f"strftime(\"{name}\", '{TIME_FORMAT}')"
        return f'CAST("{name}" AS VARCHAR)' if name in WORDS else f'"{name}"'


REPORTS = Columns(
    (
        "report_id", "status", "reason", "municipality", "municipality_name", "municipality_today", "district",
        "unit_id", "org_number", "channel", "case_system", "case_system_version", "form", "sent_at", "due_at",
        "alarm_at", "portal_deletes_at", "receipt", "stored_at", "evidence", "recovered_at", "missing_event_id",
        "message_ids", "attempts", "flags", "policy_version", "touched_at", "confirmation_seconds",
        *(f"{record}_{part}" for record in ("sent", "receipt", "stored")
          for part in ("arrived", "topic", "partition", "offset")),
    ),
    frozenset({
        "sent_at", "due_at", "alarm_at", "portal_deletes_at", "stored_at", "recovered_at", "touched_at", "sent_arrived",
        "receipt_arrived", "stored_arrived",
    }),
    """(
        SELECT r.*, m.name AS municipality_name, a.portal_deletes_at
        FROM {rows} r LEFT JOIN municipalities m ON m.code = r.municipality
        LEFT JOIN announcements a ON a.event_id = r.missing_event_id
    )""",
)  # fmt: skip
ANNOUNCEMENTS = Columns(
    (
        "event_id", "type", "report_id", "reason", "cause", "municipality", "municipality_name", "municipality_today",
        "district", "unit_id", "org_number", "channel", "case_system", "case_system_version", "sent_at", "due_at",
        "alarm_at", "portal_deletes_at", "stored_at", "arrived_at", "evidence", "missing_event_id", "policy_version",
        "recorded_at", "partition", "offset",
    ),
    frozenset({
        "sent_at", "due_at", "alarm_at", "portal_deletes_at", "stored_at", "arrived_at", "recorded_at",
    }),
    """(
        SELECT e.*, m.name AS municipality_name
        FROM {rows} e LEFT JOIN municipalities m ON m.code = e.municipality
    )""",
)  # fmt: skip

"""Rows as they are given out: the same columns under the same names in JSON, CSV, Parquet and SQL."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from streams.presentation.times import SPREADSHEET_TIME_FORMAT, TIME_FORMAT, ZONE
from streams.view.store.tables import EVENT_COLUMNS, STATE_COLUMNS

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

    def local_texts(self, names: Sequence[str]) -> str:
        """Those of the named columns that there are, as text for people: times as clocks in Norway showed them."""
        return ", ".join(self._local(name) for name in names if name in self.names)

    def _local(self, name: str) -> str:
        if name in LISTS:
            return f'array_to_string("{name}", \'|\') AS "{name}"'
        if name in self.times:
            return f"strftime(timezone('{ZONE}', \"{name}\"), '{SPREADSHEET_TIME_FORMAT}') AS \"{name}\""
        return f'CAST("{name}" AS VARCHAR) AS "{name}"'

    def _written(self, name: str) -> str:
        if name in self.times:
            return f"strftime(\"{name}\", '{TIME_FORMAT}')"
        return f'CAST("{name}" AS VARCHAR)' if name in WORDS else f'"{name}"'


def _given_out(
    known: Mapping[str, Any],
    behind: Mapping[str, Sequence[str]],
    at_the_end: Sequence[str],
    source: str,
    times: Sequence[str] = (),
) -> Columns:
    """The columns of a table, each followed by those that are worked out beside it."""
    names = [one for name in known for one in (name, *behind.get(name, ()))]
    stamped = {name for name, kind in known.items() if kind == "TIMESTAMPTZ"}
    return Columns((*names, *at_the_end), frozenset(stamped | set(times)), source)


_RECEIVER_NAMES = ("municipality_name", "municipality_today")
REPORTS = _given_out(
    STATE_COLUMNS,
    {
        "municipality": _RECEIVER_NAMES, "alarm_at": ("portal_deletes_at",), "touched_at": ("confirmation_seconds",),
    },
    (),
    """(
        SELECT r.*, m.name AS municipality_name, a.portal_deletes_at
        FROM {rows} r LEFT JOIN municipalities m ON m.code = r.municipality
        LEFT JOIN announcements a ON a.event_id = r.missing_event_id
    )""",
    ("portal_deletes_at",),
)  # fmt: skip
ANNOUNCEMENTS = _given_out(
    EVENT_COLUMNS,
    {"municipality": _RECEIVER_NAMES},
    ("recorded_at", "partition", "offset"),
    """(
        SELECT e.*, m.name AS municipality_name
        FROM {rows} e LEFT JOIN municipalities m ON m.code = e.municipality
    )""",
    ("recorded_at",),
)

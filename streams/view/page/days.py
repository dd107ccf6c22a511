"""Days as people write them, and the stretches of days that they ask for most."""

import re
from datetime import date, timedelta
from typing import NamedTuple

_WRITTEN = re.compile(r"\s*([0-9]{1,2})[./]\s*([0-9]{1,2})[./]\s*([0-9]{4})\s*\Z")


class Preset(NamedTuple):
    """A stretch of days: what it is called in the catalogues, its first and its last day."""

    key: str
    first: date
    last: date


def presets(today: date) -> list[Preset]:
    """The stretches that end today."""
    return [
        Preset("today", today, today),
        Preset("week", today - timedelta(days=6), today),
        Preset("thirty_days", today - timedelta(days=29), today),
        Preset("year", today.replace(month=1, day=1), today),
    ]


def as_day(text: str) -> str:
    """31.12.2026 and 31/12/2026 as addresses and the API have it, 2026-12-31; anything else as it is."""
    found = _WRITTEN.match(text)
    if found is None:
        return text
    day, month, year = found.groups()
    return f"{year}-{month:0>2}-{day:0>2}"

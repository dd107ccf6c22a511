"""Names beside numbers, where groups are few."""

from collections.abc import Sequence
from functools import cache
from typing import Any

from streams.data import counties, municipalities, todays_number


@cache
def municipality_names() -> dict[str, str]:
    """Every number that is or was in use, and the municipality's name."""
    return {municipality.code: municipality.name for municipality in municipalities()}


def known_today(code: str) -> str | None:
    """Today's number of a municipality that goes or went by this one; None where nobody knows it."""
    today = todays_number(code)
    return today if today in municipality_names() else None


def named(groups: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """Groups with `municipality_name` and `county_name` beside the numbers; None for a number that nobody knows."""
    return [_named(group) for group in groups]


def _named(group: dict[str, Any]) -> dict[str, Any]:
    more = {}
    if "municipality" in group:
        more["municipality_name"] = municipality_names().get(group["municipality"])
    if "county" in group:
        more["county_name"] = counties().get(group["county"])
    return group | more

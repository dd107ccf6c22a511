"""Municipalities and counties by name, beside their numbers."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import cache
from typing import Any

import duckdb
import pyarrow as pa

from streams.data import counties, former_numbers, municipalities, todays_number


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


def municipality_name(code: str | None) -> str | None:
    """What the municipality with this number is or was called; None where nobody knows it."""
    return municipality_names().get(code) if code is not None else None


def former(code: str | None) -> tuple[str, ...]:
    """The numbers that went before, with the name where it was another."""
    if code is None:
        return ()
    today = municipality_name(code)
    named = ((number, municipality_name(number)) for number in former_numbers(code))
    return tuple(number if name == today else f"{number} {name}" for number, name in named)


@contextmanager
def names_in(connection: duckdb.DuckDBPyConnection) -> Iterator[str]:
    """The name of a view, for as long as it is needed, with `code` and `name` of every municipality."""
    view = "result_municipality_names"
    known = municipality_names()
    connection.register(view, pa.table({"code": list(known), "name": list(known.values())}))
    try:
        yield view
    finally:
        connection.unregister(view)

"""Receivers by name, under today's number and with their former ones."""

from collections.abc import Iterator
from contextlib import contextmanager

import duckdb
import pyarrow as pa

from streams.data import former_numbers, municipalities


def municipality_name(code: str | None) -> str | None:
    """What the municipality with this number is or was called; None where nobody knows it."""
    return next((m.name for m in municipalities() if m.code == code), None)


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
    known = {m.code: m.name for m in municipalities()}
    connection.register(view, pa.table({"code": list(known), "name": list(known.values())}))
    try:
        yield view
    finally:
        connection.unregister(view)

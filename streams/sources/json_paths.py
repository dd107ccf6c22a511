"""Ways through JSON objects: the names that lead to a value, from the outside in."""

from collections.abc import Iterable, Mapping
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

Way = tuple[str, ...]


def walk(given: Any, way: Way) -> Any:
    """What stands there; None where nothing does."""
    for name in way:
        if not isinstance(given, dict):
            return None
        given = given.get(name)
    return given


def all_ways(objects: Iterable[Mapping[str, Any]]) -> dict[Way, set[type]]:
    """All ways to anything in some objects, and the types of what stands there."""
    found: dict[Way, set[type]] = {}
    left: list[tuple[Way, Any]] = [((), each) for each in objects]
    while left:
        way, given = left.pop()
        found.setdefault(way, set()).add(type(given))
        if isinstance(given, dict):
            left += [((*way, name), value) for name, value in given.items()]
    return found


def in_the_way(one: Way, other: Way) -> bool:
    """Whether one leads through the other's value: then it cannot be text."""
    return one != other and (one[: len(other)] == other or other[: len(one)] == one)


def schema(leaves: Mapping[Way, Any]) -> pa.Schema:
    """Arrow's schema of objects with values of given types at the ends of some ways."""
    tree: dict[str, Any] = {}
    for way, kind in leaves.items():
        branch = tree
        for name in way[:-1]:
            branch = branch.setdefault(name, {})
        branch[way[-1]] = kind
    return pa.schema(_fields(tree))


def _fields(tree: dict[str, Any]) -> list[pa.Field]:
    return [pa.field(name, pa.struct(_fields(kind)) if isinstance(kind, dict) else kind) for name, kind in tree.items()]


def column(table: Any, way: Way) -> Any:
    """A table's or batch's column, or what a struct in it holds."""
    outer = table.column(way[0])
    return pc.struct_field(outer, list(way[1:])) if len(way) > 1 else outer

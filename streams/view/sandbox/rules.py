"""What a parsed query may be made of: an allow list over DuckDB's own tree. What is not known is refused."""

import math
from collections.abc import Iterator, Mapping
from difflib import get_close_matches
from typing import Any

from streams.view.sandbox import allowed
from streams.view.sandbox.allowed import folded
from streams.view.sandbox.errors import Refused

Node = Mapping[str, Any]

MOST_DEPTH = 100  # expressions inside each other
NODES = 6_000  # expressions in all
GROUPINGS = 64  # a CUBE of six columns
PIVOTED = 200  # columns
MOST_SOURCES = 40  # the planner looks for the best order of joins, and cannot be interrupted while it does

WHY = {
    "RECURSIVE_CTE_NODE": "WITH RECURSIVE is not allowed, because it may never end: use generate_series or a window.",
    "SHOW_REF": "DESCRIBE, SHOW and SUMMARIZE are not allowed: the list of tables is beside the query.",
    "PARAMETER": "Parameters such as ? and $1 are not allowed: write the value itself.",
}


class QueryRules:
    """One query's walk. `inspect` raises Refused."""

    def __init__(self, tables: frozenset[str], *, qualified: bool = True) -> None:
        self.tables = tables
        self.prefixes: tuple[list[str], ...] = ([], ["main"]) if qualified else ([],)
        self.nodes = 0
        self.sources = 0

    def inspect(self, statement: Node) -> None:
        """The statement as json_serialize_sql gives it."""
        self._visit(statement, frozenset(), 0)

    def _visit(self, value: Any, ctes: frozenset[str], depth: int) -> None:
        if isinstance(value, list):
            for item in value:
                self._visit(item, ctes, depth)
        if not isinstance(value, dict):
            return
        if "class" in value:
            depth += 1
            self._expression(value, depth)
        elif isinstance(value.get("type"), str):
            self._other(value, ctes)
        if "cte_map" in value:
            ctes = self._ctes(value["cte_map"], ctes, depth)
        for key, part in value.items():
            if key == "function" and value.get("type") == "TABLE_FUNCTION":
                # Its name was looked at: as a scalar, range makes a list of any length in one row.
                self._visit(list(part.values()), ctes, depth)
            elif key not in {"cte_map", "sample"}:
                self._visit(part, ctes, depth)

    def _ctes(self, cte_map: Node, ctes: frozenset[str], depth: int) -> frozenset[str]:
        """The names in scope after a WITH. Each body sees only what stands before it, as DuckDB has it."""
        for entry in cte_map.get("map", ()):
            if entry["value"].get("materialized") == "CTE_MATERIALIZE_NEVER":
                raise _not_allowed("NOT MATERIALIZED is not allowed: leave it to the database.")
            self._visit(entry["value"], ctes, depth)
            ctes |= {folded(entry["key"])}
        return ctes

    def _other(self, node: Node, ctes: frozenset[str]) -> None:
        """A query, something to select from, or an order."""
        kind = node["type"]
        if kind not in allowed.QUERIES | allowed.SOURCES | allowed.MODIFIERS:
            raise _not_allowed(WHY.get(kind, "Only reading is allowed: write one SELECT."), node)
        if kind in allowed.SOURCES and kind not in {"EMPTY", "JOIN"}:
            self.sources += 1
            if self.sources > MOST_SOURCES:
                raise Refused("too_large", f"The query reads from more than {MOST_SOURCES} tables: split it.")
        if kind == "BASE_TABLE":
            self._table(node, ctes)
        elif kind == "PIVOT":
            _pivot(node)
        elif len(node.get("group_sets") or ()) > GROUPINGS:
            raise Refused("too_large", f"There are more than {GROUPINGS} groupings: CUBE and ROLLUP fewer columns.")
        elif kind == "TABLE_FUNCTION" and name_of(node["function"]) not in allowed.TABLE_FUNCTIONS:
            raise _not_allowed(f"The function {name_of(node['function'])[:100]} is not allowed in FROM.", node)

    def _table(self, node: Node, ctes: frozenset[str]) -> None:
        path = [folded(part) for part in node["qualified_name"]["path"]]
        if node.get("at_clause"):
            raise _not_allowed("AT (…) is not allowed: the tables hold the present.", node)
        if len(path) == 1 and path[0] in ctes:
            return
        if path[-1] not in self.tables or path[:-1] not in self.prefixes:
            near = get_close_matches(path[-1], sorted(self.tables | ctes), n=1)
            hint = f'Did you mean "{near[0]}"?' if near else f"There are: {', '.join(sorted(self.tables))}."
            raise _not_allowed(f'No table "{".".join(path)[:100]}" may be read. {hint}', node)

    def _expression(self, node: Node, depth: int) -> None:
        self.nodes += 1
        if depth > MOST_DEPTH or self.nodes > NODES:
            raise Refused("too_large", "The query is nested too deeply or has too many parts: split it.")
        kind = node["class"]
        if kind not in allowed.EXPRESSIONS:
            raise _not_allowed(WHY.get(kind, f"{kind} is not allowed: write it out."), node)
        if kind in {"FUNCTION", "WINDOW"}:
            self._function(node)
        elif kind == "TYPE" and name_of(node) not in allowed.TYPES:
            raise _not_allowed(f"The type {name_of(node)[:100]} is not allowed: use TEXT, BIGINT, DOUBLE, …", node)
        elif kind == "OPERATOR" and node["type"] not in allowed.OPERATORS:
            raise _not_allowed(f"{node['type']} is not allowed: write it out.", node)
        elif kind == "COLLATE" and not set(folded(node["collation"]).split(".")) <= allowed.COLLATIONS:
            raise _not_allowed("This collation is not allowed: use nocase, noaccent or nb.", node)
        elif kind == "COLUMN_REF" and folded(node["column_names"][-1]) in allowed.ENVIRONMENT:
            raise _not_allowed(f"{node['column_names'][-1]} is not allowed: it is no column of a table.", node)

    def _function(self, node: Node) -> None:
        name = name_of(node)
        if name not in allowed.FUNCTIONS:
            near = get_close_matches(name, sorted(allowed.FUNCTIONS), n=1)
            hint = f'Did you mean "{near[0]}"?' if near else "Use another function."
            raise _not_allowed(f"The function {name[:100]} is not allowed here. {hint}", node)
        arguments = node.get("arguments") or []
        if name in allowed.PATTERNED and len(arguments) > 1 and arguments[1]["expression"]["class"] != "CONSTANT":
            raise _not_allowed(f"The pattern of {name} must be a text in quotes, not computed.", node)


def _pivot(node: Node) -> None:
    pivots = node.get("pivots") or ()
    if any(pivot.get("pivot_enum") for pivot in pivots):
        raise _not_allowed("PIVOT needs its values: write ON status IN ('…', '…').", node)
    if math.prod(max(1, len(pivot.get("entries") or ())) for pivot in pivots) > PIVOTED:
        raise Refused("too_large", f"PIVOT would make more than {PIVOTED} columns: name fewer values.")


def expressions(value: Any) -> Iterator[Node]:
    """Every expression in a tree."""
    if isinstance(value, list):
        for item in value:
            yield from expressions(item)
    elif isinstance(value, dict):
        if "class" in value:
            yield value
        for part in value.values():
            yield from expressions(part)


def name_of(node: Node) -> str:
    """A function's or type's name; with its path where it is qualified, which no list contains."""
    return ".".join(folded(part) for part in node["qualified_name"]["path"])


def place_of(node: Node) -> int | None:
    """Where in the text it stands, in bytes; None where the parser does not say."""
    at = node.get("query_location")
    return at if isinstance(at, int) and at < 2**63 else None


def _not_allowed(sentence: str, node: Node | None = None) -> Refused:
    return Refused("not_allowed", sentence, place_of(node or {}))

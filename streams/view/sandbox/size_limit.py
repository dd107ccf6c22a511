"""How long the values of a query can become, before it runs: DuckDB's memory_limit does not see text being made.

While it evaluates a function DuckDB holds 2,048 rows outside of memory_limit, and cannot be interrupted. A column that
is doubled 20 times over subqueries, or a whole table in one text that is then repeated by a join, would take the
process. So each expression gets a weight: the bytes of its longest value, if a table's values have at most COLUMN. All
expressions of a query are held at the same time, so their sum is bounded, too.

A second process with a bounded address space would need no weights, but a copy of the tables: DuckDB lets one process
open a file that is written to. Of ten million reports that takes a minute and some gigabytes, for each change anew.
"""

from collections.abc import Mapping
from dataclasses import replace
from functools import reduce
from typing import Any

from streams.view.sandbox.allowed import folded
from streams.view.sandbox.errors import Refused
from streams.view.sandbox.rules import Node, expressions, name_of
from streams.view.sandbox.scope import TABLE, QueryColumns
from streams.view.sandbox.size_of import MEASURE, Scales, Together

WIDEST = 2_000  # columns
REUSED = 1_000  # expressions that aliases, used in the same SELECT, may be written out to


def limit(statement: Node) -> None:
    """Refuse a statement whose values could become too long. It has passed the rules."""
    query(statement["node"], {}, QueryColumns(), Together(), outermost=True)


def query(
    node: Node, ctes: Mapping[str, QueryColumns], outer: QueryColumns, together: Together, *, outermost: bool = False
) -> QueryColumns:
    """The columns of a query. Raises Refused."""
    for entry in (node.get("cte_map") or {}).get("map") or ():
        alone = Together()  # it weighs something where it is read, and as often
        columns = query(entry["value"]["query_node"], ctes, outer, alone)
        renamed = [folded(name) for name in entry["value"].get("aliases") or ()]
        ctes = {**ctes, folded(entry["key"]): replace(columns.named("", renamed), made=alone.weight)}
    if node["type"] == "SET_OPERATION_NODE":
        parts = [part for part in (node.get("left"), node.get("right"), *(node.get("children") or ())) if part]
        several = [query(part, ctes, outer, together, outermost=outermost) for part in parts]
        result = reduce(QueryColumns.beside, several)
        return replace(result.level(), width=max(each.width for each in several))
    result = _Select(node, ctes, outer, together, outermost).columns()
    if result.width > WIDEST:
        raise Refused("too_large", f"The query makes more than {WIDEST} columns: name those that you need.")
    return result


class _Select:
    """One SELECT: what it reads, then its expressions, each of which may use the aliases before it."""

    def __init__(
        self,
        node: Node,
        ctes: Mapping[str, QueryColumns],
        outer: QueryColumns,
        together: Together,
        outermost: bool,
    ) -> None:
        self.node = node
        self.ctes = ctes
        self.together = together
        self.inside = Scales(lambda inner, scope: query(inner, ctes, scope, together), False, together)
        self.scales = Scales(self.inside.query, outermost and not _spreads(node), together)
        self.source = self._source(node["from_table"], outer)
        self.scope = self.source.within(outer)
        self.sizes: dict[str, int] = {}
        self.weights: dict[str, int] = {}

    def columns(self) -> QueryColumns:
        """What it makes."""
        made = QueryColumns()
        for item in self.node.get("select_list") or ():
            made = made.beside(self._item(item))
        for key, part in self.node.items():
            if key not in {"select_list", "from_table", "cte_map", "sample"}:
                self._rest(part)
        return replace(made, tables={})

    def _item(self, item: Node) -> QueryColumns:
        before = self.together.weight
        weight, size = self.scales.weigh(item, self.scope), self._size(item)
        if any(part["class"] == "STAR" for part in expressions(item)):
            columns = replace(self.source, heaviest=max(weight, self.source.heaviest))
            return columns.level() if weight > self.source.heaviest or item["class"] != "STAR" else columns
        name = folded(item.get("alias") or (item.get("column_names") or [""])[-1])
        if item.get("alias"):
            self.sizes[name], self.weights[name] = size, self.together.weight - before
            self.scope = self.scope.with_names({name: max(weight, self.scope.names.get(name, 0))})
        return QueryColumns({name: weight}, weight, weight, 1)

    def _rest(self, part: Any) -> None:
        """WHERE, GROUP BY, HAVING, QUALIFY, ORDER BY: their values go nowhere, but are made."""
        if isinstance(part, dict) and "class" in part:
            self.scales.weigh(part, self.scope)
            self._size(part)
        elif isinstance(part, dict | list):
            for inner in part.values() if isinstance(part, dict) else part:
                self._rest(inner)

    def _size(self, part: Node) -> int:
        """How many expressions DuckDB makes of it when each alias is written out: that cannot be interrupted."""
        size = reused = 0
        for inner in expressions(part):
            name = folded((inner.get("column_names") or [""])[-1])
            reused += self.sizes.get(name, 0)
            self.together.add(self.weights.get(name, 0))
            size += 1
        if reused > REUSED:
            raise Refused("too_large", "Columns are built upon each other too often in one SELECT: use subqueries.")
        return size + reused

    def _source(self, node: Node, outer: QueryColumns) -> QueryColumns:
        """What is selected from: a table, a join, a subquery, a list of values."""
        kind = node["type"]
        renamed = [folded(name) for name in node.get("column_name_alias") or ()]
        alias = folded(node.get("alias") or "")
        if kind == "JOIN":
            left = self._source(node["left"], outer)
            both = left.beside(self._source(node["right"], left.within(outer)))
            self.inside.heaviest(node.get("condition"), both.within(outer))
            return both
        if kind == "BASE_TABLE":
            name = name_of(node)
            columns = self.ctes.get(name, TABLE)
            self.together.add(columns.made)
            return columns.named(alias or name.rpartition(".")[2], renamed)
        if kind == "SUBQUERY":
            return query(node["subquery"]["node"], self.ctes, outer, self.together).named(alias, renamed)
        source = self._source(node["source"], outer) if node.get("source") else QueryColumns()
        return self._computed(node, source, outer).named(alias, renamed)

    def _computed(self, node: Node, source: QueryColumns, outer: QueryColumns) -> QueryColumns:
        """A function's rows, a list of values, or a PIVOT of a source."""
        parts = [node.get(key) for key in ("function", "values", "aggregates", "pivots", "groups")]
        weight = max(MEASURE, source.heaviest, *(self.inside.heaviest(part, source.within(outer)) for part in parts))
        made = sum(1 for _ in expressions(parts))
        return replace(source, heaviest=weight, row=source.row + made * weight, width=source.width + made).level()


def _spreads(node: Node) -> bool:
    """True where unnest gives each row several times, with all that stands beside it."""
    listed = expressions(node.get("select_list"))
    return any(part["class"] == "FUNCTION" and name_of(part) == "unnest" for part in listed)

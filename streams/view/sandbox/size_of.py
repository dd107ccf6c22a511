"""The bytes of an expression's longest value, or a little more than that."""

from collections.abc import Callable
from typing import Any

from streams.view.sandbox import allowed
from streams.view.sandbox.allowed import folded
from streams.view.sandbox.errors import Refused, too_large
from streams.view.sandbox.rules import Node, expressions, name_of, place_of
from streams.view.sandbox.scope import QueryColumns

MEASURE = 8
COLLECTED_VALUES = 4_000
LONGEST_BYTES = 16_000  # of which DuckDB holds 2,048 for each of its threads
TOGETHER_BYTES = 64_000  # of one value of each expression of a query: DuckDB holds those of all at the same time

READ = frozenset({"COLUMN_REF", "CONSTANT", "STAR"})  # is there already
FIRST = frozenset({"ARRAY_EXTRACT", "ARRAY_SLICE", "STRUCT_EXTRACT"})
LONG = frozenset({"varchar", "text", "string", "blob", "list", "struct", "map", "row", "any", "enum"})
INSIDE = (
    "{} is only allowed in the outermost SELECT, beside no unnest and in no window or lambda, because its result can "
    "be as long as a table: use count, min or max there."
)


class Together:
    """What all expressions of a query weigh. One that is written once and worked out twice counts twice."""

    def __init__(self) -> None:
        self.weight = 0

    def add(self, weight: int) -> None:
        """One expression more. Raises Refused where all together are too heavy."""
        self.weight += weight
        if self.weight > TOGETHER_BYTES:
            raise too_large("All that the query works out could become too long together")


class Scales:
    """Weighs the expressions of one SELECT. `query` gives the columns of a subquery in a scope."""

    def __init__(
        self, query: Callable[[Node, QueryColumns], QueryColumns], outermost: bool, together: Together
    ) -> None:
        self.query = query
        self.together = together
        self._outermost = outermost

    def heaviest(self, part: Any, scope: QueryColumns) -> int:
        """Of all expressions in a part of the tree; 0 if there are none."""
        if isinstance(part, dict) and "class" in part:
            return self.weigh(part, scope)
        inner = part.values() if isinstance(part, dict) else part if isinstance(part, list) else ()
        return max((self.heaviest(item, scope) for item in inner), default=0)

    def weigh(self, node: Node, scope: QueryColumns) -> int:
        """Of one. Raises Refused if it is too heavy."""
        by_class = {
            "CAST": self._cast,
            "CONSTANT": _constant,
            "COLUMN_REF": _column,
            "FUNCTION": self._function,
            "LAMBDA": self._lambda,
            "OPERATOR": self._operator,
            "STAR": self._star,
            "SUBQUERY": self._subquery,
            "WINDOW": self._function,
        }
        weight = by_class.get(node["class"], self._other)(node, scope)
        if weight > LONGEST_BYTES:
            raise _refused("Text or lists could become too long here: join, replace or nest fewer of them.", node)
        if node["class"] not in READ:
            self.together.add(weight)
        return weight

    def _other(self, node: Node, scope: QueryColumns) -> int:
        """CASE and COLLATE give what is in them; the rest is a truth, for which this is too much, but no harm."""
        return max(MEASURE, self._inside(node, scope))

    def _inside(self, node: Node, scope: QueryColumns) -> int:
        return self.heaviest([part for key, part in node.items() if key != "type_expr"], scope)

    def _cast(self, node: Node, scope: QueryColumns) -> int:
        """As text, a list gets commas, quotes and escapes."""
        weight = self._inside(node, scope)
        is_long = folded(node["type_expr"]["qualified_name"]["path"][-1]) in LONG
        return max(32, 2 * weight) if is_long else MEASURE

    def _operator(self, node: Node, scope: QueryColumns) -> int:
        children = [self.weigh(part, scope) for part in node.get("children") or ()]
        if node["type"].startswith(("COMPARE", "OPERATOR_IS", "OPERATOR_NOT", "GROUPING")):
            return MEASURE
        return children[0] if node["type"] in FIRST else max(children, default=MEASURE)

    def _star(self, node: Node, scope: QueryColumns) -> int:
        return max(scope.heaviest, self._inside(node, scope))

    def _subquery(self, node: Node, scope: QueryColumns) -> int:
        self.heaviest(node.get("child"), scope)
        return self.query(node["subquery"]["node"], scope).heaviest

    def _lambda(self, node: Node, scope: QueryColumns) -> int:
        """Of its body, for an element of one byte. What was collected must not be gone through for each element."""
        names = {folded(part["column_names"][-1]) for part in expressions(node["lhs"]) if part.get("column_names")}
        hidden = {name: LONGEST_BYTES + 1 for name, weight in scope.names.items() if weight >= COLLECTED_VALUES}
        scales = Scales(self.query, False, self.together)
        return scales.weigh(node["expr"], scope.with_names({**hidden, **dict.fromkeys(names, 1)}))

    def _function(self, node: Node, scope: QueryColumns) -> int:
        name, window = name_of(node), node["class"] == "WINDOW"
        inner = [self.weigh(part["expression"], scope) for part in node.get("arguments") or ()]
        self.heaviest([part for key, part in node.items() if key != "arguments"], scope)
        if name in allowed.COLLECTORS or len(inner) > allowed.COUNTED.get(name, len(inner)):
            if not self._outermost or window:
                raise _refused(INSIDE.format(name), node)
            return COLLECTED_VALUES
        if window and max(inner, default=0) >= COLLECTED_VALUES:
            raise _refused(INSIDE.format("A list or a long text"), node)
        if sum(weight >= COLLECTED_VALUES for weight in inner) > 1:
            raise _refused("Two lists or long texts must not be put together: aggregate them in one.", node)
        return _made(name, inner)


def _made(name: str, inner: list[int]) -> int:
    """How long a function's result is for arguments of these lengths."""
    if name in allowed.MEASURES or not inner:
        return MEASURE
    if name in allowed.LAMBDAS:
        return inner[0] * max([1, *inner[1:]])
    if name == "concat_ws":
        return sum(inner) + inner[0] * len(inner)
    if name == "array_to_string":
        return inner[0] * (1 + max(inner[1:], default=1))
    if name in allowed.MULTIPLIERS:
        return (inner[0] + 1) * (max(inner[2:], default=1) + 1)
    return max(MEASURE, sum(inner) * allowed.STRETCHERS.get(name, 1))


def _constant(node: Node, scope: QueryColumns) -> int:
    return len(str((node.get("literal") or {}).get("text") or "").encode())


def _column(node: Node, scope: QueryColumns) -> int:
    return scope.of([folded(name) for name in node["column_names"]])


def _refused(sentence: str, node: Node) -> Refused:
    return Refused("too_large", sentence, place_of(node))

"""The columns that a query makes or reads, by how long their values can become."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

TABLE_VALUE_BYTES = 100  # bytes, of the longest value in a table
TABLE_COLUMNS = 20  # columns of a table


@dataclass(frozen=True)
class QueryColumns:
    """`heaviest`: of an unknown column; `row`: of all together; `others`: of a column that `names` does not know.

    `made`: what all expressions weigh that a WITH works out wherever it is read.
    """

    names: Mapping[str, int] = field(default_factory=dict)
    heaviest: int = 0
    row: int = 0
    width: int = 0
    others: int = 0
    tables: Mapping[str, int] = field(default_factory=dict)
    made: int = 0

    def of(self, path: list[str]) -> int:
        """The weight of a column, or of a table as a value; of the heaviest column where it is unknown."""
        found = [self.names[name] for name in path if name in self.names]
        if len(path) == 1 and path[0] in self.tables:
            found.append(self.tables[path[0]])
        return max(found, default=self.heaviest)

    def with_names(self, names: dict[str, int]) -> "QueryColumns":
        """More names for this scope: aliases, a lambda's arguments."""
        return replace(self, names={**self.names, **names}, heaviest=max([self.heaviest, *names.values()]))

    def within(self, outer: "QueryColumns") -> "QueryColumns":
        """This scope inside another, whose names it can hide."""
        return replace(
            self,
            names={**outer.names, **self.names},
            heaviest=max(self.heaviest, outer.heaviest),
            tables={**outer.tables, **self.tables},
        )

    def beside(self, other: "QueryColumns") -> "QueryColumns":
        """A join of two."""
        names = {
            name: max(self.names.get(name, self.others), other.names.get(name, other.others))
            for name in self.names.keys() | other.names.keys()
        }
        return QueryColumns(
            names,
            max(self.heaviest, other.heaviest),
            self.row + other.row,
            self.width + other.width,
            max(self.others, other.others),
            {**self.tables, **other.tables},
        )

    def named(self, table: str, renamed: Iterable[str] = ()) -> "QueryColumns":
        """As a table of that name, some of whose columns may have new names."""
        names = {**self.names, **dict.fromkeys(renamed, self.heaviest)}
        return replace(self, names=names, tables={table: self.row})

    def level(self) -> "QueryColumns":
        """Every name as heavy as the heaviest: where columns go by their place."""
        return replace(self, names=dict.fromkeys(self.names, self.heaviest), others=min(self.others, self.heaviest))


TABLE = QueryColumns({}, TABLE_VALUE_BYTES, TABLE_COLUMNS * TABLE_VALUE_BYTES, TABLE_COLUMNS, TABLE_VALUE_BYTES)

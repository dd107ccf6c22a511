"""Addresses of the page: they are its whole state, so that they can be kept, sent and gone back to."""

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple
from urllib.parse import parse_qsl, quote, urlencode

from streams.presentation.words import Language

Pairs = Sequence[tuple[str, str]]
WHOLE = "/!$&'()*+,;=:@~"  # may stand in a path as it is
# From where a report is looked at, and to where its page leads back: nowhere else.
LISTS = re.compile(r"/(reports|find|receivers/[0-9]{4}(/[0-9]{4}-[0-9]{2})?)?")
BACK, MOST_BACK_CHARACTERS = "back", 1000


class Here(NamedTuple):
    """Where the reader is: the language, the path without it, and the parameters of the address."""

    language: Language
    path: str
    pairs: tuple[tuple[str, str], ...]

    def to(self, path: str, pairs: Iterable[tuple[str, Any]] = ()) -> str:
        """Another page, in the same language and zone."""
        kept = [pair for pair in self.pairs if pair[0] == "utc"]
        return _address(self.language, path, [*((name, str(value)) for name, value in pairs), *kept])

    def api(self, path: str, without: Iterable[str] = (), **more: str) -> str:
        """The same selection in the API."""
        left_out = {"utc", "cursor", *without}
        pairs = [pair for pair in self.pairs if pair[0] not in left_out] + list(more.items())
        return f"/api/v1/{path}" + (f"?{urlencode(pairs)}" if pairs else "")

    def with_(self, **values: Any) -> str:
        """The same page with parameters set, or taken away (None); a page's cursor is forgotten."""
        kept = [pair for pair in self.pairs if pair[0] not in values and pair[0] != "cursor"]
        new = [(name, str(value)) for name, value in values.items() if value is not None]
        return _address(self.language, self.path, kept + new)

    def toggled(self, name: str, value: str) -> str:
        """The same page with one value of a filter added, or taken away where it is chosen."""
        kept = [pair for pair in self.pairs if pair[0] != "cursor"]
        pairs = [p for p in kept if p != (name, value)] if (name, value) in kept else [*kept, (name, value)]
        return _address(self.language, self.path, pairs)

    def form(self, path: str) -> str:
        """Where a form is sent; its fields follow."""
        return _address(self.language, path, ())

    def value(self, name: str) -> str:
        """The last value of a parameter; empty where it has none."""
        return dict(self.pairs).get(name, "")

    def onward(self) -> Pairs:
        """What the page of a report carries along, so that it can lead back to this list with its filters."""
        kept = urlencode([pair for pair in self.pairs if pair[0] not in ("utc", BACK)])
        back = f"{self.path}?{kept}" if kept else self.path
        return [(BACK, back)] if back != "/" and len(back) <= MOST_BACK_CHARACTERS else []

    def back(self) -> str:
        """The list that a report was looked at from; the overview where none is told, or none of ours."""
        path, _, query = self.value(BACK)[:MOST_BACK_CHARACTERS].partition("?")
        if not LISTS.fullmatch(path):
            return self.to("/")
        return self.to(path, [pair for pair in parse_qsl(query) if pair[0] != "utc"])

    def in_language(self, language: Language) -> str:
        """The same page in another language."""
        return _address(language, self.path, self.pairs)

    def chosen(self, name: str, value: str) -> bool:
        """True where a filter has this value."""
        return (name, value) in self.pairs

    def hidden(self, *without: str) -> Pairs:
        """What a form must carry along: all but its own fields."""
        return [pair for pair in self.pairs if pair[0] not in (*without, "cursor")]


def _address(language: Language, path: str, pairs: Iterable[tuple[str, str]]) -> str:
    path = quote(path, safe=WHOLE)
    base = path if language == "nb" else f"/{language}{'' if path == '/' else path}"
    query = urlencode(list(pairs))
    return f"{base}?{query}" if query else base


def values(pairs: Pairs) -> Mapping[str, Any]:
    """The parameters as a query model reads them: lists where a name comes more than once or is a filter."""
    found: dict[str, list[str]] = {}
    for name, value in pairs:
        found.setdefault(name, []).append(value)
    return found

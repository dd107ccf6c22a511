"""Addresses of the page: they are its whole state, so that they can be kept, sent and gone back to."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple
from urllib.parse import quote, urlencode

from streams.presentation.words import Language

Pairs = Sequence[tuple[str, str]]
WHOLE = "/!$&'()*+,;=:@~"  # may stand in a path as it is


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

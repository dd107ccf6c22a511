"""Which of a file's columns are ours, and whether they are enough."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from unicodedata import normalize

from streams.errors import ConfigurationError
from streams.sources.chunk import FIELDS, RECEIVER, Kind
from streams.sources.plan import SourcePlan

# Each line is a set of columns of which one must be there.
_NEEDED: dict[Kind, tuple[tuple[str, ...], ...]] = {
    "sent": (("report_id",), ("sent_at", "arrived"), ("municipality",)),
    "receipt": (("report_id", "message_id"), ("receipt",), ("received_at", "arrived")),
    # An export without any id still says that something lies at a receiver.
    "stored": (("stored_at", "arrived"), ("report_id", "message_id", "municipality")),
    "portal": (("report_id",), ("state",), ("at",)),
    "decision": (("report_id",), ("action",), ("decided_at", "arrived")),
    "feed_mark": (("feed",), ("vouched_until",)),
}
# What stands on every line where a source says nothing of it at all.
_DEFAULTS: dict[Kind, dict[str, str]] = {
    "sent": {"channel": "UKJENT", "case_system": "UKJENT"},
    "receipt": {},
    "stored": {"evidence": "RECONCILIATION"},
    "portal": {"channel": "UKJENT", "case_system": "UKJENT"},
    "decision": {},
    "feed_mark": {},
}


def alike(name: str) -> str:
    """A column's name as names are compared: without case and surrounding blanks, however its letters are composed."""
    return composed(composed(name).strip().casefold())


def composed(name: str) -> str:
    """A name in letters that are one character each where they can be: what looks the same is the same."""
    return normalize("NFC", name)


def aliases(ours: str) -> tuple[str, ...]:
    """What a column of ours may be called in a file that has our own columns."""
    return (ours, f"receiver.{ours}", f"receiver_{ours}") if ours in RECEIVER else (ours,)


def resolve(source: SourcePlan, file: str, found: Sequence[str], same: Callable[[str], str] = alike) -> dict[str, int]:
    """Our names and the positions of their columns among those found.

    Raises ConfigurationError where a mapped column is not there, or one of ours is there more than once.
    """
    positions: dict[str, list[int]] = {}
    for position, name in enumerate(found):
        positions.setdefault(same(name), []).append(position)
    resolved: dict[str, int] = {}
    for ours in FIELDS[source.kind]:
        if ours in source.columns:
            resolved[ours] = _mapped(positions, same(source.columns[ours]), ours, file)
        elif ours not in source.constants:
            places = [place for alias in aliases(ours) for place in positions.get(same(alias), ())]
            if places:
                resolved[ours] = _only(places, ours, file)
    return resolved


def _mapped(positions: Mapping[str, list[int]], theirs: str, ours: str, file: str) -> int:
    if theirs in positions:
        return _only(positions[theirs], ours, file)
    name, _, number = theirs.rpartition("#")
    places = positions.get(name.rstrip(), [])
    if number.isdecimal() and 1 <= int(number) <= len(places):
        return places[int(number) - 1]
    raise not_there(ours, file)


def _only(places: list[int], ours: str, file: str) -> int:
    if len(places) > 1:
        raise ConfigurationError(
            f"{file} has more than one column for {ours}: say which in a mapping file, as "
            f'columns.{ours} = "name#2" for the second of that name.'
        )
    return places[0]


def not_there(ours: str, file: str) -> ConfigurationError:
    """The mapping names a column that the file has not."""
    return ConfigurationError(
        f"{file} has no such column as the mapping names for {ours}: correct columns.{ours} to what the file calls it."
    )


def ensure_enough(source: SourcePlan, file: str, has: Iterable[str]) -> None:
    """Raises ConfigurationError where what every source of the kind must tell is neither there nor a constant."""
    there = {*has, *source.constants}
    for one_of in _NEEDED[source.kind]:
        if not there.intersection(one_of):
            wanted = one_of[0] if len(one_of) == 1 else f"{', '.join(one_of[:-1])} or {one_of[-1]}"
            raise ConfigurationError(
                f"{file} has no column {wanted}, which a source of kind {source.kind} needs: name it under columns in "
                "a mapping file, or give its value under constants."
            )


def has_enough(source: SourcePlan, found: Iterable[str], same: Callable[[str], str] = alike) -> bool:
    """Whether what every source of the kind must tell is among these names, or a constant."""
    there = set(map(same, found))

    def tells(ours: str) -> bool:
        names = [source.columns[ours]] if ours in source.columns else aliases(ours)
        return ours in source.constants or any(same(name) in there for name in names)

    return all(any(map(tells, one_of)) for one_of in _NEEDED[source.kind])


def everywhere(source: SourcePlan, has: Iterable[str]) -> dict[str, str]:
    """What stands on every line: the constants, and defaults for what the source does not tell."""
    there = set(has)
    return {ours: value for ours, value in _DEFAULTS[source.kind].items() if ours not in there} | source.constants

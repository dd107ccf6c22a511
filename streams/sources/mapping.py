"""The mapping file: others' files, columns, zones and values, told in TOML."""

import tomllib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from pydantic import BaseModel, TypeAdapter, ValidationError

from schemas.inputs import FeedMark, Receiver, ReportDecision, ReportReceipt, ReportSent, ReportStored
from streams.errors import ConfigurationError, why_unreadable
from streams.sources.chunk import TIMES, Kind
from streams.sources.plan import Plan, SourcePlan

_MODELS: dict[Kind, type[BaseModel]] = {
    "sent": ReportSent,
    "receipt": ReportReceipt,
    "stored": ReportStored,
    "portal": ReportSent,
    "decision": ReportDecision,
    "feed_mark": FeedMark,
}
_WITH_ZONE = "a time with a zone, as 2020-09-01T00:00:00+02:00"
_COVERS = {
    "from": _WITH_ZONE,
    "since": _WITH_ZONE,
    "to": _WITH_ZONE,
    "receivers": 'a list of municipality numbers of four digits, as ["0301"], or "all"',
}
_WILD = frozenset("*?[")


def load_plan(path: Path) -> Plan:
    """The sources that a mapping file tells of, their patterns replaced by the files that match, in order.

    Raises ConfigurationError in one sentence that names the file and the place.
    """
    try:
        plan = Plan.model_validate(tomllib.loads(path.read_text(encoding="utf-8-sig")))
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigurationError(
            f"The mapping file {path} cannot be read ({why_unreadable(error)}): give a TOML file in UTF-8."
        ) from None
    except tomllib.TOMLDecodeError as error:
        raise ConfigurationError(f"{path}: The mapping is not TOML: {error}.") from None
    except ValidationError as error:
        raise ConfigurationError(f"{path}: {_sentence(error)}") from None
    if not plan.source:
        raise ConfigurationError(f"{path}: The mapping has no source: begin one with [[source]].")
    sources = []
    for number, source in enumerate(plan.source, start=1):
        for wrong in mistakes_in(source):
            raise ConfigurationError(f"{path}: The mapping is wrong at source.{number}.{wrong}.")
        sources.append(source.model_copy(update={"files": tuple(_files(path, number, source))}))
    return plan.model_copy(update={"source": tuple(sources)})


def plain(kind: Kind, paths: Sequence[Path]) -> SourcePlan:
    """Files with our own columns, as given on the command line."""
    return SourcePlan(kind=kind, files=tuple(str(path) for path in paths))


def _files(path: Path, number: int, source: SourcePlan) -> Iterator[str]:
    """The source's files; each once, though several patterns match it."""
    seen: set[Path] = set()
    for pattern in source.files:
        whole = path.parent / Path(pattern).expanduser()
        matching = sorted(_matching(whole)) if _WILD.intersection(pattern) else [whole]
        if not any(match.exists() for match in matching):
            raise ConfigurationError(
                f"{path}: The mapping is wrong at source.{number}.files: no file matches {pattern}, looked for from "
                f"{path.parent.absolute()}."
            )
        for match in matching:
            if match not in seen:
                seen.add(match)
                yield str(match)


def _matching(pattern: Path) -> Iterator[Path]:
    if pattern.exists():  # a name may hold what is a pattern elsewhere
        return iter([pattern])
    root = Path(pattern.anchor) if pattern.is_absolute() else Path()
    return (match for match in root.glob(str(pattern.relative_to(root))) if match.is_file())


def mistakes_in(source: SourcePlan) -> Iterator[str]:
    """What the model cannot see, as places and what is wrong there."""
    for name in source.constants.keys() & source.columns.keys():
        yield f"constants.{name}: it is given under columns, too: remove one of the two"
    for name, value in source.constants.items():
        if not _is_valid(source.kind, name, value):
            yield f"constants.{name}: the value is none that {name} may have"
    for name, values in source.values.items():
        if any(ours and not _is_valid(source.kind, name, ours) for ours in values.values()):
            yield f"values.{name}: a value of ours is none that {name} may have"
    if source.zone is not None and not _is_zone(source.zone):
        yield 'zone: there is no such time zone: write it as "Europe/Oslo"'
    if source.encoding is not None and not _is_encoding(source.encoding):
        yield 'encoding: there is no such encoding: write it as "cp1252"'
    if source.delimiter is not None and (source.delimiter in '"\r\n' or not source.delimiter.isascii()):
        yield "delimiter: this cannot separate columns"
    if source.covers and source.covers.since and source.covers.to and source.covers.to <= source.covers.since:
        yield "covers.to: it must be later than from"
    for name, theirs in source.columns.items():
        if not theirs.strip():
            yield f"columns.{name}: the name is empty"


def _is_valid(kind: Kind, name: str, value: str) -> bool:
    """Whether the contract allows a value; what it does not know, or only a later reader does, is not judged."""
    field = Receiver.model_fields.get(name) or _MODELS[kind].model_fields.get(name)
    if field is None or name in TIMES:
        return True
    try:
        TypeAdapter(field.rebuild_annotation()).validate_python(value)
    except ValidationError:
        return False
    return True


def _is_zone(name: str) -> bool:
    try:
        ZoneInfo(name)
    except (ValueError, OSError, KeyError):  # not found is a KeyError, a folder's name an OSError
        return False
    return True


def _is_encoding(name: str) -> bool:
    try:
        "".encode(name)
    except (LookupError, UnicodeError):
        return False
    return True


def _sentence(error: ValidationError) -> str:
    first: Any = error.errors(include_input=False, include_url=False)[0]
    place = [str(part + 1) if isinstance(part, int) else str(part) for part in first["loc"]]
    if first["type"] == "extra_forbidden":
        return f"The mapping has an unknown entry {'.'.join(place)}: remove it or correct its name."
    if first["type"] == "missing":
        return f"The mapping lacks {'.'.join(place)}: add it."
    # Behind a name of which there are several kinds, pydantic lists them: one sentence of ours says it all.
    for at, name in enumerate(place):
        if "covers" in place[:at] and name in _COVERS:
            return f"The mapping is wrong at {'.'.join(place[: at + 1])}: it must be {_COVERS[name]}."
    return f"The mapping is wrong at {'.'.join(place)}: {first['msg'].removeprefix('Value error, ')}."

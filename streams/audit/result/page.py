"""The report as one HTML file that needs nothing else: no network, no script."""

import base64
from datetime import UTC, datetime
from functools import cache
from importlib.resources import files
from typing import Any, NamedTuple, get_args

import duckdb
from jinja2 import ChoiceLoader, Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from streams.audit.result import lists, sentences
from streams.audit.result.numbers import Shown
from streams.audit.result.sentences import FILES, refused, words_of
from streams.audit.result.timeline import timeline
from streams.audit.schema import Untold
from streams.presentation.municipality_names import former, municipality_name, names_in
from streams.presentation.words import LANGUAGES, Language, catalogue

MOST_ROWS = 2000
SECTIONS = ("books", "months", "receivers", "versions", "missing", "untold", "sources", "rules")
_STATIC = files("streams.presentation").joinpath("static")
_STYLES = ("vendor/theme.css", "paper.css", "vendor/designsystemet.css", "page.css")
_LICENCES = ("theme.css", "designsystemet.css", "inter.woff2")
_FONT = 'url("vendor/inter.woff2")'


class Checks(NamedTuple):
    """The reports to check by hand, at most MOST_ROWS of them, and by report id what each might be."""

    rows: list[dict[str, Any]]
    candidates: dict[str, list[dict[str, Any]]]


NOTHING = Checks([], {})


def checks(connection: duckdb.DuckDBPyConnection, top_candidates: int) -> Checks:
    """The worst of the missing reports, with the nearest of their candidates."""
    missing, nearest = lists.reports("missing"), lists.candidates(top_candidates)
    with names_in(connection) as names:
        rows = _dictionaries(connection, missing.values(names, MOST_ROWS))
        chosen = f"report_id IN (SELECT report_id FROM ({missing.values(names, MOST_ROWS)}))"
        found = _dictionaries(connection, f"SELECT * FROM ({nearest.values(names)}) WHERE {chosen} ORDER BY rank")
    candidates: dict[str, list[dict[str, Any]]] = {}
    for row in found:
        candidates.setdefault(row["report_id"], []).append(row)
    return Checks(rows, candidates)


def page(language: Language, shown: Shown, to_check: Checks, *, per_receiver: bool) -> str:
    """The whole report in one language."""
    words, summary = words_of(language), shown.summary
    others = [(one, catalogue(one)["language"], FILES[one]) for one in LANGUAGES if one != language]
    return _environment().get_template("audit.html").render(
        t=words, s=summary, shown=shown, tables=shown.tables, checks=to_check, per_receiver=per_receiver,
        answer=sentences.answer(words, summary), found_again=sentences.found_again(words, summary),
        period=sentences.period(words, summary, by_month=shown.suppressed), clock=sentences.clock(words, summary),
        balance=sentences.balance(words, summary), unexpected=sentences.unexpected(words, summary),
        chart=timeline(shown.tables["months"], ("missing", "undetermined")),
        settles=get_args(Untold), others=others, sections=SECTIONS, most_rows=MOST_ROWS,
    )  # fmt: skip


def _dictionaries(connection: duckdb.DuckDBPyConnection, query: str) -> list[dict[str, Any]]:
    result = connection.execute(query)
    names = [column[0] for column in result.description or ()]
    return [dict(zip(names, map(_in_utc, row), strict=True)) for row in result.fetchall()]


def _in_utc(value: Any) -> Any:
    return value.astimezone(UTC) if isinstance(value, datetime) else value


def _linked(text: str, file: str) -> Markup:
    """A sentence with the file that it names as a link."""
    link = Markup('<a class="ds-link" href="{0}">{0}</a>').format(file)
    return link.join(Markup.escape(part) for part in text.split(file))


@cache
def _style() -> Markup:
    """The view's own look, its font within, and the licences that these ask to be kept with them."""
    licences = [_STATIC.joinpath(f"vendor/licences/{name}.txt").read_text(encoding="utf-8") for name in _LICENCES]
    styles = [_STATIC.joinpath(name).read_text(encoding="utf-8") for name in _STYLES]
    own = files("streams.audit.result").joinpath("templates/audit.css").read_text(encoding="utf-8")
    font = base64.b64encode(_STATIC.joinpath("vendor/inter.woff2").read_bytes()).decode()
    whole = "\n".join(["/*", *licences, "*/", *styles, own])
    return Markup(whole.replace(_FONT, f'url("data:font/woff2;base64,{font}")'))  # noqa: S704 (our own files)


@cache
def _environment() -> Environment:
    loader = ChoiceLoader([PackageLoader("streams.audit.result"), PackageLoader("streams.presentation")])
    environment = Environment(
        loader=loader, autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    environment.filters["upper_first"] = lambda text: text[:1].upper() + text[1:]
    environment.filters["linked"] = _linked
    environment.globals.update(style=_style(), name_of=municipality_name, former=former, refused=refused)
    return environment

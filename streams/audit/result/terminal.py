"""The answer on a screen of the terminal."""

from pathlib import Path

from rich.console import Console
from rich.table import Table
from rich.text import Text

from streams.audit.result import sentences
from streams.audit.result.sentences import FILES, refused, words_of
from streams.audit.result.summary import AuditSummary, SourceRead
from streams.audit.schema import TERMS
from streams.presentation.words import Words

SOURCES_SHOWN = 12
_FILES = (*FILES.values(), "missing.csv", "undetermined.csv", "summary.json")


def terminal(summary: AuditSummary, out: Path | None = None) -> None:
    """Print the answer, the books, what could not be told and why, the sources, and where the files lie."""
    words, console = words_of("en"), Console(highlight=False)
    if not console.is_terminal:
        console = Console(highlight=False, width=120)
    console.print(Text(sentences.answer(words, summary), style="bold"))
    for line in (sentences.found_again(words, summary), sentences.period(words, summary)):
        if line:
            console.print(Text(line))
    console.print(Text(f"{sentences.clock(words, summary)} {words('audit.times')}"))
    console.print(_books(words, summary))
    console.print(Text(f"{sentences.balance(words, summary)} {sentences.unexpected(words, summary)}"))
    for title, codes, section in (
        (words.code("status", "missing"), summary.reasons, "reason"),
        (words("decided.outcome"), {} if set(summary.outcomes) <= {"open"} else summary.outcomes, "outcome"),
        (words.code("status", "undetermined"), summary.untold, "untold"),
    ):
        if codes:
            console.print(_codes(words, title.capitalize(), codes, section))
    console.print(_sources(words, summary))
    if out is not None:
        found = [str(out / name) for name in _FILES if (out / name).exists()]
        console.print(Text("\n".join(found)), soft_wrap=True)


def _books(words: Words, summary: AuditSummary) -> Table:
    table = _table(words("section.books"), "")
    for term in TERMS:
        table.add_row(words.code("status", term), _number(words, summary.terms[term]))
    table.add_row(words("table.sent"), _number(words, summary.sent), style="bold")
    return table


def _codes(words: Words, title: str, codes: dict[str, int | None], section: str) -> Table:
    table = _table(title, "")
    for code, number in codes.items():
        table.add_row(Text(words.code(section, code or None)), _number(words, number))
    return table


def _sources(words: Words, summary: AuditSummary) -> Table:
    table = _table(words("section.sources"), words("sources.read"), words("sources.rejected"))
    table.add_column(words("sources.notes"))
    for source in summary.sources[:SOURCES_SHOWN]:
        notes = [words.code("warning", code) for code in source.warnings]
        name = Text(f"{source.name} ({words.code('kind', source.kind)})", overflow="fold")
        numbers = (_number(words, source.records), _number(words, source.rejected))
        table.add_row(name, *numbers, Text("; ".join([*notes, *_rejects(words, source)])))
    if left := summary.sources[SOURCES_SHOWN:]:
        table.add_row(words.count("table.others", len(left)), "", _number(words, _sum(left)), "")
    return table


def _rejects(words: Words, source: SourceRead) -> list[str]:
    return [f"{words.number(number)} {refused(words, reason)}"
            for reason, number in list(source.reject_reasons.items())[:3]]  # fmt: skip


def _sum(sources: tuple[SourceRead, ...]) -> int | None:
    rejected = [source.rejected for source in sources]
    return None if None in rejected else sum(filter(None, rejected))


def _table(title: str, *numbers: str) -> Table:
    table = Table(box=None, pad_edge=False)
    table.add_column(title, overflow="fold")
    for name in numbers:
        table.add_column(name, justify="right")
    return table


def _number(words: Words, number: int | None) -> str:
    return words("audit.hidden") if number is None else words.number(number)

"""The results as a Markdown page: what was measured where, the table, and every contender's settings."""

import os
import platform
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from statistics import median
from typing import Any, NamedTuple

from tests.programs.bench.contender import Contender
from tests.programs.bench.mix import DEADLINE_SECONDS, KINDS, SHARES
from tests.programs.bench.running import RunOutcome
from tests.programs.bench.truth import Mistakes

OURS = "checker"
LIMITS = ("read-aiokafka", "read-confluent", "rewrite-aiokafka")
HEAD = (
    "contender", "events/s", "CPU s per million", "broker's CPU s per million", "peak memory, MB", "start, s",
    "events", "announced", "lost", "of them due after the log's end", "phantom", "announced twice",
)  # fmt: skip


class Row(NamedTuple):
    """One contender: medians over the rounds, and the worst round for each kind of mistake."""

    name: str
    label: str
    rate: float
    cpu_per_million: float
    broker_cpu_per_million: float
    peak_megabytes: float
    startup_seconds: float
    events: int
    finished: bool
    mistakes: Mistakes | None


class Setup(NamedTuple):
    """What the figures depend on."""

    date: str
    machine: str
    cores: str
    broker: str
    rounds: int
    partitions: int
    events: int
    seed: int


def machine() -> str:
    """Processor, cores, memory, system and Python."""
    model = platform.processor() or platform.machine()
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.exists():
        models = [line.split(":", 1)[1].strip() for line in cpuinfo.read_text().splitlines() if "model name" in line]
        model = models[0] if models else model
    gigabytes = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    python = f"{platform.python_implementation()} {platform.python_version()}"
    return f"{model}, {os.cpu_count()} cores, {gigabytes:.0f} GiB, {platform.system()}, {python}"


def today() -> str:
    """The date (UTC)."""
    return datetime.now(UTC).date().isoformat()


def rows(contenders: Iterable[Contender], outcomes: Sequence[RunOutcome]) -> list[Row]:
    """Medians, the quickest first; a contender without an outcome has no row."""
    found = []
    for contender in contenders:
        own = [outcome for outcome in outcomes if outcome.contender == contender.name]
        if own:
            found.append(_row(contender, own))
    return sorted(found, key=lambda row: -row.rate)


def _row(contender: Contender, own: Sequence[RunOutcome]) -> Row:
    counted = [outcome for outcome in own if outcome.events] or own

    def per_million(seconds: float, events: int) -> float:
        return seconds / max(events, 1) * 1e6

    return Row(
        name=contender.name,
        label=contender.label,
        rate=median(outcome.rate for outcome in counted),
        cpu_per_million=median(per_million(outcome.cpu_seconds, outcome.events) for outcome in counted),
        broker_cpu_per_million=median(per_million(outcome.broker_cpu_seconds, outcome.events) for outcome in counted),
        peak_megabytes=median(outcome.peak_bytes / 1e6 for outcome in own),
        startup_seconds=median(outcome.startup_seconds for outcome in own),
        events=round(median(outcome.events for outcome in own)),
        finished=all(outcome.finished for outcome in own),
        mistakes=_worst([outcome.mistakes for outcome in own if outcome.mistakes is not None]),
    )


def _worst(all_mistakes: Sequence[Mistakes]) -> Mistakes | None:
    if not all_mistakes:
        return None
    return Mistakes(*(max(values) for values in zip(*all_mistakes, strict=True)))


def page(
    setup: Setup, contenders: Sequence[Contender], found: Sequence[Row], left_out: Sequence[str], plot: str
) -> str:
    """The whole page."""
    known = {contender.name: contender for contender in contenders}
    parts = [
        "# Throughput, measured side by side",
        _introduction(setup),
        f"![Events a second and CPU time of each contender]({plot})",
        table(found),
        _reading(),
        *fractions(found),
        *_explanations(known, found),
        *left_out,
        "## Settings",
        "\n".join(_told(known[row.name]) for row in found),
    ]
    return "\n\n".join(part for part in parts if part) + "\n"


def _introduction(setup: Setup) -> str:
    mix = ", ".join(f"{share} % {fate}" for fate, share in SHARES.items())
    return (
        f"{setup.date}; {setup.machine}; {setup.cores}; {setup.broker}. Made by `make bench`: one log of "
        f"{setup.events} events in {setup.partitions} partitions (reports: {mix}; 3 % of all records twice; seed "
        f"{setup.seed}), appended anew in each of {setup.rounds} rounds; medians. A report is missing when no stored "
        f"record was appended within {DEADLINE_SECONDS:g} s after its first sent, by the log's own append times."
    )


def table(found: Sequence[Row]) -> str:
    """The table in Markdown."""
    lines = [_line(HEAD), _line(["---", *["---:"] * (len(HEAD) - 1)])]
    return "\n".join([*lines, *(_line(_cells(row)) for row in found)])


def _line(cells: Iterable[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _cells(row: Row) -> list[str]:
    label = f"**{row.label}**" if row.name == OURS else row.label
    return [
        label if row.finished else f"{label} (did not finish)",
        number(row.rate),
        f"{row.cpu_per_million:.1f}",
        f"{row.broker_cpu_per_million:.1f}",
        number(row.peak_megabytes),
        f"{row.startup_seconds:.1f}",
        number(row.events),
        *_mistake_cells(row.mistakes),
    ]


def _mistake_cells(wrong: Mistakes | None) -> list[str]:
    if wrong is None:
        return [""] * len(Mistakes._fields)
    return [number(value) for value in wrong]


def number(value: float) -> str:
    """A whole number with narrow groups of three."""
    return f"{value:,.0f}".replace(",", " ")


def _reading() -> str:
    return (
        "events/s counts the records that the contender reads, from its group's first assignment to the commit that "
        "reaches the log's end, or to its last announcement if that comes later; its start before that, JVM included, "
        "stands apart. One process each, with one thread that works. CPU and memory are of the whole process tree. "
        "Mistakes are the worst round's, read back read_committed. The peers join sent with stored and need not read "
        "receipts, the checker and the limits read all three topics."
    )


def fractions(found: Sequence[Row]) -> list[str]:
    """The checker as a fraction of each limit and each peer."""
    by_name = {row.name: row for row in found}
    ours = by_name.get(OURS)
    if ours is None or len(by_name) == 1:
        return []
    told = [f"{ours.rate / row.rate:.2f} of {row.label}" for row in found if row.name != OURS and row.rate]
    return [f"The checker's events/s are {', '.join(told)}."]


def _explanations(known: dict[str, Contender], found: Sequence[Row]) -> list[str]:
    return [
        f"Why {known[row.name].label} is wrong where it is: {known[row.name].why_wrong}."
        for row in found
        if row.mistakes is not None and not row.mistakes.none and known[row.name].why_wrong
    ]


def _told(contender: Contender) -> str:
    read = "all three topics" if set(contender.reads) == set(KINDS) else " and ".join(contender.reads)
    share = f", only every {contender.every}th report of the log" if contender.every > 1 else ""
    return f"- **{contender.label}** ({contender.version()}): reads {read}{share}; {contender.settings}."


def as_json(setup: Setup, found: Sequence[Row], outcomes: Sequence[RunOutcome]) -> dict[str, Any]:
    """Everything, for the plot and for whoever wants to calculate."""
    return {
        "setup": setup._asdict(),
        "rows": [row._asdict() | {"mistakes": _plain(row.mistakes)} for row in found],
        "rounds": [outcome._asdict() | {"mistakes": _plain(outcome.mistakes)} for outcome in outcomes],
    }


def _plain(wrong: Mistakes | None) -> dict[str, int] | None:
    return None if wrong is None else wrong._asdict()

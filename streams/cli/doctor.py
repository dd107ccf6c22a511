"""The command that examines a cluster and a checker."""

import asyncio
from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

import typer

from streams.cli.usage import examples
from streams.console import Json, doing, output, say, show_advice, show_json, show_table, show_text
from streams.settings import Settings, load_settings

if TYPE_CHECKING:
    from streams.doctor import Finding

DOCTOR_EXAMPLES = examples("meldingsvakt doctor", "meldingsvakt doctor --probe", "meldingsvakt doctor --rights")
WORST_FIRST = ("fault", "unknown", "warning", "ok")
_STYLES = {"fault": "bold red", "unknown": "bold magenta", "warning": "bold yellow", "ok": "green"}
_INDENT, _STATE_WIDTH = "         ", 9


def doctor(
    probe: Annotated[bool, typer.Option("--probe", help="Append marks to the inputs to compare clocks.")] = False,
    rights: Annotated[
        bool, typer.Option("--rights", help="Only list the least rights of each part, without asking Kafka.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Can it connect, is everything set right that a guarantee rests on, and what to do; changes nothing."""
    from streams.doctor import FindingState, examine
    from streams.kafka.batches import read_batches_within

    kafka, settings = load_settings()
    if rights:
        _show_rights(settings, as_json)
        return
    read_batches_within(settings.max_batch_bytes)
    if output().is_terminal and not as_json:
        say(f"Asking Kafka at {kafka.brokers}: twice, some seconds apart, to see what stands still.")
    with doing("asking brokers, topics, rights, transactions, the checker"):
        findings = asyncio.run(examine(kafka, settings, probe=probe))
    findings.sort(key=lambda finding: WORST_FIRST.index(finding.state))
    if as_json:
        for finding in findings:
            show_json(finding._asdict())
    else:
        show_findings(findings)
    if any(finding.state is FindingState.FAULT for finding in findings):
        raise typer.Exit(1)


def show_findings(findings: "Sequence[Finding]") -> None:
    """Each with what to do, commands on lines of their own; and how many there are of each kind."""
    for finding in findings:
        style = _STYLES[finding.state] if finding.state != "ok" else ""
        show_text(f"{finding.check}: {finding.found}", f"{finding.state:<{_STATE_WIDTH}}", _INDENT, style)
        if finding.advice:
            show_advice(finding.advice, f"{_INDENT}-> ", f"{_INDENT}   ")
    count = Counter(finding.state.value for finding in findings)
    worst = next((state for state in WORST_FIRST if count[state]), "ok")
    show_text("")
    show_text(", ".join(_counted(count[state], state) for state in WORST_FIRST), style=_STYLES[worst])


def _counted(number: int, state: str) -> str:
    plural = {"fault": "faults", "warning": "warnings"}
    return f"{number} {state if number == 1 else plural.get(state, state)}"


def _show_rights(settings: Settings, as_json: bool) -> None:
    from streams.kafka.permissions import listed

    columns = ("part", "kind", "name", "pattern", "operations")
    if as_json:
        for line in listed(settings):
            show_json(dict(zip(columns, line, strict=True)))
    else:
        show_table(columns, listed(settings))

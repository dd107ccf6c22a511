"""The command for what people decide."""

import asyncio
import getpass
from datetime import UTC, datetime
from typing import Annotated

import typer

from streams.cli.usage import examples
from streams.console import Json, show_fields, show_json
from streams.core.facts import Action, Outcome
from streams.errors import ConfigurationError
from streams.settings import load_settings

DECIDE_EXAMPLES = examples(
    "meldingsvakt decide 3f2b8c1e acknowledge --until 2026-01-05T12:00:00Z",
    "meldingsvakt decide 3f2b8c1e close --outcome found --reference 26/1234",
    "meldingsvakt decide 3f2b8c1e reopen",
)


def decide(
    report: Annotated[str, typer.Argument(help="The report's id, its first eight digits, or a message's id.")],
    action: Annotated[
        Action, typer.Argument(help="What becomes of its alarm (acknowledge, close, reopen), or of the report (erase).")
    ],
    outcome: Annotated[
        Outcome | None, typer.Option(help="With close, how it ended: found, false_alarm, withdrawn, handled or lost.")
    ] = None,
    until: Annotated[
        str | None,
        typer.Option(help="How long it is acknowledged (RFC 3339 with a zone): with acknowledge.", metavar="TIME"),
    ] = None,
    reference: Annotated[str | None, typer.Option(help="The case's number elsewhere; never a person's.")] = None,
    subject: Annotated[str | None, typer.Option(help="Who decides; the user of this machine where not given.")] = None,
    as_json: Json = False,
) -> None:
    """Write what somebody decides of an alarm: acknowledge, close, reopen, erase."""
    from schemas.common import parse_time
    from streams.commands.decide import decide as decided
    from streams.kafka.batches import read_batches_within
    from streams.records.decisions import Said

    try:
        end = parse_time(until) if until else None
    except ValueError:
        raise ConfigurationError(f"--until {until} is no time: write it like 2026-01-01T12:00:00Z.") from None
    kafka, settings = load_settings()
    read_batches_within(settings.max_batch_bytes)
    said = Said(action, subject or _user(), outcome, end, reference)
    done = asyncio.run(decided(kafka, settings, report, said, datetime.now(UTC)))
    if as_json:
        show_json(done._asdict())
        return
    told = [(name, value["subject"] if name == "actor" else value) for name, value in done.decision.items()]
    show_fields([*told, ("written to", f"{done.topic}, partition {done.partition}, offset {done.offset}")])


def _user() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # as in a container
        raise ConfigurationError("Say who decides: this machine knows no name for you (--subject NAME).") from None

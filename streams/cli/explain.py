"""The command that tells the story of one report."""

import asyncio
from typing import Annotated

import typer

from streams.cli.usage import examples
from streams.console import Json, doing, say, show_advice, show_fields, show_json, show_text
from streams.settings import load_settings

EXPLAIN_EXAMPLES = examples(
    "meldingsvakt explain 3f2b8c1e-5a4d-4e0b-9c1a-7d2e6f8a9b10",
    "meldingsvakt explain 3f2b8c1e",
    "meldingsvakt explain c1a2b3d4-0001-4000-8000-000000000001 --json",
)


def explain(
    report: Annotated[str, typer.Argument(help="The report's id, its first eight digits, or a message's id.")],
    as_json: Json = False,
) -> None:
    """Why is this report missing: what happened to it, what to do, and where its records lie."""
    from datetime import UTC, datetime

    from streams.commands.explain import explain as explained
    from streams.commands.told import told
    from streams.kafka.batches import read_batches_within

    kafka, settings = load_settings()
    read_batches_within(settings.max_batch_bytes)
    with doing("reading the inputs and what the checker says"):
        found = asyncio.run(explained(kafka, settings, report))
    if found is None:
        say(f"No record about {report} is in the inputs or in the state.")
        raise typer.Exit(1)
    if as_json:
        show_json(found.value())
        return
    story = told(found, datetime.now(UTC))
    show_text(story.sentence, style="bold")
    for advice in story.advice:
        show_advice(advice)
    show_text("")
    show_fields(story.facts)
    for heading, moments in (("What happened (Norwegian time)", story.moments), ("Technical", story.places)):
        show_text("")
        show_text(heading, style="bold")
        show_fields(moments, "  ")
    for hole in found.unreadable:
        say(
            f"{hole['topic']}-{hole['partition']} cannot be read from offset {hole['offset']} to {hole['next_offset']} "
            f"({hole['cause']}): what it said of this report, if anything, is not known."
        )

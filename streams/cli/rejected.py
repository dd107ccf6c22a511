"""The commands for what could not be read."""

import asyncio
from typing import TYPE_CHECKING, Annotated

import typer

from streams.cli.usage import Commands, examples
from streams.console import Json, say, show_json, show_table
from streams.errors import ConfigurationError
from streams.settings import KafkaSettings, Settings, load_settings

if TYPE_CHECKING:
    from streams.commands.rejected import Selection

rejected_app = Commands(
    help="What could not be read.",
    epilog=examples("meldingsvakt rejected list", "meldingsvakt rejected replay --all --dry-run"),
    no_args_is_help=True,
)

Topic = Annotated[str | None, typer.Option(help="Only this input topic.")]
Partition = Annotated[int | None, typer.Option(min=0, help="Only this partition.")]
Offset = Annotated[int | None, typer.Option(min=0, help="Only this offset.")]
Reason = Annotated[str | None, typer.Option(help="Only this reason (with or without its field).")]


@rejected_app.command(
    "list", epilog=examples("meldingsvakt rejected list", "meldingsvakt rejected list --reason too_large --json")
)
def rejected_list(
    topic: Topic = None,
    partition: Partition = None,
    offset: Offset = None,
    reason: Reason = None,
    as_json: Json = False,
) -> None:
    """List rejected records: where they lie and why, never what they hold."""
    from streams.commands.rejected import Selection, list_rejected
    from streams.kafka.batches import read_batches_within

    kafka, settings = load_settings()
    read_batches_within(settings.max_batch_bytes)
    selection = Selection(topic, partition, offset, reason)
    found = asyncio.run(list_rejected(kafka, settings, selection))
    if as_json:
        for value in found:
            show_json(value)
        return
    if not found:
        say(_none(selection, settings))
        return
    columns = ("arrived", "topic", "partition", "offset", "stage", "reason", "judged", "report_id")
    show_table(columns, [[value[name] for name in columns] for value in found])


def _none(selection: "Selection", settings: Settings) -> str:
    if any(each is not None for each in selection):
        return "No rejected record is one of those: `meldingsvakt rejected list` shows all that there are."
    return f"No rejected record is listed on {settings.output('rejected')}."


@rejected_app.command(
    "replay",
    epilog=examples(
        "meldingsvakt rejected replay --all --dry-run", "meldingsvakt rejected replay --topic reports.stored"
    ),
)
def rejected_replay(
    topic: Topic = None,
    partition: Partition = None,
    offset: Offset = None,
    reason: Reason = None,
    every: Annotated[bool, typer.Option("--all", help="All of them, where nothing else selects.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would be done.")] = False,
) -> None:
    """Append rejected records to their inputs once more, after a fix; they arrive as of now."""
    from streams.commands.rejected import Selection
    from streams.kafka.batches import read_batches_within

    selection = Selection(topic, partition, offset, reason)
    if selection == Selection() and not every:
        raise ConfigurationError("Nothing is selected: give --topic, --partition, --offset or --reason, or --all.")
    kafka, settings = load_settings()
    read_batches_within(settings.max_batch_bytes)
    asyncio.run(_replay_rejected(kafka, settings, selection, dry_run))


async def _replay_rejected(kafka: KafkaSettings, settings: Settings, selection: "Selection", dry_run: bool) -> None:
    from streams.commands.rejected import replay_rejected

    rows = [
        (done.result, done.rejected["topic"], done.rejected["partition"], done.rejected["offset"])
        async for done in replay_rejected(kafka, settings, selection, dry_run=dry_run)
    ]
    if rows:
        show_table(("result", "topic", "partition", "offset"), rows)
    else:
        say(_none(selection, settings))

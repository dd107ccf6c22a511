"""The commands for what could not be read."""

import asyncio
from typing import Annotated

import typer

from streams.console import Json, show_json, show_table
from streams.errors import ConfigurationError
from streams.settings import KafkaSettings, Settings, load_settings

rejected_app = typer.Typer(help="What could not be read.", no_args_is_help=True)

Topic = Annotated[str | None, typer.Option(help="Only this input topic.")]
Partition = Annotated[int | None, typer.Option(help="Only this partition.")]
Offset = Annotated[int | None, typer.Option(help="Only this offset.")]
Reason = Annotated[str | None, typer.Option(help="Only this reason (with or without its field).")]


@rejected_app.command("list")
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
    found = asyncio.run(list_rejected(kafka, settings, Selection(topic, partition, offset, reason)))
    if as_json:
        for value in found:
            show_json(value)
        return
    columns = ("arrived", "topic", "partition", "offset", "stage", "reason", "judged", "report_id")
    show_table(columns, [[value[name] for name in columns] for value in found])


@rejected_app.command("replay")
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


async def _replay_rejected(kafka: KafkaSettings, settings: Settings, selection: object, dry_run: bool) -> None:
    from streams.commands.rejected import Selection, replay_rejected

    assert isinstance(selection, Selection)
    rows = [
        (done.result, done.rejected["topic"], done.rejected["partition"], done.rejected["offset"])
        async for done in replay_rejected(kafka, settings, selection, dry_run=dry_run)
    ]
    show_table(("result", "topic", "partition", "offset"), rows)

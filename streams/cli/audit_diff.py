"""The command that compares an audit with what was announced."""

import asyncio
from itertools import islice
from pathlib import Path
from typing import Annotated

import typer

from streams.cli.usage import examples
from streams.console import Json, say, show_json, show_table
from streams.errors import ConfigurationError
from streams.settings import load_settings

MOST_LINES_SHOWN = 50
EXIT_DIFFERS, EXIT_UNCOMPARED = 1, 3
DIFF_EXAMPLES = examples(
    "meldingsvakt audit diff result",
    "meldingsvakt audit diff result --announced missing.ndjson --out diff.csv",
)


def diff(
    result: Annotated[Path, typer.Argument(metavar="RESULT_DIR", help="The folder that `audit` wrote.")],
    announced: Annotated[
        Path | None, typer.Option(help="A file of announcements (one JSON value a line), else the checker's topic.")
    ] = None,
    late: Annotated[
        str, typer.Option(help="How long after its alarm time an announcement may come.", metavar="DURATION")
    ] = "PT5M",
    out: Annotated[Path | None, typer.Option(help="Write what does not agree as CSV, to comment on.")] = None,
    as_json: Json = False,
) -> None:
    """Compare an audit with what was announced live: lost, phantom, late; exit code 1 if they contradict each other.

    Exit code 3 if they do not as far as they could be compared.
    """
    from pydantic import TypeAdapter, ValidationError

    from schemas.durations import Duration
    from streams.audit.diff import COLUMNS, compared
    from streams.audit.topics.announcements import announced_in, announced_live
    from streams.kafka.batches import read_batches_within

    try:
        bound = TypeAdapter(Duration).validate_python(late)
    except ValidationError:
        raise ConfigurationError(f"--late {late} is no duration: write it like PT5M.") from None
    kafka, settings = load_settings()
    read_batches_within(settings.max_batch_bytes)
    given = asyncio.run(announced_live(kafka, settings)) if announced is None else announced_in(announced)
    with compared(result, given, bound) as found:
        if out is not None:
            found.write(out)
        if as_json:
            show_json({"counts": found.counts, "untimed": found.untimed, "announcements_whole": found.whole})
            for line in found.lines():
                show_json(line)
        else:
            show_table(("result", "events"), found.counts.items())
            listed = [list(line.values()) for line in islice(found.lines(), MOST_LINES_SHOWN)]
            if listed:
                show_table(COLUMNS, listed)
        more = sum(count for category, count in found.counts.items() if category != "agree") - MOST_LINES_SHOWN
        if more > 0 and not as_json:
            say(f"{more} more are not shown: write them to a file with --out, or ask for --json.")
        if found.untimed:
            say(f"{found.untimed} announcements do not tell when they were made: whether they came late is not known.")
        if not found.whole:
            say("Announcements were deleted from the topic's beginning: what counts as lost may have been announced.")
        if found.wrong:
            raise typer.Exit(EXIT_DIFFERS)
        if found.uncompared:
            say("Not everything could be compared: that nothing differs is not proven.")
            raise typer.Exit(EXIT_UNCOMPARED)

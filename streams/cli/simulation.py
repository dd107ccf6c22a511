"""The commands that make traffic with a known truth: files, Kafka, and the incident as a demo."""

import asyncio
import shlex
import signal
from collections.abc import Iterable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from streams.broker import BrokerUnavailable
from streams.cli.usage import examples
from streams.console import Json, say, show_json, show_table, show_text
from streams.errors import ConfigurationError
from streams.settings import load_settings

if TYPE_CHECKING:
    from streams.commands.demo import Result
    from streams.simulation.script import ScriptLine

EXIT_WITHOUT_KAFKA = 3
MOST_DAYS, MOST_REPORTS = 36_500, 10_000_000
SIMULATE_EXAMPLES = examples(
    "meldingsvakt simulate --out traffic --reports 10000 --days 30",
    "meldingsvakt simulate --incident --out three-years",
    "meldingsvakt simulate --to-kafka",
)
DEMO_EXAMPLES = examples("meldingsvakt demo", "meldingsvakt demo --exit", "meldingsvakt demo --virtual")


def simulate(
    out: Annotated[Path | None, typer.Option(help="Write script, topics, truth and policy into this folder.")] = None,
    to_kafka: Annotated[
        bool, typer.Option("--to-kafka", help="Produce into the input topics, as fast as it goes.")
    ] = False,
    reports: Annotated[int, typer.Option(min=1, max=MOST_REPORTS, help="How many reports.")] = 10_000,
    seed: Annotated[int, typer.Option(help="The same seed makes the same traffic.")] = 1,
    start: Annotated[
        str, typer.Option(help="When the traffic begins (RFC 3339 with a zone).", metavar="TIME")
    ] = "2026-01-01T00:00:00Z",
    days: Annotated[float, typer.Option(min=0.01, max=MOST_DAYS, help="How long it lasts.")] = 30,
    incident: Annotated[
        bool, typer.Option("--incident", help="The three years of the demo, 2020 to 2023, instead; as files only.")
    ] = False,
) -> None:
    """Make traffic with a known truth, as files or into Kafka."""
    from datetime import timedelta

    from schemas.common import parse_time
    from streams.simulation.files import to_files
    from streams.simulation.traffic import generate

    if out is None and (incident or not to_kafka):
        raise ConfigurationError(f"Nothing to do: give --out DIR for files{'' if incident else ', or --to-kafka'}.")
    if incident and to_kafka:
        raise ConfigurationError(
            "The incident in its own times is made as files only: `meldingsvakt demo` plays it live."
        )
    if incident and out is not None:
        _three_years(out, reports, seed)
        return
    try:
        begin = parse_time(start)
    except ValueError:
        raise ConfigurationError(f"--start {start} is no time: write it like 2026-01-01T00:00:00Z.") from None
    traffic = generate(reports, seed, begin, timedelta(days=days))
    if out is not None:
        written = to_files(out, traffic.lines(), traffic.truth(), traffic.policy_toml)
        say(f"{written} records of {reports} reports are in {out}.")
    if to_kafka:
        produced = asyncio.run(_produce(traffic.lines()))
        say(f"{produced} records of {reports} reports are in Kafka.")


def _three_years(out: Path, reports: int, seed: int) -> None:
    from streams.simulation.files import to_files
    from streams.simulation.incident import virtual

    story = virtual(reports, seed)
    written = to_files(out, story.lines, story.truth, story.policy_toml, story.until)
    say(f"{written} records of {len(story.truth)} reports are in {out}.")


async def _produce(lines: "Iterable[ScriptLine]") -> int:
    from aiokafka import AIOKafkaProducer

    from streams.kafka.client import client_options
    from streams.kafka.denials import naming_denials
    from streams.kafka.topics import ensure_topics
    from streams.simulation.kafka import to_kafka

    kafka, settings = load_settings()
    await ensure_topics(kafka, settings, create=False)
    async with (
        naming_denials(kafka, "Write"),
        AIOKafkaProducer(**client_options(kafka), acks="all", linger_ms=20) as producer,
    ):
        return await to_kafka(producer, settings.input_prefix, lines)


def demo(
    virtual: Annotated[bool, typer.Option("--virtual", help="On a virtual clock, without Kafka, in seconds.")] = False,
    leave: Annotated[bool, typer.Option("--exit", help="End after the verdict; non-zero unless it is exact.")] = False,
    as_json: Json = False,
) -> None:
    """Play the incident of 2020-2023 and say what was found against what was lost."""
    from streams.commands.demo import own_kafka, run_live, run_virtual, worker_and_view

    if virtual:
        raise typer.Exit(_show(run_virtual(), as_json))
    try:
        with own_kafka() as environment, worker_and_view() as page:
            say(f"Look at the page while it fills: {page}")
            result = asyncio.run(run_live())
            code = _show(result, as_json)
            if leave:
                say("Without --exit all of it goes on, with a page to look at.")
            else:
                _show_what_is_next(page, environment, result.example)
                with suppress(KeyboardInterrupt):
                    signal.pause()
    except BrokerUnavailable as error:
        say(f"meldingsvakt: {error}")
        say("No Kafka can be had here: this is the same incident through the core, on a virtual clock.")
        raise typer.Exit(_show(run_virtual(), as_json) or EXIT_WITHOUT_KAFKA) from None
    raise typer.Exit(code)


def _show_what_is_next(page: str, environment: Mapping[str, str], example: str | None) -> None:
    """How to look further: each line can be copied into another terminal."""
    say(f"\nAll of it goes on until Ctrl-C, with the page at {page}\nTo ask about it in another terminal:")
    for name, value in environment.items():
        say(f"  export {name}={shlex.quote(value)}")
    for command in (f"explain {example}", "rejected list", "doctor"):
        say(f"  meldingsvakt {command}")


def _show(result: "Result", as_json: bool) -> int:
    """Show what the demo found; the exit code."""
    value = result.value()
    if as_json:
        show_json(value)
    else:
        show_table(("", "truth", "the checker"), _rows(result))
        show_text(f"{value['verdict']}\n{value['silence']}")
    return 0 if result.verdict.exact else 1


def _rows(result: "Result") -> list[tuple[str, object, str]]:
    """What is true, beside what the checker said of it."""
    counts, delay = result.verdict.counts, result.value()["delay_seconds"]
    silent = f"undetermined {counts.silent_undetermined}, announced {counts.silent_announced}"
    rows: list[tuple[str, object, str]] = [
        ("reports", result.reports, ""),
        ("lost", counts.lost, f"announced {counts.lost_announced}"),
        ("in municipalities", counts.municipalities, f"announced {counts.municipalities_announced}"),
        ("sent again, lost again", counts.lost_again, f"announced again {counts.lost_again_announced}"),
        ("stored after all", counts.recovered, f"found again {counts.recovered_announced}"),
        ("behind a silent feed", counts.silent, silent),
        ("refused, sent by letter", counts.letters, f"announced {counts.letters_announced}"),
        ("stored by its service", counts.served, f"announced {counts.served_announced}"),
        ("phantoms", 0, f"announced {len(result.verdict.phantom)}"),
    ]
    if delay:
        rows.append(("deadline to event", "", f"p50 {delay['p50']} s, p99 {delay['p99']} s, max {delay['max']} s"))
    return rows

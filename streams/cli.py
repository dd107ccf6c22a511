"""The commands. Data goes to standard output, messages and progress to standard error.

Exit codes: 0 done; 1 the answer is no (an unknown report, a verdict that is not exact); 2 something must be set right
first; 3 the demo ran without Kafka; 75 the worker ended in doubt, start it again.
"""

import asyncio
import os
import signal
import sys
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from streams.broker import BrokerUnavailable
from streams.console import say, show_json, show_table, write_line
from streams.errors import ConfigurationError
from streams.settings import KafkaSettings, Settings, load_settings

if TYPE_CHECKING:
    from streams.demo import Result
    from streams.simulation.script import ScriptLine

EXIT_WITHOUT_KAFKA = 3

app = typer.Typer(
    name="meldingsvakt",
    help="Knows that a report was sent but never stored.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
rejected_app = typer.Typer(help="What could not be read.", no_args_is_help=True)
app.add_typer(rejected_app, name="rejected")

Json = Annotated[bool, typer.Option("--json", help="JSON instead of a table.")]
Topic = Annotated[str | None, typer.Option(help="Only this input topic.")]
Partition = Annotated[int | None, typer.Option(help="Only this partition.")]
Offset = Annotated[int | None, typer.Option(help="Only this offset.")]
Reason = Annotated[str | None, typer.Option(help="Only this reason (with or without its field).")]


def main() -> None:
    """Run a command; what the user can set right is one sentence and exit code 2."""
    try:
        app()
    except (ConfigurationError, BrokerUnavailable) as error:
        say(f"meldingsvakt: {error}")
        sys.exit(2)
    except BrokenPipeError:
        sys.stderr.close()  # the reader of our output has gone, as `head` does
        sys.exit(0)


@app.command()
def broker(
    nodes: Annotated[int, typer.Option(min=1, max=9, help="How many brokers; three replicate.")] = 1,
    port: Annotated[int, typer.Option(min=0, max=65000, help="The first client port; 0 takes free ones.")] = 0,
    directory: Annotated[Path | None, typer.Option("--dir", help="Keep the data here.")] = None,
) -> None:
    """Run real Apache Kafka from its jars, without Docker; prints `ready BOOTSTRAP`."""
    from streams.broker import run_broker

    run_broker(nodes, port, directory)


@app.command()
def topics(as_json: Json = False) -> None:
    """Create the topics, or verify those that exist; unsafe settings are refused with the reason."""
    from streams.engine.topics import ensure_topics, wanted_topics

    kafka, settings = load_settings()
    created = asyncio.run(ensure_topics(kafka, settings, create=True))
    rows = [(topic.name, "created" if topic.name in created else "verified") for topic in wanted_topics(settings)]
    if as_json:
        show_json([{"topic": name, "result": result} for name, result in rows])
    else:
        show_table(("topic", "result"), rows)


@app.command()
def worker() -> None:
    """Run the checker: the same as `faust -A streams.app worker --without-web`."""
    from faust.cli.faust import cli

    _, settings = load_settings()
    level = settings.log_level.lower()
    cli(["-A", "streams.app", "worker", "--without-web", "--loglevel", level])


@app.command()
def config(as_json: Json = False) -> None:
    """Show every setting, its value and what it means; secrets are masked."""
    rows = [
        (f"{prefix}{name.upper()}", str(value), field.description)
        for prefix, values in zip(("KAFKA_", "MELDINGSVAKT_"), load_settings(), strict=True)
        for (name, value), field in zip(
            values.model_dump(mode="json").items(), type(values).model_fields.values(), strict=True
        )
    ]
    if as_json:
        show_json([{"setting": name, "value": value, "meaning": meaning} for name, value, meaning in rows])
    else:
        show_table(("setting", "value", "meaning"), rows)


@app.command()
def replay(
    file: Annotated[Path, typer.Argument(help="A script: one JSON object a line, in order of arrival; - for stdin.")],
    policy: Annotated[Path | None, typer.Option(help="The policy file, else MELDINGSVAKT_POLICY.")] = None,
    until: Annotated[str | None, typer.Option(help="Where the clock ends (RFC 3339 with a zone).")] = None,
    states: Annotated[bool, typer.Option("--states", help="Also print each final row.")] = False,
) -> None:
    """Play a script through the pure checker on a virtual clock: what would it have said?"""
    from streams.core.checker import Rules
    from streams.core.fold import Limits
    from streams.data import succession
    from streams.policies import load_policy
    from streams.replay import Replay, event_line, parse_time, read_script

    _, settings = load_settings()
    rules = Rules(
        load_policy(policy or settings.policy), succession(), Limits(settings.keep, settings.unexpected_after)
    )
    try:
        end = parse_time(until) if until else None
    except ValueError:
        raise ConfigurationError(f"--until {until} is no time: write it like 2026-01-01T12:00:00Z.") from None
    played = Replay(rules, max_value_bytes=settings.max_value_bytes)
    try:
        with sys.stdin.buffer if str(file) == "-" else file.open("rb") as lines:
            for event in played.run(read_script(lines), end):
                write_line(event_line(event))
    except OSError as error:
        raise ConfigurationError(
            f"The script {file} cannot be read ({error.strerror}): name an existing file."
        ) from None
    if states:
        for state in played.states():
            show_json(state)
    for reason, count in sorted(played.rejected.items()):
        say(f"{count} unreadable: {reason}")


@app.command()
def simulate(
    out: Annotated[Path | None, typer.Option(help="Write script, topics, truth and policy into this folder.")] = None,
    to_kafka: Annotated[
        bool, typer.Option("--to-kafka", help="Produce into the input topics, as fast as it goes.")
    ] = False,
    reports: Annotated[int, typer.Option(min=1, help="How many reports.")] = 10_000,
    seed: Annotated[int, typer.Option(help="The same seed makes the same traffic.")] = 1,
    start: Annotated[
        str, typer.Option(help="When the traffic begins (RFC 3339 with a zone).")
    ] = "2026-01-01T00:00:00Z",
    days: Annotated[float, typer.Option(min=0.01, help="How long it lasts.")] = 30,
) -> None:
    """Make traffic with a known truth, as files or into Kafka."""
    from datetime import timedelta

    from streams.replay import parse_time
    from streams.simulation.files import to_files
    from streams.simulation.traffic import generate

    if out is None and not to_kafka:
        raise ConfigurationError("Nothing to do: give --out DIR for files, or --to-kafka.")
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


async def _produce(lines: "Iterable[ScriptLine]") -> int:
    from aiokafka import AIOKafkaProducer

    from streams.engine.topics import ensure_topics
    from streams.simulation.kafka import to_kafka

    kafka, settings = load_settings()
    await ensure_topics(kafka, settings, create=False)
    async with AIOKafkaProducer(**kafka.client_options(), acks="all", linger_ms=20) as producer:
        return await to_kafka(producer, settings.input_prefix, lines)


@app.command()
def demo(
    virtual: Annotated[bool, typer.Option("--virtual", help="On a virtual clock, without Kafka, in seconds.")] = False,
    leave: Annotated[bool, typer.Option("--exit", help="End after the verdict; non-zero unless it is exact.")] = False,
    as_json: Json = False,
) -> None:
    """Play the incident of 2020-2023 and say what was found against what was lost."""
    from streams.demo import own_kafka, run_live, run_virtual

    if virtual:
        raise typer.Exit(_show(run_virtual(), as_json))
    try:
        with own_kafka():
            code = _show(asyncio.run(run_live()), as_json)
            if not leave:
                say("Kafka goes on until Ctrl-C: `meldingsvakt explain ID` with KAFKA_BROKERS="
                    f"{os.environ['KAFKA_BROKERS']} tells about a report.")  # fmt: skip
                with suppress(KeyboardInterrupt):
                    signal.pause()
    except BrokerUnavailable as error:
        say(f"meldingsvakt: {error}")
        say("No Kafka can be had here: this is the same incident through the core, on a virtual clock.")
        raise typer.Exit(_show(run_virtual(), as_json) or EXIT_WITHOUT_KAFKA) from None
    raise typer.Exit(code)


def _show(result: "Result", as_json: bool) -> int:
    """Show what the demo found; the exit code."""
    value = result.value()
    if as_json:
        show_json(value)
    else:
        counts, delay = value["counts"], value["delay_seconds"]
        rows = [
            ("reports", value["reports"], ""),
            ("lost", counts["lost"], f"announced {counts['lost_announced']}"),
            ("in municipalities", counts["municipalities"], f"announced {counts['municipalities_announced']}"),
            ("stored after all", counts["recovered"], f"found again {counts['recovered_announced']}"),
            ("phantoms", 0, f"announced {len(result.verdict.phantom)}"),
        ]
        if delay:
            rows.append(("deadline to event", "", f"p50 {delay['p50']} s, p99 {delay['p99']} s, max {delay['max']} s"))
        show_table(("", "truth", "the checker"), rows)
        typer.echo(value["verdict"])
    return 0 if result.verdict.exact else 1


@app.command()
def explain(report_id: Annotated[str, typer.Argument(help="The report's UUID.")], as_json: Json = False) -> None:
    """Why is this report missing: its time line, with offsets."""
    from streams.explain import explain as explained

    kafka, settings = load_settings()
    found = asyncio.run(explained(kafka, settings, report_id))
    if found is None:
        say(f"No record about {report_id} is in the inputs or in the state.")
        raise typer.Exit(1)
    if as_json:
        show_json(found)
        return
    state, coverage = found["state"] or {}, found["coverage"] or {}
    show_table(("", ""), [(name, state.get(name)) for name in _EXPLAINED] + [
        ("complete_until", coverage.get("complete_until")), ("gap", coverage.get("gap")),
    ])  # fmt: skip
    columns = ("arrived", "fact", "says", "topic", "partition", "offset", "unreadable", "copied_from")
    show_table(columns, [[entry[name] for name in columns] for entry in found["timeline"]])
    events = ("type", "event_id", "reason", "cause")
    if found["events"]:
        show_table(events, [[event.get(name) for name in events] for event in found["events"]])


_EXPLAINED = (
    "report_id", "status", "reason", "sent_at", "due_at", "alarm_at", "receipt", "stored_at", "evidence",
    "recovered_at", "attempts", "flags", "policy_version",
)  # fmt: skip


@rejected_app.command("list")
def rejected_list(
    topic: Topic = None,
    partition: Partition = None,
    offset: Offset = None,
    reason: Reason = None,
    as_json: Json = False,
) -> None:
    """List rejected records: where they lie and why, never what they hold."""
    from streams.rejected import Selection, list_rejected

    kafka, settings = load_settings()
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
    from streams.rejected import Selection

    selection = Selection(topic, partition, offset, reason)
    if selection == Selection() and not every:
        raise ConfigurationError("Nothing is selected: give --topic, --partition, --offset or --reason, or --all.")
    kafka, settings = load_settings()
    asyncio.run(_replay_rejected(kafka, settings, selection, dry_run))


async def _replay_rejected(kafka: KafkaSettings, settings: Settings, selection: object, dry_run: bool) -> None:
    from streams.rejected import Selection, replay_rejected

    assert isinstance(selection, Selection)
    rows = [
        (done.result, done.rejected["topic"], done.rejected["partition"], done.rejected["offset"])
        async for done in replay_rejected(kafka, settings, selection, dry_run=dry_run)
    ]
    show_table(("result", "topic", "partition", "offset"), rows)


if __name__ == "__main__":
    main()

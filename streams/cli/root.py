"""The commands. Data goes to standard output, messages and progress to standard error.

Exit codes: 0 done; 1 the answer is no (an unknown report, a verdict that is not exact, a fault that the doctor found);
2 something must be set right first; 3 the demo ran without Kafka; 75 the worker ended in doubt, start it again.
"""

import asyncio
import os
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import Annotated

import typer

from streams.broker import BrokerUnavailable
from streams.cli.audit import audit_app
from streams.cli.decisions import decide
from streams.cli.rejected import rejected_app
from streams.cli.simulation import demo, simulate
from streams.console import Json, say, show_json, show_table, write_line
from streams.errors import ConfigurationError
from streams.logs import in_json, set_up_logging
from streams.memory import without_looking_for_garbage
from streams.settings import load_settings

app = typer.Typer(
    name="meldingsvakt",
    help="Knows that a report was sent but never stored.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
app.command()(simulate)
app.command()(demo)
app.command()(decide)
app.add_typer(audit_app, name="audit")
app.add_typer(rejected_app, name="rejected")


def main() -> None:
    """Run a command; what the user can set right is one sentence and exit code 2."""
    try:
        app()
    except (ConfigurationError, BrokerUnavailable) as error:
        say(f"meldingsvakt: {error}", "ERROR")
        sys.exit(2)
    except BrokenPipeError:
        sys.stderr.close()  # the reader of our output has gone, as `head` does
        sys.exit(0)


@app.callback()
def _set_up(context: typer.Context) -> None:
    if context.invoked_subcommand != "broker":  # which has no settings
        _, settings = load_settings()
        set_up_logging(settings, library=False)


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
    from streams.kafka.append_times import looked_at_beginnings
    from streams.kafka.topics import ensure_topics, wanted_topics

    kafka, settings = load_settings()
    created = asyncio.run(ensure_topics(kafka, settings, create=True))
    rows = [(topic.name, "created" if topic.name in created else "verified") for topic in wanted_topics(settings)]
    if as_json:
        show_json([{"topic": name, "result": result} for name, result in rows])
    else:
        show_table(("topic", "result"), rows)
    for sentence in asyncio.run(looked_at_beginnings(kafka, settings)):
        say(sentence, "WARNING")


@app.command()
def worker() -> None:
    """Run the checker: the same as `faust -A streams.app worker --without-web`."""
    if find_spec("uvloop"):  # not to be had on every system
        os.environ.setdefault("FAUST_LOOP", "uvloop")  # Faust reads it as it is imported; its --loop comes too late
    # What is imported stays: Python would look through it for garbage again and again, for a quarter of the time.
    with without_looking_for_garbage():
        from faust.cli.faust import cli

        import streams.app  # noqa: F401 - what cli imports by its name

    banner = ["--quiet"] if in_json() else []
    # The level that counts is in the logging configuration; from WARNING on Faust would show its spinner.
    cli(["-A", "streams.app", *banner, "worker", "--without-web", "--loglevel", "info"])


@app.command()
def view() -> None:
    """Serve the state tables: queries, files, SQL and a page, on loopback unless set otherwise."""
    with without_looking_for_garbage():
        from streams.view.http.server import serve

    serve(*load_settings())


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
    from streams.kafka.permissions import listed

    kafka, settings = load_settings()
    if rights:
        columns = ("part", "kind", "name", "pattern", "operations")
        if as_json:
            for line in listed(settings):
                show_json(dict(zip(columns, line, strict=True)))
        else:
            show_table(columns, listed(settings))
        return
    read_batches_within(settings.max_batch_bytes)
    findings = asyncio.run(examine(kafka, settings, probe=probe))
    if as_json:
        for finding in findings:
            show_json(finding._asdict())
    else:
        show_table(("check", "state", "found", "what to do"), findings)
    if any(finding.state is FindingState.FAULT for finding in findings):
        raise typer.Exit(1)


@app.command()
def replay(
    file: Annotated[
        Path, typer.Argument(help="A script: one record, feed mark or tick a line, in order of arrival; - for stdin.")
    ],
    policy: Annotated[Path | None, typer.Option(help="The policy file, else MELDINGSVAKT_POLICY.")] = None,
    until: Annotated[str | None, typer.Option(help="Where the clock ends (RFC 3339 with a zone).")] = None,
    states: Annotated[bool, typer.Option("--states", help="Also print each final row.")] = False,
) -> None:
    """Play a script through the pure checker on a virtual clock: what would it have said?"""
    from schemas.common import parse_time
    from streams.commands.replay import Replay, event_line, read_script
    from streams.core.rules import Limits, Rules
    from streams.data import succession
    from streams.policies import load_policy

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
    for reason, count in sorted(played.unjudged.items()):
        say(f"{count} not judged: {reason}")


@app.command()
def explain(
    report: Annotated[str, typer.Argument(help="The report's id, its first eight digits, or a message's id.")],
    as_json: Json = False,
) -> None:
    """Why is this report missing: its time line, with offsets."""
    from streams.commands.explain import explain as explained
    from streams.kafka.batches import read_batches_within

    kafka, settings = load_settings()
    read_batches_within(settings.max_batch_bytes)
    found = asyncio.run(explained(kafka, settings, report))
    if found is None:
        say(f"No record about {report} is in the inputs or in the state.")
        raise typer.Exit(1)
    if as_json:
        show_json(found)
        return
    state, coverage = found["state"] or {}, found["coverage"] or {}
    show_table(("", ""), [(name, state.get(name)) for name in _EXPLAINED] + [
        ("complete_until", coverage.get("complete_until")), ("gap", coverage.get("gap")),
    ])  # fmt: skip
    columns = ("arrived", "fact", "says", "topic", "partition", "offset", "window", "unreadable", "copied_from")
    show_table(columns, [[entry[name] for name in columns] for entry in found["timeline"]])
    for hole in found["unreadable"]:
        say(
            f"{hole['topic']}-{hole['partition']} cannot be read from offset {hole['offset']} to {hole['next_offset']} "
            f"({hole['cause']}): what it said of this report, if anything, is not known."
        )
    events = ("type", "event_id", "episode", "reason", "cause", "outcome")
    if found["events"]:
        show_table(events, [[event.get(name) for name in events] for event in found["events"]])


_EXPLAINED = (
    "report_id", "status", "reason", "sent_at", "due_at", "alarm_at", "receipt", "stored_at", "evidence",
    "recovered_at", "feed", "episode", "outcome", "closed_at", "attempts", "flags", "policy_version",
)  # fmt: skip

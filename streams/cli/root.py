"""The commands. Data goes to standard output, messages and progress to standard error.

Exit codes: 0 done; 1 the answer is no (an unknown report, a verdict that is not exact, a fault that the doctor found);
2 something must be set right first; 3 the demo ran without Kafka; 70 a mistake of the program; 75 the worker ended in
doubt, start it again.
"""

import asyncio
import os
import sys
import traceback
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from typing import Annotated

import typer
from typer.exceptions import TyperException

from streams.broker import BrokerUnavailable
from streams.cli.audit import audit_app
from streams.cli.completion import COMPLETION_EXAMPLES, can_be_completed, completion
from streams.cli.config import CONFIG_EXAMPLES, config
from streams.cli.decisions import DECIDE_EXAMPLES, decide
from streams.cli.doctor import DOCTOR_EXAMPLES, doctor
from streams.cli.explain import EXPLAIN_EXAMPLES, explain
from streams.cli.rejected import rejected_app
from streams.cli.simulation import DEMO_EXAMPLES, SIMULATE_EXAMPLES, demo, simulate
from streams.cli.usage import Commands, examples, sentence_about
from streams.console import Json, say, show_json, show_table, write_line
from streams.errors import ConfigurationError, why_unreadable
from streams.logs import in_json, set_up_logging
from streams.memory import without_looking_for_garbage
from streams.settings import load_settings

EXIT_MISTAKE = 70  # sysexits.h: an internal error
WITHOUT_SETTINGS = ("broker", "completion", "config")  # `config` tells itself what is wrong with one

app = Commands(
    name="meldingsvakt",
    help="Knows that a report was sent but never stored.",
    epilog=examples("meldingsvakt demo", "meldingsvakt doctor", "meldingsvakt explain 3f2b8c1e"),
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
app.command(epilog=SIMULATE_EXAMPLES)(simulate)
app.command(epilog=DEMO_EXAMPLES)(demo)
app.command(epilog=DECIDE_EXAMPLES)(decide)
app.command(epilog=CONFIG_EXAMPLES)(config)
app.command(epilog=COMPLETION_EXAMPLES)(completion)
app.command(epilog=EXPLAIN_EXAMPLES)(explain)
app.command(epilog=DOCTOR_EXAMPLES)(doctor)
app.add_typer(audit_app, name="audit")
app.add_typer(rejected_app, name="rejected")


def main() -> None:
    """Run a command; what the user can set right is one sentence and exit code 2."""
    can_be_completed()
    try:
        code = app(standalone_mode=False, prog_name="meldingsvakt")
    except TyperException as error:
        if error.format_message():  # none where the help was shown in place of a call that says nothing
            say(f"meldingsvakt: {sentence_about(error)}", "ERROR")
        sys.exit(2)
    except (ConfigurationError, BrokerUnavailable) as error:
        say(f"meldingsvakt: {error}", "ERROR")
        sys.exit(2)
    except BrokenPipeError:
        sys.stderr.close()  # the reader of our output has gone, as `head` does
        sys.exit(0)
    except Exception as error:  # noqa: BLE001 - nobody is to read Python's own words, nor what a record says in them
        say(f"meldingsvakt: {_mistake(error)}", "ERROR")
        sys.exit(EXIT_MISTAKE)
    sys.exit(code if isinstance(code, int) else 0)


def _mistake(error: Exception) -> str:
    """A mistake of ours, by its kind and place alone: what it says may quote a record."""
    *_, place = traceback.extract_tb(error.__traceback__)
    return (
        f"this is a mistake of the program ({type(error).__name__} in {Path(place.filename).name}, line "
        f"{place.lineno}): please tell its maintainers what you did, and which version you have "
        "(`meldingsvakt --version`)."
    )


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"meldingsvakt {version('meldingsvakt')}")
        raise typer.Exit


@app.callback()
def _set_up(
    context: typer.Context,
    shown: Annotated[
        bool, typer.Option("--version", help="The version of this program.", callback=_version, is_eager=True)
    ] = False,
) -> None:
    asks_for_help = "--help" in sys.argv[1:]
    if context.invoked_subcommand not in WITHOUT_SETTINGS and not asks_for_help:
        _, settings = load_settings()
        set_up_logging(settings, library=False)


@app.command(epilog=examples("meldingsvakt broker", "meldingsvakt broker --nodes 3 --dir /var/lib/kafka"))
def broker(
    nodes: Annotated[int, typer.Option(min=1, max=9, help="How many brokers; three replicate.")] = 1,
    port: Annotated[int, typer.Option(min=0, max=65000, help="The first client port; 0 takes free ones.")] = 0,
    directory: Annotated[Path | None, typer.Option("--dir", help="Keep the data here.")] = None,
) -> None:
    """Run real Apache Kafka from its jars, without Docker; prints `ready BOOTSTRAP`."""
    from streams.broker import run_broker

    run_broker(nodes, port, directory)


@app.command(epilog=examples("meldingsvakt topics"))
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


@app.command(epilog=examples("meldingsvakt worker"))
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


@app.command(epilog=examples("meldingsvakt view"))
def view() -> None:
    """Serve the state tables: queries, files, SQL and a page, on loopback unless set otherwise."""
    with without_looking_for_garbage():
        from streams.view.http.server import serve

    serve(*load_settings())


@app.command(epilog=examples("meldingsvakt intake"))
def intake() -> None:
    """Serve the door for proofs and decisions over HTTP, on loopback unless set otherwise."""
    with without_looking_for_garbage():
        from streams.intake.server import serve

    serve(*load_settings())


@app.command(epilog=examples("meldingsvakt replay script.ndjson --policy policy.toml --states"))
def replay(
    file: Annotated[
        Path, typer.Argument(help="A script: one record, feed mark or tick a line, in order of arrival; - for stdin.")
    ],
    policy: Annotated[Path | None, typer.Option(help="The policy file, else MELDINGSVAKT_POLICY.")] = None,
    until: Annotated[
        str | None, typer.Option(help="Where the clock ends (RFC 3339 with a zone).", metavar="TIME")
    ] = None,
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
            f"The script {file} cannot be read ({why_unreadable(error)}): name an existing file."
        ) from None
    if states:
        for state in played.states():
            show_json(state)
    for reason, count in sorted(played.rejected.items()):
        say(f"{count} unreadable: {reason}")
    for reason, count in sorted(played.unjudged.items()):
        say(f"{count} not judged: {reason}")

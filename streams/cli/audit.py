"""`meldingsvakt audit`: what became of every report, from whatever evidence remains."""

from pathlib import Path
from typing import Annotated

import typer

from streams.cli.audit_diff import DIFF_EXAMPLES, diff
from streams.cli.usage import Commands, examples
from streams.console import Json, say, write_line
from streams.errors import ConfigurationError
from streams.settings import load_settings

audit_app = Commands(
    name="audit",
    help="What became of every report, from whatever evidence remains: exports and topics of any age.",
    epilog=examples(
        "meldingsvakt audit --sent sent.csv --stored stored.csv --out result",
        "meldingsvakt audit --mapping sources.toml --policy policy.toml --out result",
        "meldingsvakt audit --kafka --from 2026-01-01T00:00:00Z --out result",
        "meldingsvakt audit diff result",
    ),
)
audit_app.command(epilog=DIFF_EXAMPLES)(diff)
Paths = list[Path] | None


@audit_app.callback(invoke_without_command=True)
def audit(
    context: typer.Context,
    sent: Annotated[Paths, typer.Option(help="Files of sent facts in our own columns.")] = None,
    receipt: Annotated[Paths, typer.Option(help="Files of receipts.")] = None,
    stored: Annotated[Paths, typer.Option(help="Files of proofs of storage.")] = None,
    portal: Annotated[Paths, typer.Option(help="The portal's history list.")] = None,
    decision: Annotated[Paths, typer.Option(help="Lists of what people decided of alarms.")] = None,
    feed_mark: Annotated[Paths, typer.Option(help="Lists of what feeds vouched for.")] = None,
    mapping: Annotated[Path | None, typer.Option(help="Sources with others' columns, zones and values (TOML).")] = None,
    everybody: Annotated[
        bool, typer.Option("--all-receivers", help="The --stored files cover every receiver; else that is measured.")
    ] = False,
    kafka: Annotated[bool, typer.Option("--kafka", help="Read the input topics, too.")] = False,
    since: Annotated[
        str | None, typer.Option("--from", help="Topics from this time, or offsets: sent-0=12.", metavar="TIME")
    ] = None,
    to: Annotated[str | None, typer.Option("--to", help="Topics up to this time, or offsets.", metavar="TIME")] = None,
    until: Annotated[
        str | None, typer.Option(help="Where time ends: all that arrived before is there.", metavar="TIME")
    ] = None,
    policy: Annotated[Path | None, typer.Option(help="The policy file, else MELDINGSVAKT_POLICY.")] = None,
    out: Annotated[Path | None, typer.Option(help="A new folder for the result.")] = None,
    per_receiver: Annotated[bool, typer.Option("--per-receiver", help="Also one file a receiver.")] = False,
    suppress_small: Annotated[
        bool, typer.Option("--suppress-small", help="For publication: no count under five, no single report.")
    ] = False,
    as_json: Json = False,
) -> None:
    """What became of every report, from whatever evidence remains; an interrupted audit goes on where it was."""
    if context.invoked_subcommand is not None:
        return
    from streams.audit.load.load import SourceUnfit
    from streams.audit.request import Files, Topics, asked_for, span_of, time_of, work_for
    from streams.audit.result.folder import Options, ensure_writable, write_result
    from streams.audit.result.summary import as_json as summary_json
    from streams.audit.result.summary import summary
    from streams.audit.result.terminal import terminal
    from streams.audit.run import audit as run
    from streams.kafka.batches import read_batches_within

    if out is None:
        raise ConfigurationError("Say with --out which new folder the result is to be written to.")
    ensure_writable(out)
    connecting, settings = load_settings()
    read_batches_within(settings.max_batch_bytes)
    given = Files(
        {"sent": sent or (), "receipt": receipt or (), "stored": stored or (), "portal": portal or (),
         "decision": decision or (), "feed_mark": feed_mark or ()},
        mapping, everybody,
    )  # fmt: skip
    topics = Topics(connecting, span_of(since, to, settings.inputs)) if kafka else None
    asked = asked_for(given, topics, settings, policy=policy, until=time_of("--until", until))
    work = work_for(out, asked, topics)
    try:
        if work.open():
            say(f"Going on with what {work.folder} has already.")
        audited = run(work, asked)
        write_result(audited, out, options=Options(per_receiver, suppress_small))
    except SourceUnfit:
        work.remove()
        raise
    except KeyboardInterrupt:
        say(f"Interrupted: the same command goes on with what {work.folder} has.")
        raise typer.Exit(130) from None
    found = summary(audited)
    work.remove()
    if as_json:
        write_line(summary_json(found))
    else:
        terminal(found, out)

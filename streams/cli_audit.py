"""`meldingsvakt audit`: what became of every report, from whatever evidence remains."""

import asyncio
import sys
from collections.abc import Sequence
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from streams.console import Json, say, show_json
from streams.errors import ConfigurationError
from streams.settings import load_settings

if TYPE_CHECKING:
    from streams.audit.plan import Source
    from streams.audit.sources import Found
    from streams.audit.work import Work

audit_app = typer.Typer(
    name="audit", help="What became of every report, from whatever evidence remains: exports and topics of any age."
)
# Who looks back on everything has nothing to forget.
FOR_GOOD = timedelta(days=365_000)
Files = list[Path] | None


@audit_app.callback(invoke_without_command=True)
def audit(
    context: typer.Context,
    sent: Annotated[Files, typer.Option(help="Files of sent facts in our own columns.")] = None,
    receipt: Annotated[Files, typer.Option(help="Files of receipts.")] = None,
    stored: Annotated[Files, typer.Option(help="Files of proofs of storage.")] = None,
    portal: Annotated[Files, typer.Option(help="The portal's history list.")] = None,
    mapping: Annotated[
        Path | None, typer.Option(help="Sources with columns, zones and values of others (TOML).")
    ] = None,
    kafka: Annotated[bool, typer.Option("--kafka", help="Read the input topics, too.")] = False,
    since: Annotated[
        str | None,
        typer.Option("--from", help="Read topics from this time, or from offsets such as sent-0=12,stored-3=7."),
    ] = None,
    to: Annotated[str | None, typer.Option("--to", help="Read topics up to this time, or up to offsets.")] = None,
    everybody: Annotated[
        bool,
        typer.Option(
            "--all-receivers",
            help="The --stored files cover every receiver, as declared by you; else that is measured.",
        ),
    ] = False,
    until: Annotated[str | None, typer.Option(help="Where time ends: nothing from then on has arrived.")] = None,
    policy: Annotated[Path | None, typer.Option(help="The policy file, else MELDINGSVAKT_POLICY.")] = None,
    out: Annotated[Path | None, typer.Option(help="A new folder for the result.")] = None,
    per_receiver: Annotated[bool, typer.Option("--per-receiver", help="Also one file a receiver.")] = False,
    suppress_small: Annotated[
        bool, typer.Option("--suppress-small", help="For publication: no count under five, no list.")
    ] = False,
    as_json: Json = False,
) -> None:
    """What became of every report, from whatever evidence remains; an interrupted audit goes on where it was."""

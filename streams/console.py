"""How the commands talk: data on standard output, messages on standard error."""

import sys
from collections.abc import Iterable, Sequence
from typing import Annotated, Any
from unicodedata import category

import orjson
import typer
from rich.console import Console
from rich.table import Table

from streams.logs import in_json, json_line

Json = Annotated[bool, typer.Option("--json", help="JSON instead of a table.")]
# Control characters, and those that turn the direction of writing round or are not seen.
_ORDERS = frozenset({"Cc", "Cf", "Cs", "Co"})
messages = Console(stderr=True, highlight=False, soft_wrap=True)


def say(text: str, level: str = "INFO") -> None:
    """A message for the person at the terminal; a log line where those are JSON."""
    if in_json():
        sys.stderr.write(json_line(level, text) + "\n")
        sys.stderr.flush()
    else:
        messages.print(visible(text), markup=False)


def visible(text: str) -> str:
    """What a producer or somebody else wrote, with what a terminal would take for orders written out."""
    return "".join(
        letter.encode("unicode_escape").decode() if category(letter) in _ORDERS and letter != "\n" else letter
        for letter in text
    )


def show_json(value: Any) -> None:
    """One value as JSON on a line of its own."""
    write_line(orjson.dumps(value))


def write_line(line: bytes) -> None:
    """One line of data."""
    sys.stdout.buffer.write(line + b"\n")
    sys.stdout.buffer.flush()


def show_table(columns: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """Data as a table; whole and unwrapped where standard output is no terminal."""
    console = Console(highlight=False)
    if not console.is_terminal:
        console = Console(highlight=False, width=10_000)
    table = Table(*columns, box=None, pad_edge=False)
    for row in rows:
        table.add_row(*("" if cell is None else visible(str(cell)) for cell in row))
    console.print(table)

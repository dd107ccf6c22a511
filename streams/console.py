"""How the commands talk: data on standard output, messages on standard error.

On a terminal nothing is cut and no word is torn: lines end between words, and a row that is too wide for a line of the
table stands as a block. Where there is no terminal every line is whole.
"""

import re
import sys
import textwrap
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Annotated, Any
from unicodedata import category

import orjson
import typer
from rich.cells import cell_len
from rich.console import Console
from rich.text import Text

from streams.logs import in_json, json_line

Json = Annotated[bool, typer.Option("--json", help="JSON instead of a table.")]
# Control characters, and those that turn the direction of writing round or are not seen.
_ORDERS = frozenset({"Cc", "Cf", "Cs", "Co"})
_WIDE = 10_000  # of what is no terminal
_GAP, _KEPT, _MORE = "  ", "\N{NO-BREAK SPACE}", " \\"
messages = Console(stderr=True, highlight=False, soft_wrap=True)


def say(text: str, level: str = "INFO") -> None:
    """A message for the person at the terminal; a log line where those are JSON."""
    if in_json():
        sys.stderr.write(json_line(level, text) + "\n")
        sys.stderr.flush()
    else:
        for line in wrapped(visible(text), messages):
            messages.print(line, markup=False)


@contextmanager
def doing(text: str) -> Iterator[None]:
    """What goes on meanwhile, on a terminal for as long as the block lasts; whoever waits is told at once."""
    if messages.is_terminal and not in_json():
        with messages.status(Text(text)):
            yield
    else:
        yield


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


def output() -> Console:
    """Standard output as it is now: its width, and whether it has colours."""
    return Console(highlight=False)


def width_of(console: Console) -> int:
    """How wide a line may be; of what is no terminal, as wide as it is."""
    return console.width if console.is_terminal else _WIDE


def wrapped(text: str, console: Console, first: str = "", others: str = "") -> list[str]:
    """Lines that end between words, what stands before each included; what is in backticks stays on one line."""
    parts = text.split("`")
    whole = "`".join(part.replace(" ", _KEPT) if number % 2 else part for number, part in enumerate(parts))
    lines = list[str]()
    for paragraph in whole.split("\n"):
        lines += textwrap.wrap(
            paragraph, width_of(console), initial_indent=others if lines else first, subsequent_indent=others,
            break_long_words=False, break_on_hyphens=False,
        ) or [""]  # fmt: skip
    return [line.replace(_KEPT, " ") for line in lines]


def show_text(text: str, first: str = "", others: str = "", style: str = "") -> None:
    """Words as data, wrapped."""
    console = output()
    for line in wrapped(visible(text), console, first, others):
        console.print(Text(line, style), soft_wrap=True)


def show_advice(advice: str, first: str = "", others: str = "") -> None:
    """What to do, wrapped; a command, which stands in backticks, has lines of its own that can be copied."""
    for number, part in enumerate(advice.split("`")):
        if number % 2:
            for line in command_lines(part, width_of(output()) - len(_GAP)):
                output().print(Text(f"{_GAP}{line}", "cyan"), soft_wrap=True)
        elif words := part.strip(" ,;"):
            show_text(words, others if number else first, others)


def command_lines(command: str, width: int) -> list[str]:
    """A command on as many lines as it takes, as a shell reads it: each but the last ends in a backslash."""
    lines = [""]
    for word in re.findall(r'(?:"[^"]*"|\S)+', command):
        if lines[-1] and len(lines[-1]) + len(word) + len(" ") + len(_MORE) > width:
            lines[-1] += _MORE
            lines.append(f"{_GAP}{word}")
        else:
            lines[-1] += f" {word}" if lines[-1] else word
    return lines


def show_table(columns: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """Data as a table; each row as a block of its own where a line would be wider than the terminal."""
    console = output()
    cells = [[_cell(cell) for cell in row] for row in rows]
    widths = [max(map(cell_len, column)) for column in zip(columns, *cells, strict=True)]
    if sum(widths) + len(_GAP) * (len(widths) - 1) > width_of(console):
        _show_blocks(columns, cells)
        return
    for row, style in [(columns, "bold"), *((row, "") for row in cells)]:
        line = _GAP.join(cell + " " * (width - cell_len(cell)) for cell, width in zip(row, widths, strict=True))
        if line.strip() or row is not columns:
            console.print(Text(line.rstrip(), style), soft_wrap=True)


def _cell(value: object) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return "" if value is None else visible(str(value)).replace("\n", "\\n")


def show_fields(fields: Iterable[tuple[str, object]], indent: str = "") -> None:
    """Names and values, one a line; what has no value is left out."""
    given = [(name, str(value)) for name, value in fields if value is not None and value != ""]
    width = max((len(name) for name, _ in given), default=0)
    for name, value in given:
        show_text(value, f"{indent}{name:<{width}}{_GAP}", f"{indent}{' ' * width}{_GAP}")


def _show_blocks(columns: Sequence[str], rows: list[list[str]]) -> None:
    for number, row in enumerate(rows):
        if number:
            show_text("")
        show_fields(zip(columns, row, strict=True))

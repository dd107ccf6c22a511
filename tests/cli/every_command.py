"""Every command there is, read from the program itself, so that none is forgotten."""

from collections.abc import Iterator
from typing import Any

from typer.main import get_command

from streams.cli import app


def every_command() -> dict[tuple[str, ...], Any]:
    """Each command by the words that call it; those that have commands of their own are among them."""
    return dict(_below((), get_command(app)))


def _below(words: tuple[str, ...], command: Any) -> Iterator[tuple[tuple[str, ...], Any]]:
    yield words, command
    for name, each in getattr(command, "commands", {}).items():
        yield from _below((*words, name), each)

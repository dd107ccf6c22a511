"""The command that lets a shell complete what is typed.

The library has it as options that write into the user's files, too. What lies behind them is private to it: the test
that has a shell complete something tells when it has moved.
"""

from enum import StrEnum
from typing import Annotated

import typer
from typer._completion_classes import completion_init as can_be_completed
from typer._completion_shared import get_completion_script

from streams.cli.usage import examples

__all__ = ["COMPLETION_EXAMPLES", "can_be_completed", "completion"]
COMPLETION_EXAMPLES = examples(
    "source <(meldingsvakt completion bash)",
    "source <(meldingsvakt completion zsh)",
    "meldingsvakt completion fish > ~/.config/fish/completions/meldingsvakt.fish",
)


class Shell(StrEnum):
    """A shell that can complete."""

    BASH = "bash"
    ZSH = "zsh"
    FISH = "fish"


def completion(shell: Annotated[Shell, typer.Argument(help="Your shell: bash, zsh or fish.")]) -> None:
    """Print the script by which a shell completes commands and options."""
    name = "meldingsvakt"
    typer.echo(get_completion_script(prog_name=name, complete_var=f"_{name.upper()}_COMPLETE", shell=shell))

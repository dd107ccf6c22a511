"""What every command says of itself, and how a shell completes it."""

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from streams.cli import app
from tests.cli.every_command import every_command

COMMANDS = every_command()
WIDTHS = (80, 120)
TYPES = re.compile(r"<(bool|str|int|float|path|list)|list\[")


def _help(words: tuple[str, ...], columns: int) -> list[str]:
    done = CliRunner().invoke(app, [*words, "--help"], env={"COLUMNS": str(columns), "TERMINAL_WIDTH": str(columns)})
    assert done.exit_code == 0
    return [line.rstrip() for line in done.stdout.splitlines()]


@pytest.mark.parametrize("columns", WIDTHS)
@pytest.mark.parametrize("words", COMMANDS, ids=" ".join)
def test_help_is_whole_and_plain(words: tuple[str, ...], columns: int) -> None:
    lines = _help(words, columns)
    assert [line for line in lines if len(line) > columns or "\N{HORIZONTAL ELLIPSIS}" in line] == []
    assert [line for line in lines if TYPES.search(line)] == []
    assert " Examples:" in lines


def _examples() -> list[str]:
    return sorted({line for each in COMMANDS.values() for line in each.epilog.splitlines()[1:]})


@pytest.mark.parametrize("line", _examples())
def test_an_example_is_a_call_that_the_command_takes(line: str) -> None:
    plain = re.sub(r"^source <\((.*)\)$", r"\1", line).split(" > ")[0]
    program, *words = shlex.split(plain)
    assert program == "meldingsvakt"
    command, context = COMMANDS[()], None
    while words and words[0] in getattr(command, "commands", {}):
        command = command.commands[words.pop(0)]
    context = command.make_context(command.name, words)  # raises where it does not fit
    assert context.command is command
    assert f" {line}" in _help(_words(command), 80)


def _words(command: Any) -> tuple[str, ...]:
    return next(words for words, each in COMMANDS.items() if each is command)


def test_the_version_is_that_of_the_distribution() -> None:
    done = CliRunner().invoke(app, ["--version"])
    assert re.fullmatch(r"meldingsvakt \d+\.\d+\.\d+\n", done.stdout)


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_each_shell_has_a_script_to_complete_by(shell: str) -> None:
    script = CliRunner().invoke(app, ["completion", shell]).stdout
    assert f"_MELDINGSVAKT_COMPLETE=complete_{shell}" in script


def test_bash_completes_commands_and_options() -> None:
    script = CliRunner().invoke(app, ["completion", "bash"]).stdout
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    asked = 'COMP_WORDS=({words}); COMP_CWORD={at}; _meldingsvakt_completion meldingsvakt; echo "${{COMPREPLY[@]}}"'
    for words, at, wanted in (("meldingsvakt expl", 1, "explain"), ("meldingsvakt doctor --pr", 2, "--probe")):
        asks = f"{script}\n{asked.format(words=words, at=at)}"
        done = subprocess.run(
            ["bash", "-c", asks], capture_output=True, text=True, check=True, env=os.environ | {"PATH": path}
        )
        assert done.stdout.split() == [wanted]

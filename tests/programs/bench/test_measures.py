"""The page of delay, restart, idling and growth."""

from importlib import import_module

from tests.programs.bench.measures import COMMANDS, page


def test_it_has_a_section_for_every_command_with_what_that_printed() -> None:
    made = page({name: f"\n| {name} |\n" for name in COMMANDS}, "2026-01-01")
    assert made.startswith("# Delay, restart, idling and growth\n\n2026-01-01, meldingsvakt ")
    for name, what in COMMANDS.items():
        assert f"\n## {name.capitalize()}\n\n{what} `python -m tests.programs.bench.{name}`\n\n| {name} |\n" in made


def test_every_command_is_there() -> None:
    assert all(callable(import_module(f"tests.programs.bench.{name}").main) for name in COMMANDS)

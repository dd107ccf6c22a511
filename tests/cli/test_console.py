"""What somebody else wrote is shown, and gives the terminal no orders."""

import re

import pytest
from rich.console import Console

from streams.console import command_lines, say, show_advice, show_table, visible

ORDERS = ["\x1b[31mred", "\x1b]0;title\x07", "a\rb", "\x9b2J", "a\bb", "\u202etxet", "\u200bhidden", "\x00"]


@pytest.mark.parametrize("text", ORDERS)
def test_what_is_shown_gives_no_orders(text: str, capsys: pytest.CaptureFixture[str]) -> None:
    show_table(["says"], [[text]])
    say(f"It says {text}.")
    shown = capsys.readouterr()
    for said in (shown.out, shown.err, visible(text)):
        assert not [letter for letter in said if not letter.isprintable() and letter != "\n"]
    assert "\\" in shown.out


def test_what_is_plain_stays_as_it_is() -> None:
    assert visible("Tromsø: 3\nlinjer ✓") == "Tromsø: 3\nlinjer ✓"


def _in_columns(monkeypatch: pytest.MonkeyPatch, columns: int) -> None:
    monkeypatch.setenv("COLUMNS", str(columns))
    monkeypatch.setattr("streams.console.output", lambda: Console(highlight=False, force_terminal=True, no_color=True))


def test_a_row_that_is_too_wide_is_a_block_with_whole_values(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    ids = ["3f2b8c1e-5a4d-4e0b-9c1a-7d2e6f8a9b10", "bfea11b9-8ddb-57ce-864c-79d4db78a85f"]
    _in_columns(monkeypatch, 74)
    show_table(["report", "event"], [ids])
    assert "  ".join(ids) in capsys.readouterr().out
    _in_columns(monkeypatch, 73)
    show_table(["report", "event"], [ids, ids])
    block = f"report  {ids[0]}\nevent   {ids[1]}\n"
    assert capsys.readouterr().out == f"{block}\n{block}"


def test_a_command_goes_on_behind_a_backslash_and_its_quotes_stay_whole() -> None:
    command = 'kafka-acls --bootstrap-server "$KAFKA_BROKERS" --allow-principal "User:a b" --operation Write'
    lines = command_lines(command, 50)
    assert lines == [
        'kafka-acls --bootstrap-server "$KAFKA_BROKERS" \\',
        '  --allow-principal "User:a b" --operation Write',
    ]
    assert max(map(len, lines)) <= 50


def test_advice_puts_commands_on_lines_of_their_own(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    _in_columns(monkeypatch, 80)
    show_advice("stop the workers, `kafka-topics --delete`, and start them", "-> ", "   ")
    assert re.sub(r"\x1b\[[0-9;]*m", "", capsys.readouterr().out).splitlines() == [
        "-> stop the workers", "  kafka-topics --delete", "   and start them",
    ]  # fmt: skip


def test_a_message_is_whole_where_there_is_no_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    say("word " * 60 + "end")
    assert capsys.readouterr().err == "word " * 60 + "end\n"

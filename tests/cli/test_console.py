"""What somebody else wrote is shown, and gives the terminal no orders."""

import pytest

from streams.console import say, show_table, visible

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

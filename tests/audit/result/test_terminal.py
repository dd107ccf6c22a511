"""The answer on the terminal."""

from pathlib import Path

import pytest

from streams.audit.result.summary import summary
from streams.audit.result.terminal import terminal
from tests.audit.result.stock import audited, few, many, source


def test_it_begins_with_the_answer_and_ends_with_the_files(capsys: pytest.CaptureFixture[str], large: Path) -> None:
    terminal(summary(many()), large)
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == (
        "63 of 19,970 reports of concern lack confirmed storage, at 22 receivers; for 400 it cannot be told."
    )
    assert lines[-6:] == [str(large / name) for name in (
        "rapport.html", "rapport-nynorsk.html", "report.html", "missing.csv", "undetermined.csv", "summary.json",
    )]  # fmt: skip
    assert len(lines) < 50


def test_it_tells_the_books_the_reasons_and_the_sources(capsys: pytest.CaptureFixture[str]) -> None:
    terminal(summary(few()))
    said = " ".join(capsys.readouterr().out.split())
    for part in (
        "stored 31", "lacks confirmed storage 6", "cannot be told 10", "erased 1", "Sent 52", "The books balance",
        "receipted, not stored 4", "nobody has closed it 5", "handled another way 1",
        "no source shows what the receiver has stored 7", "sent.csv (sent) 100 2", "1 not JSON", "1 brand_new",
    ):  # fmt: skip
        assert part in said, part


def test_a_name_with_brackets_is_a_name(capsys: pytest.CaptureFixture[str]) -> None:
    terminal(summary(audited(sources=[source(1, name="[red]sent[/red].csv", warnings=["[bold]"])])))
    said = capsys.readouterr().out
    assert "[red]sent[/red].csv" in said
    assert "[bold]" in said


def test_of_very_many_sources_the_first_are_named(capsys: pytest.CaptureFixture[str]) -> None:
    terminal(summary(audited(sources=[source(n, name=f"file-{n}.csv") for n in range(40)])))
    said = capsys.readouterr().out
    assert "file-11.csv" in said
    assert "file-12.csv" not in said
    assert "28 others" in said

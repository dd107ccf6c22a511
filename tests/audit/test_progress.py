"""How far an audit is, said on a terminal and nowhere else."""

from io import StringIO

import pytest
from rich.console import Console

from streams.audit import progress


def said(monkeypatch: pytest.MonkeyPatch, *, terminal: bool) -> str:
    """What two steps say."""
    heard = StringIO()
    monkeypatch.setattr(progress, "messages", Console(file=heard, force_terminal=terminal, width=120))
    with progress.step("Reading sent.csv") as step:
        step.to(0.5, 1_250_000)
        step.progress.refresh()
    with progress.step("Sorting", known=False):
        pass
    return heard.getvalue()


def test_a_terminal_is_told_the_rows_the_share_and_the_time_left(monkeypatch: pytest.MonkeyPatch) -> None:
    heard = said(monkeypatch, terminal=True)
    for part in ("Reading sent.csv", "50%", "1 250 000 rows", "left", "100%", "Sorting"):
        assert part in heard


def test_what_is_no_terminal_is_told_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    assert said(monkeypatch, terminal=False).strip() == ""

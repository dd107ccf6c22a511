"""When marks are written: for one partition at a time, or for all that would be next."""

import time
from datetime import timedelta
from typing import Any

import pytest

from streams.engine.marker import due_together
from streams.engine.window import Window
from tests.engine.test_ledger import ledger

EVERY, PAUSE = timedelta(seconds=10), timedelta(milliseconds=200)


def quiet(seconds: float, *, outstanding: bool = False) -> Window:
    """A window without deadlines whose last set of marks was begun so long ago."""
    unused: Any = None
    window = Window(ledger(), unused, unused)
    window.marked_at = time.monotonic() - seconds
    if outstanding:
        window.ledger.marks.new_set()
    return window


@pytest.mark.parametrize("others", [[], [9.0], [0.0, 4.0, 5.5, 9.9]])
def test_nobody_is_due_before_one_has_been_quiet_for_long(others: list[float]) -> None:
    assert due_together([quiet(seconds) for seconds in others], EVERY, PAUSE) == []


def test_those_that_would_be_next_go_along() -> None:
    due, soon, fresh = quiet(10.0), quiet(5.5), quiet(4.5)
    assert due_together([fresh, soon, due], EVERY, PAUSE) == [due, soon]


def test_a_set_that_is_on_its_way_is_waited_for() -> None:
    due, underway = quiet(10.0), quiet(60.0, outstanding=True)
    assert due_together([underway, due], EVERY, PAUSE) == [due]


def test_a_deadline_is_the_business_of_its_own_partition(monkeypatch: pytest.MonkeyPatch) -> None:
    pressed, other = quiet(0.5), quiet(6.0)
    monkeypatch.setattr(pressed, "seconds_to_deadline", lambda: -0.1)
    assert due_together([pressed, other], EVERY, PAUSE) == [pressed]

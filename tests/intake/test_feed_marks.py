"""A feed vouches no further than what is still to be delivered, for a day."""

from datetime import UTC, datetime, timedelta

import pytest

from streams.intake import feed_marks
from streams.intake.feed_marks import EVER, HELD_SECONDS, NotDelivered, ensure_not_ahead, vouched
from streams.problems import Problem

NOW = datetime(2026, 1, 5, 12, tzinfo=UTC)


def test_a_feed_vouches_to_before_the_earliest_that_is_still_to_be_delivered() -> None:
    early, late = NOW - timedelta(hours=2), NOW - timedelta(hours=1)
    assert vouched(NOW, []) == NOW
    assert vouched(NOW, [late, early]) == early - timedelta(microseconds=1)
    assert vouched(early, [late]) == early
    assert vouched(NOW, [late, EVER]) is None


def test_what_is_not_delivered_holds_for_a_day_from_when_it_was_first_heard_of(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = [1000.0]
    monkeypatch.setattr("streams.intake.feed_marks.time.monotonic", lambda: clock[0])
    waiting = NotDelivered()
    assert waiting.holds("flyt", b"a")
    clock[0] += HELD_SECONDS - 1
    assert waiting.holds("flyt", b"a")
    clock[0] += 1
    assert not waiting.holds("flyt", b"a")
    assert waiting.holds("flyt", b"b")
    assert waiting.holds("other", b"a")


def test_what_is_forgotten_holds_once_more(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(feed_marks, "MOST_HELD", 2)
    clock = [1000.0]
    monkeypatch.setattr("streams.intake.feed_marks.time.monotonic", lambda: clock[0])
    waiting = NotDelivered()
    for what in (b"a", b"b", b"c"):
        waiting.holds("flyt", what)
    clock[0] += HELD_SECONDS
    assert [waiting.holds("flyt", what) for what in (b"c", b"a")] == [False, True]


def test_nobody_vouches_for_what_is_to_come() -> None:
    ensure_not_ahead(NOW + timedelta(minutes=5), NOW)
    with pytest.raises(Problem, match="Is it local time with a Z behind it"):
        ensure_not_ahead(NOW + timedelta(minutes=5, microseconds=1), NOW)

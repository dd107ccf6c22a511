"""A feed vouches no further than what is still to be delivered, for a day."""

from datetime import UTC, datetime, timedelta

import pytest

from streams.intake import feed_marks
from streams.intake.feed_marks import HELD_SECONDS, NotDelivered, ensure_not_ahead, vouched
from streams.intake.judged import EVER, Judged, Undelivered, nothing
from streams.problems import Problem

NOW = datetime(2026, 1, 5, 12, tzinfo=UTC)


def test_a_feed_vouches_to_before_the_earliest_that_is_still_to_be_delivered() -> None:
    early, late = NOW - timedelta(hours=2), NOW - timedelta(hours=1)
    assert vouched(NOW, []) == NOW
    assert vouched(NOW, [late, early]) == early - timedelta(microseconds=1)
    assert vouched(early, [late]) == early
    assert vouched(NOW, [late, EVER]) is None


def judged(*undelivered: Undelivered, known: tuple[bytes, ...] = ()) -> Judged:
    """Of a delivery in which these were not taken, and those messages were."""
    return nothing()._replace(undelivered=list(undelivered), known=list(known))


UNKNOWN, UNREAD = Undelivered(b"a", NOW, True), Undelivered(b"b", NOW)


@pytest.mark.parametrize("one", [UNKNOWN, UNREAD])
def test_what_is_not_delivered_holds_for_a_day_from_when_it_was_first_heard_of(
    monkeypatch: pytest.MonkeyPatch, one: Undelivered
) -> None:
    clock = [1000.0]
    monkeypatch.setattr("streams.intake.feed_marks.time.monotonic", lambda: clock[0])
    waiting = NotDelivered()
    assert NOW in waiting.holding("flyt", judged(one))
    clock[0] += HELD_SECONDS - 1
    assert NOW in waiting.holding("flyt", judged(one))
    clock[0] += 1
    assert waiting.holding("flyt", judged(one)) == []
    assert NOW in waiting.holding("other", judged(one))


def test_an_unknown_message_holds_back_what_comes_later_too_until_it_is_known() -> None:
    """A list may come in parts, and its feed's word with the last of them or alone."""
    waiting = NotDelivered()
    waiting.holding("flyt", judged(UNKNOWN))
    assert waiting.holding("flyt", judged()) == [NOW]
    assert waiting.holding("other", judged()) == []
    assert waiting.holding("flyt", judged(known=(b"c",))) == [NOW]
    assert waiting.holding("flyt", judged(known=(b"a",))) == []
    assert waiting.holding("flyt", judged()) == [NOW]  # its proof is not committed yet
    waiting.delivered("flyt", [b"a"])
    assert waiting.holding("flyt", judged()) == []


def test_what_could_not_be_read_holds_back_only_what_it_comes_with() -> None:
    waiting = NotDelivered()
    assert waiting.holding("flyt", judged(UNREAD)) == [NOW]
    assert waiting.holding("flyt", judged()) == []


def test_what_is_forgotten_holds_once_more(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(feed_marks, "MOST_HELD", 2)
    clock = [1000.0]
    monkeypatch.setattr("streams.intake.feed_marks.time.monotonic", lambda: clock[0])
    waiting = NotDelivered()
    first, second, third = (Undelivered(what, NOW) for what in (b"a", b"b", b"c"))
    waiting.holding("flyt", judged(first, second, third))
    clock[0] += HELD_SECONDS
    assert waiting.holding("flyt", judged(third)) == []
    assert waiting.holding("flyt", judged(first)) == [NOW]


def test_nobody_vouches_for_what_is_to_come() -> None:
    ensure_not_ahead(NOW + timedelta(minutes=5), NOW)
    with pytest.raises(Problem, match="Is it local time with a Z behind it"):
        ensure_not_ahead(NOW + timedelta(minutes=5, microseconds=1), NOW)

"""A feed vouches no further than what is still to be delivered, for a day."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

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


def test_however_much_cannot_be_read_no_hold_is_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(feed_marks, "MOST_HELD", 2)
    waiting = NotDelivered()
    waiting.holding("flyt", judged(UNKNOWN))
    waiting.holding("flyt", judged(*(Undelivered(str(number).encode(), NOW) for number in range(5))))
    assert waiting.holding("flyt", judged()) == [NOW]


def test_of_more_holds_than_can_be_remembered_the_feed_does_not_vouch_for_a_day(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(feed_marks, "MOST_HELD", 2)
    clock = [1000.0]
    monkeypatch.setattr("streams.intake.feed_marks.time.monotonic", lambda: clock[0])
    waiting = NotDelivered()
    first, second, third = (Undelivered(what, NOW, True) for what in (b"a", b"b", b"c"))
    assert waiting.holding("flyt", judged(first, second)) == [NOW, NOW, NOW]
    assert vouched(NOW, waiting.holding("flyt", judged(third))) is None
    waiting.delivered("flyt", [b"a", b"b", b"c"])
    clock[0] += HELD_SECONDS - 1
    assert waiting.holding("flyt", judged()) == [EVER]
    clock[0] += 1
    assert waiting.holding("flyt", judged()) == []


def test_what_has_held_for_a_day_makes_room_and_holds_no_more(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(feed_marks, "MOST_HELD", 1)
    clock = [1000.0]
    monkeypatch.setattr("streams.intake.feed_marks.time.monotonic", lambda: clock[0])
    waiting = NotDelivered()
    later = NOW + timedelta(hours=1)
    waiting.holding("flyt", judged(UNKNOWN))
    clock[0] += HELD_SECONDS
    assert waiting.holding("flyt", judged(Undelivered(b"c", later, True))) == [later, later]
    assert waiting.holding("flyt", judged(UNKNOWN)) == [later]


OPERATIONS = st.lists(
    st.tuples(
        st.sampled_from(["unknown", "unread", "known", "committed"]),
        st.sampled_from([b"a", b"b", b"c"]),
        st.integers(0, 3).map(lambda hours: NOW + timedelta(hours=hours)),
    ),
    max_size=20,
)


@given(OPERATIONS)
def test_the_earliest_of_what_holds_is_what_holds(operations: list[tuple[str, bytes, datetime]]) -> None:
    """Against a plain table of all that holds, without bounds or days."""
    waiting, table = NotDelivered(), dict[bytes, datetime]()
    for name, what, at in operations:
        if name == "committed":
            waiting.delivered("flyt", [what])
            table.pop(what, None)
        elif name == "known":
            expected = min((time for one, time in table.items() if one != what), default=None)
            assert min(waiting.holding("flyt", judged(known=(what,))), default=None) == expected
        else:
            waiting.holding("flyt", judged(Undelivered(what, at, name == "unknown")))
            if name == "unknown":
                table[what] = at
        assert min(waiting.holding("flyt", judged()), default=None) == min(table.values(), default=None)


def test_nobody_vouches_for_what_is_to_come() -> None:
    ensure_not_ahead(NOW + timedelta(minutes=5), NOW)
    with pytest.raises(Problem, match="Is it local time with a Z behind it"):
        ensure_not_ahead(NOW + timedelta(minutes=5, microseconds=1), NOW)

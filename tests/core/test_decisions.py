"""What a person says of an alarm, where it does not come in its turn, or without end."""

from streams.core.events import Closed, Missing, Recovered
from streams.core.facts import Action, Outcome
from streams.core.fold import Step
from streams.core.row import Status
from tests.core.world import OTHER, Story, at, names


def alarmed() -> Story:
    """Sent at 08:00 and missing at 10:05."""
    story = Story()
    story.sent("08:00")
    story.tick("10:06")
    return story


def test_a_decision_that_hung_is_judged_as_of_its_arrival() -> None:
    story = alarmed()
    first = story.missing.event_id
    story.sent("11:00", message="m2")
    story.tick("13:06")  # missing again, before the decision on the first alarm is read
    effect = story.decide("12:00", Action.CLOSE, Outcome.HANDLED, event=first)
    assert [type(event) for event in story.events] == [Missing, Missing, Closed]
    assert effect.step is Step.CLOSED
    assert [event.missing_event_id for event in effect.events if isinstance(event, Closed)] == [first]
    assert [alarm.outcome for alarm in story.row.alarms] == [Outcome.HANDLED, None]  # the second one is open


def test_a_decision_that_hung_until_proof_had_come_still_says_how_the_alarm_ended() -> None:
    story = alarmed()
    story.stored("12:00")
    assert story.decide("11:00", Action.CLOSE, Outcome.LOST).step is Step.CLOSED
    assert story.row.status is Status.RECOVERED
    assert "contradicts_outcome" in story.row.flags
    assert [type(event) for event in story.events] == [Missing, Recovered, Closed]


def test_a_decision_on_a_report_that_nobody_knows_does_not_fit() -> None:
    story = alarmed()
    assert story.decide("11:00", Action.CLOSE, Outcome.FOUND, report=OTHER).step is Step.DECISION_UNFIT


def test_it_takes_decisions_while_its_row_has_room() -> None:
    story, number = alarmed(), 0
    while True:
        action = Action.REOPEN if number % 2 else Action.CLOSE
        step = story.decide("11:00", action, Outcome.FOUND, decision=f"{number:0400}").step
        if step is Step.ROW_FULL:
            break
        assert step in (Step.CLOSED, Step.REOPENED)
        number += 1
    assert 500 < number < 1_500


def test_what_was_erased_takes_nothing_in() -> None:
    story = Story()
    story.sent("08:00", names())
    story.stored("09:00")
    assert story.decide("09:30", Action.ERASE).step is Step.ERASED
    assert (story.row.status, story.row.names.receiver, story.row.touched) == (Status.ERASED, None, at("09:30"))
    assert story.receipt("09:31").step is Step.RECEIPT_LATE
    assert story.stored("09:32").step is Step.PROOF_REPEATED
    assert story.sent("09:33", message="m9").step is Step.DUPLICATE
    assert story.decide("09:34", Action.ERASE).step is Step.DECISION_REPEATED
    assert (story.book().erased, story.book(None).duplicates) == (1, 1)
    story.tick("2026-08-01T00:00")
    assert list(story.checker.rows) == []
    assert story.book().erased == 1

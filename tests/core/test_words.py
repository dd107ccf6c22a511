"""The words and numbers that others rely on: rows are kept in them, events are read by them, metrics count by them."""

from datetime import timedelta
from enum import StrEnum

import pytest

from streams.core.checker import Effect, Passed
from streams.core.events import Cause
from streams.core.facts import Action, Names, Outcome, ReceiptCode, Receiver, Sent, Stored
from streams.core.fold import Step
from streams.core.policy import Asks, Override, Terms, Version
from streams.core.row import Reason, Row, Status, Window
from streams.core.rules import Limits, Rules
from tests.core.world import FIKS, NAMED_NOTHING, REPORT, RULES, Story, at


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (Status, "pending stored missing recovered unproven undetermined unexpected erased"),
        (Reason, "no_receipt receipted_not_stored rejected transport_failed stored_elsewhere unwatched"),
        (Cause, "stored_late confirmed_late"),
        (ReceiptCode, "MOTTATT FEILET TIDSAVBRUDD SERVERFEIL"),
        (
            Step,
            "opened duplicate resent too_old held row_full copied_already receipt receipt_repeated receipt_late"
            " stored stored_elsewhere proof_repeated recovered rerouted window_opened refused_late vouched"
            " vouched_nothing feed_unknown acknowledged closed reopened erased decision_repeated decision_unfit",
        ),
        (Window, "open waiting silent blind refused closed"),
        (Asks, "none receipt stored"),
        (Action, "acknowledge close reopen erase"),
        (Outcome, "found false_alarm withdrawn handled lost"),
    ],
)
def test_it_speaks_in_the_words_of_the_contract(words: type[StrEnum], expected: str) -> None:
    assert [word.value for word in words] == expected.split()
    assert all(word.name == word.value.upper() for word in words)


def test_it_keeps_a_row_for_120_days_and_waits_for_a_sent_for_one() -> None:
    assert Limits() == Limits(timedelta(days=120), timedelta(days=1))
    assert Rules(RULES.policy, RULES.municipalities).limits == Limits()


def test_it_knows_nothing_of_a_fact_but_what_it_was_told() -> None:
    place = Story().place("sent", "08:00")
    assert Receiver("0301") == Receiver("0301", district=None, unit_id=None, org_number=None)
    assert Names(None, None, None) == Names(None, None, None, case_system_version=None, form=None)
    assert Sent(REPORT, place, None, FIKS) == Sent(REPORT, place, None, FIKS, message_id=None, unreadable=())
    assert Stored(REPORT, place, at("08:00"), "MANUAL") == Stored(REPORT, place, at("08:00"), "MANUAL", None, ())


def test_it_asks_for_proof_and_overrides_nothing_unless_it_is_told() -> None:
    hour = timedelta(hours=1)
    assert Terms(hour, hour) == Terms(hour, hour, Asks.STORED, feed=None)
    assert Override() == Override(None, None, None, allowance=None, grace=None, proof=None)
    assert (Version("v", hour, hour).allowance, Version("v", hour, hour).overrides) == ({}, ())


def test_it_causes_no_event_unless_it_says_so() -> None:
    assert Effect(Step.HELD).events == ()
    assert Passed(REPORT, None).events == ()


def test_it_knows_nothing_of_a_new_row() -> None:
    row = Row(REPORT, at("08:00"))
    assert row == Row(
        REPORT,
        touched=at("08:00"),
        status=Status.PENDING,
        names=NAMED_NOTHING,
        sent=None,
        sent_at=None,
        due_at=None,
        alarm_at=None,
        policy_version=None,
        window=Window.CLOSED,
        asks=Asks.STORED,
        alarms=(),
        receipt=None,
        receipt_place=None,
        proof=None,
        elsewhere=None,
        recovered_at=None,
        message_ids=[],
        flags=set(),
        held_stored=[],
    )
    assert row.attempts == 0

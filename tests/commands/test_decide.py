"""`meldingsvakt decide`: a decision that fits is whole, and each mistake is told in one sentence."""

from datetime import timedelta
from typing import Any

import orjson
import pytest
from typer.testing import CliRunner

from schemas.inputs import ReportDecision
from streams.cli import app
from streams.commands.decide import decision_about
from streams.core.facts import Action, Outcome, Place
from streams.core.row import Row
from streams.errors import ConfigurationError
from streams.records.decisions import Said
from streams.records.decode import take_in_decision
from streams.records.record import Record
from tests.core.world import Story, at

NOW = at("12:00")


def alarmed() -> Story:
    """Sent at 08:00 and missing at 10:05."""
    story = Story()
    story.sent("08:00")
    story.tick("10:06")
    return story


def closed() -> Row:
    story = alarmed()
    story.decide("11:00", Action.CLOSE, Outcome.HANDLED)
    return story.row


def found() -> Row:
    story = alarmed()
    story.stored("11:00")
    return story.row


def waiting() -> Row:
    story = Story()
    story.sent("08:00")
    return story.row


def resent() -> Row:
    """Closed, and its next window is open."""
    story = alarmed()
    story.decide("11:00", Action.CLOSE, Outcome.HANDLED)
    story.sent("11:30", message="m2")
    return story.row


def erased() -> Row:
    story = alarmed()
    story.decide("11:00", Action.CLOSE, Outcome.WITHDRAWN)
    story.decide("11:30", Action.ERASE, decision="00000000-0000-4000-8000-000000000002")
    return story.row


def said(action: str, **more: Any) -> Said:
    return Said(Action(action), "someone", **more)


@pytest.mark.parametrize(
    ("row", "wanted"),
    [
        (alarmed().row, said("close", outcome=Outcome.LOST, reference="2026-1")),
        (alarmed().row, said("acknowledge", until=NOW + timedelta(hours=2))),
        (closed(), said("close", outcome=Outcome.LOST)),
        (closed(), said("reopen")),
        (closed(), said("erase")),
        (found(), said("erase")),
    ],
)
def test_a_decision_that_fits_is_read_and_taken_by_the_checker(row: Row, wanted: Said) -> None:
    decision = decision_about(row, wanted, NOW)
    assert ReportDecision.model_validate_json(orjson.dumps(decision)).actor.subject == "someone"
    place = Place(NOW, "reports.decision", 0, 0)
    read = take_in_decision(Record("decision", place, row.report_id.encode(), orjson.dumps(decision)), 10_000).fact
    assert read is not None
    assert (read.missing_event_id, read.action, read.outcome) == (row.missing_event_id, wanted.action, wanted.outcome)
    story = alarmed()
    story.checker.rows.put(row)
    assert story.checker.decide(read).step in ("closed", "acknowledged", "reopened", "erased")


@pytest.mark.parametrize(
    ("row", "wanted", "sentence"),
    [
        (alarmed().row, said("close"), "--outcome found, false_alarm, withdrawn, handled, lost"),
        (closed(), said("reopen", outcome=Outcome.LOST), "belongs to close alone"),
        (closed(), said("reopen", until=NOW), "belongs to acknowledge alone"),
        (alarmed().row, said("acknowledge", until=NOW), "has passed"),
        (closed(), said("close", outcome=Outcome.HANDLED), "closed already, as handled, since 2026-03-02T11:00:00"),
        (alarmed().row, said("reopen"), "there is nothing to take back"),
        (alarmed().row, said("erase"), "close it before the report is erased"),
        (waiting(), said("erase"), "may still be announced missing"),
        (resent(), said("erase"), "may still be announced missing"),
        (waiting(), said("close", outcome=Outcome.LOST), "is pending: there is no alarm to close"),
        (found(), said("close", outcome=Outcome.LOST), "was found after all, at 2026-03-02T11:00:00"),
        (erased(), said("reopen"), "nothing is left of it"),
        (alarmed().row, said("acknowledge", reference="12345678901"), "--reference cannot be taken"),
        (alarmed().row, said("acknowledge")._replace(subject="x" * 201), "--subject cannot be taken"),
    ],
)
def test_each_mistake_is_told_in_one_sentence(row: Row, wanted: Said, sentence: str) -> None:
    with pytest.raises(ConfigurationError) as told:
        decision_about(row, wanted, NOW)
    assert sentence in str(told.value)


def test_a_time_that_is_none_and_a_word_that_is_no_action_are_told() -> None:
    with pytest.raises(ConfigurationError, match="--until soon is no time"):
        CliRunner().invoke(app, ["decide", "x", "acknowledge", "--until", "soon"], catch_exceptions=False)
    assert CliRunner().invoke(app, ["decide", "x", "forget"]).exit_code == 2

"""A report told: what its state means, what to do, what happened, and only then where it lies."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

import schemas
from streams.commands.explain import Explained, Line
from streams.commands.told import ReportStory, told
from streams.commands.windows import Move
from streams.core.facts import Names, Place, Receipt, ReceiptCode, Receiver, Sent
from streams.core.fold import Step
from streams.core.row import Reason, Status

NOW = datetime(2026, 3, 3, 9, tzinfo=UTC)
SENT_AT = datetime(2026, 3, 2, 9, 15, tzinfo=UTC)
REPORT = "3f2b8c1e-5a4d-4e0b-9c1a-7d2e6f8a9b10"
EXAMPLES = Path(schemas.__path__[0]) / "examples"


def _example(name: str) -> dict[str, Any]:
    value: dict[str, Any] = json.loads((EXAMPLES / f"{name}.json").read_text())
    return value


def _state(**changes: Any) -> dict[str, Any]:
    return _example("report-state") | {"status": "missing"} | changes


def _line(fact: Any, kind: str, move: Move | None = None) -> Line:
    place = fact.place
    entry = {
        "arrived": place.arrived.isoformat(), "fact": kind, "topic": place.topic, "partition": place.partition,
        "offset": place.offset, "unreadable": None, "copied_from": None,
    }  # fmt: skip
    return Line(entry, fact, move)


def _found(state: dict[str, Any] | None, **changes: Any) -> Explained:
    sent = Sent(REPORT, Place(SENT_AT + timedelta(minutes=2), "reports.sent", 0, 7), SENT_AT,
                Names(Receiver("4601"), "FIKS_IO", "UKJENT"), "m1")  # fmt: skip
    receipt = Receipt(REPORT, Place(SENT_AT + timedelta(minutes=3), "reports.receipt", 0, 9), ReceiptCode.MOTTATT)
    opened = Move(Step.OPENED, SENT_AT + timedelta(hours=2), SENT_AT + timedelta(hours=2, minutes=5))
    lines = [_line(sent, "sent", opened), _line(receipt, "receipt")]
    events = [_example("report-missing")]
    whole: dict[str, Any] = {"coverage": None, "events": events, "timeline": lines, "unreadable": []}
    return Explained(REPORT, state, **(whole | changes))


def _told(state: dict[str, Any] | None, **changes: Any) -> ReportStory:
    return told(_found(state, **changes), NOW)


def test_a_missing_report_is_told_with_its_receiver_and_what_to_do() -> None:
    story = _told(_state())
    assert story.sentence == (
        "Missing for 21 h 40 min: the receiver said that it was received, but no proof of storage has come."
    )
    assert story.advice[0] == (
        "Ask Bergen 4601, district 03 to look for it, by the message ids below. If it is not there: the portal counts "
        "it as delivered and refuses to send it again, so fetch it there and hand it over, before the portal deletes "
        "its copy 1 Apr 2026 11:15:00."
    )
    assert story.advice[1].endswith(f"`meldingsvakt decide {REPORT} close --outcome OUTCOME`")
    facts = dict(story.facts)
    assert (facts["Receiver"], facts["Sent"]) == ("Bergen 4601, district 03", "2 Mar 2026 10:15:00")


def test_what_happened_is_told_in_norwegian_time_and_windows_in_words() -> None:
    assert _told(_state()).moments == [
        ("2 Mar 2026 10:17:00", "sent by the portal, as it says 2 Mar 2026 10:15:00; proof is due 2 Mar 2026 12:15:00, "
         "the alarm comes 2 Mar 2026 12:20:00"),
        ("2 Mar 2026 10:18:00", "receipt: received (the receiver's word, no proof)"),
        ("2 Mar 2026 12:20:00", "announced missing: receipted, not stored"),
    ]  # fmt: skip


def test_places_come_last_with_the_events_whole_ids() -> None:
    places = _told(_state()).places
    assert places[0] == ("sent", "reports.sent, partition 0, offset 7, arrived 2026-03-02T09:17:00+00:00")
    assert ("missing", "event bfea11b9-8ddb-57ce-864c-79d4db78a85f") in places


def test_after_the_portal_deleted_its_copy_nobody_is_told_to_fetch_it() -> None:
    story = told(_found(_state()), datetime(2026, 4, 2, tzinfo=UTC))
    assert story.advice[0].startswith("The portal deleted its copy 1 Apr 2026 11:15:00: ask Bergen 4601, district 03")


def test_a_closed_alarm_asks_for_nothing_more() -> None:
    story = _told(_state(outcome="found"))
    assert story.sentence == (
        "Missing, and somebody closed its alarm as found, without proof; no proof of storage has come."
    )
    assert story.advice == []


@pytest.mark.parametrize("reason", Reason)
def test_every_reason_has_its_sentence_and_advice(reason: Reason) -> None:
    story = _told(_state(reason=reason.value))
    assert story.sentence.startswith("Missing for 21 h 40 min: ")
    assert "1 Apr 2026 11:15:00" in story.advice[0]


@pytest.mark.parametrize("status", [status for status in Status if status is not Status.MISSING])
def test_every_status_is_one_sentence(status: Status) -> None:
    sentence = _told(_state(status=status.value)).sentence
    assert sentence.endswith(".")
    assert status.value == "pending" or "4601" not in sentence


def test_a_number_of_before_is_told_with_todays() -> None:
    receiver = {"municipality": "1201", "district": None, "unit_id": None, "org_number": None}
    assert dict(_told(_state(receiver=receiver)).facts)["Receiver"] == "Bergen 1201 (today Bergen 4601)"


def test_what_is_not_judged_yet_leads_to_the_doctor() -> None:
    story = _told(None, events=[])
    assert story.sentence.startswith("Not judged yet")
    assert "`meldingsvakt doctor`" in story.advice[0]

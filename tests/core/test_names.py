"""What the first sent could not tell is filled in by the first readable one."""

from typing import Any

import pytest

from streams.core.facts import Names, Receiver
from streams.core.fold import Step
from streams.core.row import Status
from tests.core.world import BERGEN, FIKS, NAMED_NOTHING, OSLO, Story, at, names

ALL = ("sent_at", *Names._fields)
ALARM, LATE = "2026-03-03T08:05", "2026-03-03T08:05:00.000001"  # by the default allowance


@pytest.mark.parametrize(("arrived", "told"), [("08:10", FIKS), (ALARM, FIKS), (LATE, NAMED_NOTHING)])
def test_it_tells_in_events_what_was_known_when_they_happened(arrived: str, told: Names) -> None:
    story = Story()
    story.sent("08:00", NAMED_NOTHING, unreadable=ALL)
    story.sent(arrived, FIKS)
    assert story.row.names == FIKS
    assert "named_later" in story.row.flags
    story.tick("2026-03-03T09:00")
    assert story.missing.names == told
    story.stored("2026-03-03T10:00")
    assert story.recovered.names.receiver == FIKS.receiver


def test_it_fills_in_only_what_could_not_be_read() -> None:
    story = Story()
    story.sent("08:00", names(OSLO, None, "UKJENT"), unreadable=["channel"])
    story.sent("08:10", names(BERGEN, "PRINT", "VISMA_FAMILIA"))
    assert story.row.names == names(OSLO, "PRINT", "UKJENT")


def test_it_keeps_what_it_could_read_in_events_when_the_rest_came_late() -> None:
    story = Story()
    story.sent("08:00", names(OSLO, None), unreadable=["channel"])
    story.sent(LATE, FIKS)
    story.tick("2026-03-03T09:00")
    assert story.missing.names == names(OSLO, None)
    assert story.row.names == FIKS


def test_it_fills_in_each_name_once_from_the_first_sent_in_which_it_could_be_read() -> None:
    story = Story()
    story.sent("08:00", NAMED_NOTHING, unreadable=ALL)
    assert story.sent("08:10", names(BERGEN, None), unreadable=["channel"]).step is Step.DUPLICATE
    assert story.row.names == names(BERGEN, None)
    story.sent("08:20", FIKS)
    story.sent("08:30", names(OSLO))
    assert story.row.names == names(BERGEN, "FIKS_IO")
    assert story.row.touched == at("08:20")


def test_it_tells_in_events_only_those_names_that_came_by_the_alarm() -> None:
    story = Story()
    story.sent("08:00", NAMED_NOTHING, unreadable=ALL)
    story.sent("08:10", names(BERGEN, None), unreadable=["channel", "form"])
    story.restart()
    story.sent(LATE, FIKS)
    story.restart()
    story.tick("2026-03-03T09:00")
    assert story.missing.names == names(BERGEN, None)._replace(form=None)
    assert story.row.names == names(BERGEN, "FIKS_IO")
    assert "named_later" in story.row.flags


@pytest.mark.parametrize("unreadable", ["sent_at", "message_id"])
def test_it_fills_in_nothing_where_only_other_fields_could_not_be_read(unreadable: str) -> None:
    story = Story()
    story.sent("08:00", FIKS, unreadable=[unreadable], message=None)
    story.sent("08:10", names(BERGEN))
    assert story.row.names == FIKS
    assert story.row.flags == {f"unreadable_{unreadable}"}


def test_it_does_not_judge_anew_by_names_that_came_later() -> None:
    story = Story()
    story.sent("08:00", NAMED_NOTHING, unreadable=ALL)
    story.sent("08:10", names(Receiver("1507"), "FIKS_IO"))
    assert story.row.alarm_at == at(ALARM)
    story.tick("2026-03-03T09:00")
    assert story.row.status is Status.MISSING


@pytest.mark.parametrize(
    ("receiver", "flags"),
    [(Receiver("9999"), {"named_later", "unknown_municipality"}), (OSLO, {"named_later"}), (None, set())],
)
def test_it_flags_an_unknown_municipality_that_was_named_later(receiver: Receiver | None, flags: set[str]) -> None:
    story = Story()
    story.sent("08:00", names(None), unreadable=["receiver"])
    story.sent("08:10", names(receiver))
    assert story.row.flags == {"unreadable_receiver", *flags}


def test_it_moves_to_the_books_of_the_receiver_that_was_named_later() -> None:
    story = Story()
    story.sent("08:00", NAMED_NOTHING, unreadable=ALL)
    story.sent("08:05", NAMED_NOTHING, unreadable=ALL)
    assert (story.book(None).sent_records, story.book(None).duplicates, story.book(None).pending) == (2, 1, 1)
    story.sent("08:10", FIKS, message="m2")
    assert (story.book(None).sent_records, story.book(None).duplicates, story.book(None).sent) == (1, 1, 0)
    assert (story.book().sent_records, story.book().resends, story.book().pending) == (2, 1, 1)


def test_it_flags_the_leaf_of_a_receiver_that_could_not_be_read_and_judges_by_the_rest() -> None:
    story = Story()
    story.sent("08:00", FIKS, unreadable=["receiver.district"])
    assert story.row.flags == {"unreadable_receiver_district"}
    assert story.stored("08:10", BERGEN).step is Step.STORED_ELSEWHERE
    assert story.stored("08:20", Receiver("0301", "07")).step is Step.STORED


def test_it_fills_in_the_leaf_of_a_receiver_that_could_not_be_read() -> None:
    story = Story()
    story.sent("08:00", names(Receiver("0301", None, "a")), unreadable=["receiver.district"])
    story.sent("08:10", names(Receiver("0301", "03", "b")))
    assert story.row.names.receiver == Receiver("0301", "03", "a")
    assert "named_later" in story.row.flags


@pytest.mark.parametrize("level", ["district", "unit_id", "org_number"])
def test_it_fills_in_each_level_of_a_receiver_but_not_for_events_when_it_came_late(level: str) -> None:
    first, other = Receiver("0301", "03", "a", "974778874"), Receiver("0301", "04", "b", "974778882")
    unknown: dict[str, Any] = {level: None}
    known: dict[str, Any] = {level: getattr(other, level)}
    lacking, filled = first._replace(**unknown), first._replace(**known)
    for arrived, announced in (("08:10", filled), (LATE, lacking)):
        story = Story()
        story.sent("08:00", names(lacking), unreadable=[f"receiver.{level}"])
        story.sent(arrived, names(other))
        story.tick("2026-03-03T09:00")
        assert (story.row.names.receiver, story.row.first_receiver) == (filled, lacking)
        assert story.missing.names.receiver == announced


def test_it_fills_in_the_leaf_for_the_state_but_not_for_events_when_it_came_late() -> None:
    story = Story()
    story.sent("08:00", names(Receiver("0301", None, "a")), unreadable=["receiver.district"])
    story.sent(LATE, names(Receiver("0301", "03", "b")))
    story.tick("2026-03-03T09:00")
    assert story.row.names.receiver == Receiver("0301", "03", "a")
    assert story.missing.names.receiver == Receiver("0301", None, "a")


def test_it_lets_a_leaf_that_was_filled_in_exclude_no_proof() -> None:
    story = Story()
    story.sent("08:00", names(Receiver("0301")), unreadable=["receiver.district"])
    story.sent("08:10", names(Receiver("0301", "03")))
    assert story.stored("08:20", Receiver("0301", "04")).step is Step.STORED

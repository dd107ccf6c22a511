"""What cannot be seen is not judged at once: lost evidence, and reports from before the checker's beginning."""

from datetime import datetime, timedelta

import pytest

from streams.core.events import Missing, Recovered
from streams.core.facts import ReceiptCode, Receiver
from streams.core.feeds import Feeds
from streams.core.fold import Step
from streams.core.row import Reason, Status
from streams.core.sight import Lost, Sight
from tests.core.world import Story, at, names

# Sent at 08:00 on 2 March: due at 10:00, alarm at 10:05, last call on the 25th (23 days later), deleted on 1 April.
LAST_CALL = "2026-03-25T08:00"
AFTER_A_DAY = "2026-03-03T10:05"
MICROSECOND = timedelta(microseconds=1)


def lost(since: str, until: str | None) -> Sight:
    return Sight(Feeds(), (Lost(at(since), at(until) if until else None),))


def begun(beginning: str, first_complete: str | None = None) -> Sight:
    return Sight(Feeds(), beginning=at(beginning), first_complete=at(first_complete or beginning))


@pytest.mark.parametrize("restarts", [False, True])
def test_the_last_call_of_a_report_from_before_the_beginning_waits_until_the_checker_has_come_so_far(
    restarts: bool,
) -> None:
    """A backlog is read by what arrived when; only then it is known when this checker began to watch."""
    stories = [told(Sight(Feeds(), beginning=at("07:00")), "2026-03-02T06:00") for _ in range(3)]
    for story, first_complete in zip(stories, (None, "2026-03-25T05:59", "2026-03-25T06:00"), strict=True):
        story.tick("2026-03-25T06:00")
        assert (story.row.status, story.row.limit_at) == (Status.UNDETERMINED, at("2026-03-25T06:00"))
        complete = None if first_complete is None else at(first_complete)
        story.checker.sight = story.checker.sight._replace(first_complete=complete)
        story.tick("2026-03-25T06:01")
        if restarts:
            story.restart()
        story.tick("2026-04-25T06:00")
    assert [story.row.status for story in stories] == ["undetermined", "missing", "undetermined"]


def told(sight: Sight, sent: str = "08:00", sent_at: str | None = None) -> Story:
    story = Story()
    story.checker.sight = sight
    story.sent(sent, sent_at=sent_at)
    return story


@pytest.mark.parametrize(
    ("since", "until", "status"),
    [
        ("09:00", "09:00", Status.UNDETERMINED),
        ("09:00", None, Status.UNDETERMINED),
        ("10:05", "11:00", Status.UNDETERMINED),  # the window's last moment
        ("10:05:00.000001", "11:00", Status.MISSING),  # too late for anything that counts
        ("2026-03-01T07:00", "2026-03-01T08:00", Status.UNDETERMINED),  # a proof may come a day before its sent
        ("2026-03-01T07:00", "2026-03-01T07:59:59.999999", Status.MISSING),
    ],
)
def test_it_is_undetermined_where_the_proof_may_be_among_what_was_lost(
    since: str, until: str | None, status: Status
) -> None:
    story = told(lost(since, until))
    (passed,) = story.tick("10:06")
    assert (passed.status, story.row.status) == (status, status)
    assert len(story.events) == (status is Status.MISSING)
    assert ("evidence_lost" in story.row.flags) == (status is Status.UNDETERMINED)
    assert story.book().undetermined == (status is Status.UNDETERMINED)
    assert story.book().missing == (status is Status.MISSING)


def test_it_is_missing_a_day_after_the_alarm_and_nobody_has_watched() -> None:
    story = told(lost("09:00", "09:30"))
    story.receipt("08:01", ReceiptCode.FEILET)
    story.tick("10:06")
    story.restart()
    assert story.tick(AFTER_A_DAY) == []
    story.tick("2026-03-03T10:06")
    assert (story.row.status, story.missing.reason) == (Status.MISSING, Reason.UNWATCHED)
    assert (story.missing.due_at, story.missing.alarm_at) == (at("10:00"), at("10:05"))
    assert (story.book().undetermined, story.book().missing) == (0, 1)


def test_it_is_missing_at_the_last_call_if_that_comes_before_the_day_is_over() -> None:
    letter = names(channel="PRINT")
    story = Story()
    story.checker.sight = lost("08:00", None)
    story.sent("2026-03-12T08:00", letter, sent_at="2026-02-20T12:00")  # due on 4 March, alarm at its arrival
    last_call = "2026-03-15T12:00"
    story.tick("2026-03-12T09:00")
    assert story.row.limit_at == at("2026-03-13T08:00")
    late = Story()
    late.checker.sight = lost("08:00", None)
    late.sent("2026-03-15T00:00", letter, sent_at="2026-02-20T12:00")
    late.tick("2026-03-15T01:00")
    assert late.row.limit_at == at(last_call)


def test_it_is_never_announced_before_its_alarm() -> None:
    story = told(lost("2026-03-28T08:00", None), "2026-03-28T08:00", "2026-03-02T08:00")  # after its last call
    story.tick("2026-03-28T08:00")
    assert story.row.status is Status.PENDING
    story.tick("2026-03-28T08:00:00.000001")
    assert (story.row.status, story.missing.reason) == (Status.MISSING, Reason.UNWATCHED)


@pytest.mark.parametrize("arrived", ["11:00", AFTER_A_DAY])
def test_it_is_stored_by_proof_until_it_would_be_announced(arrived: str) -> None:
    story = told(lost("09:00", "09:30"))
    assert story.stored(arrived, stored_at="10:30").step is Step.STORED
    story.tick("2026-03-05T00:00")
    assert (story.row.status, story.events) == (Status.STORED, [])
    assert story.row.flags == {"stored_after_due"} | ({"evidence_lost"})
    assert (story.book().undetermined, story.book().stored) == (0, 1)


@pytest.mark.parametrize("looks", [["10:06"], ["2026-03-05T00:00"], ["10:06", "2026-03-03T10:07"], []])
def test_proof_that_comes_after_that_finds_it_again(looks: list[str]) -> None:
    story = told(lost("09:00", "09:30"))
    early = [look for look in looks if at(look) < at("2026-03-03T10:06")]
    for look in early:
        story.tick(look)
    story.stored("2026-03-03T10:05:00.000001", stored_at="09:00")
    for look in [*looks[len(early) :], "2026-03-06T00:00"]:
        story.tick(look)
    assert [type(event) for event in story.events] == [Missing, Recovered]
    assert (story.row.status, story.missing.reason) == (Status.RECOVERED, Reason.UNWATCHED)
    assert story.recovered.missing_event_id == story.missing.event_id


def test_it_asks_no_proof_and_cannot_have_lost_any() -> None:
    story = Story()
    story.checker.sight = lost("08:00", None)
    story.sent("08:00", names(Receiver("1507")))
    story.tick("10:06")
    assert (story.row.status, story.row.flags) == (Status.UNPROVEN, set())


@pytest.mark.parametrize(
    ("beginning", "sent", "sent_at", "status"),
    [
        ("2026-03-01T08:00:00.000001", "08:00", None, Status.UNDETERMINED),
        ("2026-03-01T08:00", "08:00", None, Status.MISSING),  # a day after the beginning
        ("2026-03-01T06:00", "08:00", "2026-03-01T05:59", Status.UNDETERMINED),  # sent before it: perhaps sent again
        ("2026-03-01T06:00", "08:00", "2026-03-01T06:00", Status.MISSING),
    ],
)
def test_it_is_undetermined_where_its_proof_may_lie_before_the_beginning(
    beginning: str, sent: str, sent_at: str | None, status: Status
) -> None:
    story = told(begun(beginning), sent, sent_at)
    story.tick("2026-03-04T00:00")
    assert story.row.status is status
    assert ("before_the_beginning" in story.row.flags) == (status is Status.UNDETERMINED)


def test_it_is_announced_at_its_last_call_if_that_comes_after_the_first_look() -> None:
    story = told(begun("2026-03-02T12:00"))
    story.tick("2026-03-02T12:00")
    story.restart()
    assert story.tick(LAST_CALL) == []
    assert story.row.status is Status.UNDETERMINED
    story.tick("2026-03-25T08:00:00.000001")
    assert (story.row.status, story.missing.reason) == (Status.MISSING, Reason.UNWATCHED)


@pytest.mark.parametrize("first", [LAST_CALL, "2026-03-26T00:00"])
def test_it_is_never_announced_if_the_first_look_came_after_its_last_call(first: str) -> None:
    story = told(begun("2026-03-02T12:00", first))
    story.tick(first)
    story.tick("2026-06-30T00:00")
    assert (story.row.status, story.row.limit_at, story.events) == (Status.UNDETERMINED, None, [])
    (erased,) = story.tick("2026-07-01T00:00")
    assert erased.status is None
    assert (story.book().undetermined, story.book().erased) == (0, 1)


def test_it_is_stored_by_proof_though_it_is_from_before_the_beginning() -> None:
    story = told(begun("2026-03-02T12:00", LAST_CALL))
    story.tick(LAST_CALL)
    assert story.stored("2026-03-26T00:00").step is Step.STORED
    assert (story.row.status, story.events) == (Status.STORED, [])


def test_what_is_settled_in_time_is_never_in_doubt() -> None:
    story = told(Sight(Feeds(), (Lost(at("08:00"), None),), at("08:00"), at("08:00")))
    story.stored("09:00")
    story.tick("12:00")
    assert (story.row.status, story.row.flags) == (Status.STORED, set())


def test_a_doubt_that_comes_up_later_changes_no_verdict() -> None:
    story = told(Sight(Feeds()))
    story.tick("10:06")
    story.checker.sight = lost("08:00", None)
    story.tick("2026-04-06T00:00")
    assert (story.row.status, story.missing.reason) == (Status.MISSING, Reason.NO_RECEIPT)


def test_a_report_that_was_not_sent_has_no_limit() -> None:
    story = Story()
    story.stored("08:00")
    with pytest.raises(ValueError, match="was sent"):
        Sight(Feeds()).limit(story.row, frozenset(), story.checker.rules.policy.versions[0])


def test_the_terms_of_the_version_in_force_hold() -> None:
    story = told(lost("09:00", "09:30"))
    version = story.checker.rules.policy.versions[0]
    patient = version._replace(loss_patience=timedelta(days=40), last_call=timedelta(days=3))
    doubts = frozenset({"evidence_lost"})
    limits: list[datetime | None] = [Sight(Feeds()).limit(story.row, doubts, terms) for terms in (version, patient)]
    assert limits == [at(AFTER_A_DAY), at("2026-03-29T08:00")]

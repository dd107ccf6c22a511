"""Verdicts on single reports: what the core decides, and what cannot be told."""

from datetime import UTC, datetime, timedelta

import pytest

from streams.audit.facts import FactKind
from streams.audit.judge.coverage import EvidenceCoverage, Stretch
from streams.audit.judge.hearing import HeardMark, heard
from streams.audit.judge.verdict import Contradiction, JudgeContext, TopicSights, verdict
from streams.core.facts import Fact, FeedMark, Names, Place, Receipt, ReceiptCode, Receiver, Sent, Stored
from streams.core.feeds import Feeds
from streams.core.policy import Asks, Feed, Override, Policy
from streams.core.rules import Rules
from streams.core.sight import Lost, Sight
from streams.data import succession
from streams.kafka.partitioner import partition_of
from tests.audit.histories import POLICY

REPORT = "0a1b2c3d-4e5f-4a6b-8c7d-9e0f1a2b3c4d"
RULES = Rules(POLICY, succession())
T0 = datetime(2022, 5, 1, 12, tzinfo=UTC)
MICROSECOND, MINUTE, HOUR = timedelta(microseconds=1), timedelta(minutes=1), timedelta(hours=1)
ALARM = T0 + 61 * MINUTE  # FIKS_IO: an hour, and a minute of grace
ALWAYS = Stretch(None, None, T0 - timedelta(days=9), T0 + timedelta(days=99))
TOWN = Names(Receiver("4601"), "FIKS_IO", "UKJENT")


def ground(
    *stored: Stretch, until: datetime = T0 + timedelta(days=9), receipts: tuple[Stretch, ...] = (ALWAYS,)
) -> JudgeContext:
    return JudgeContext(RULES, until, EvidenceCoverage(stored, succession()), EvidenceCoverage(receipts, succession()))


def sent(at: datetime = T0, names: Names = TOWN, source: int = 0, line: int = 1, message: str | None = "m") -> Sent:
    return Sent(REPORT, Place(at, source, 0, line), at, names, message)  # type: ignore[arg-type]


def stored(at: datetime, receiver: Receiver | None = None) -> Stored:
    return Stored(REPORT, Place(at, 2, 0, 1), at, "READ_BACK", receiver)  # type: ignore[arg-type]


def claimed(code: ReceiptCode = ReceiptCode.MOTTATT, at: datetime = T0 + MINUTE) -> Receipt:
    return Receipt(REPORT, Place(at, 1, 0, 1), code)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("facts", "status", "reason"),
    [
        ([sent(), stored(ALARM)], "stored", None),
        ([sent(), stored(ALARM + timedelta(microseconds=1))], "recovered", "no_receipt"),
        ([sent(), claimed()], "missing", "receipted_not_stored"),
        ([sent(), claimed(), stored(T0 + MINUTE, Receiver("0301"))], "missing", "stored_elsewhere"),
        ([stored(T0)], "unexpected", None),
    ],
)
def test_the_core_decides(facts: list[Fact], status: str, reason: str | None) -> None:
    found = verdict(facts, ground(ALWAYS))
    assert (found.status, found.untold, found.row.reason) == (status, None, reason)


def test_where_the_evidence_does_not_reach_nothing_is_missing() -> None:
    found = verdict([sent(), claimed()], ground(Stretch("0301", None, ALWAYS.since, ALWAYS.to)))
    assert (found.status, found.untold) == ("undetermined", "not_covered")


def test_a_proof_needs_no_coverage() -> None:
    assert verdict([sent(), stored(T0)], ground()).status == "stored"


def test_a_late_proof_without_coverage_is_stored_and_whether_late_is_not_told() -> None:
    found = verdict([sent(), stored(ALARM + MINUTE)], ground())
    assert (found.status, found.untold, found.cause) == ("stored", "not_covered", None)
    torn = verdict([sent(), stored(ALARM + MINUTE)], ground(ALWAYS), unread=frozenset({FactKind.STORED}))
    assert (torn.status, torn.untold, torn.events) == ("stored", "proof_unreadable", ())


def test_what_is_not_due_when_time_ends_is_pending_whatever_is_covered() -> None:
    assert verdict([sent()], ground(until=ALARM)).status == "pending"
    assert verdict([sent()], ground(ALWAYS, until=ALARM + timedelta(microseconds=1))).status == "missing"


def test_a_missing_receipt_says_nothing_where_no_receipts_are_covered() -> None:
    assert verdict([sent()], ground(ALWAYS)).reason_certain
    assert not verdict([sent()], ground(ALWAYS, receipts=())).reason_certain


def test_a_proof_that_cannot_be_read_leaves_open_what_became_of_the_report() -> None:
    proof = frozenset({FactKind.STORED})
    assert verdict([sent()], ground(ALWAYS), unread=proof).untold == "proof_unreadable"
    assert verdict([sent()], ground(ALWAYS, until=ALARM), unread=proof).untold == "proof_unreadable"
    assert verdict([sent(), stored(T0)], ground(ALWAYS), unread=proof).status == "stored"


def test_a_sent_that_cannot_be_read_may_have_been_the_first_and_so_decides_unless_the_report_is_stored() -> None:
    other = frozenset({FactKind.SENT})
    assert verdict([sent()], ground(ALWAYS), unread=other).untold == "sent_unreadable"
    assert verdict([sent()], ground(ALWAYS, until=ALARM), unread=other).untold == "sent_unreadable"
    assert verdict([sent(), stored(ALARM)], ground(ALWAYS), unread=other).status == "stored"
    assert verdict([sent(), stored(ALARM + MINUTE)], ground(ALWAYS), unread=other).status == "recovered"


def test_a_receipt_that_cannot_be_read_leaves_the_reason_open() -> None:
    found = verdict([sent()], ground(ALWAYS), unread=frozenset({FactKind.RECEIPT}))
    assert (found.status, found.reason_certain) == ("missing", False)


@pytest.mark.parametrize(
    ("lost", "status"),
    [
        (Lost(T0, T0 + MINUTE), "undetermined"),
        (Lost(T0 - timedelta(days=9), T0 - timedelta(hours=23)), "undetermined"),  # a proof may come before its sent
        (Lost(T0 - timedelta(days=9), T0 - timedelta(hours=25)), "missing"),
        (Lost(ALARM, None), "undetermined"),
        (Lost(ALARM + MINUTE, None), "missing"),
    ],
)
def test_where_proofs_lie_that_nobody_can_read_it_is_as_blind_as_the_live_checker(lost: Lost, status: str) -> None:
    home = partition_of(REPORT.encode(), 4)
    for partition, expected in ((home, status), ((home + 1) % 4, "missing")):
        blind = ground(ALWAYS)._replace(topics=TopicSights(4, {partition: Sight(Feeds(), (lost,))}))
        assert verdict([sent()], blind).status == expected
        assert verdict([sent(), stored(T0)], blind).status == "stored"
    assert verdict([sent()], ground(ALWAYS)._replace(topics=TopicSights(4, {}))).status == "missing"


def test_what_a_feed_would_have_proved_is_judged_by_its_word_where_topics_tell_it() -> None:
    """Files say nothing of what feeds vouch for: of them it can only be said that no proof has come."""
    feed = Feed("nightly", timedelta(hours=6))
    override = Override("4601", proof=Asks.STORED, feed="nightly")
    version = RULES.policy.in_force(T0)._replace(feeds=(feed,), overrides=(override,))
    fed = Rules(Policy((version,)), succession())
    watched = ground(ALWAYS)._replace(rules=fed)
    found = verdict([sent()], watched)
    assert (found.status, found.untold) == ("undetermined", "feed_not_heard")
    assert verdict([sent(), stored(ALARM + timedelta(hours=1))], watched).untold is None
    home, due = partition_of(REPORT.encode(), 4), ALARM - MINUTE
    for until, at, status, untold in (
        (due, ALARM + HOUR, "missing", None),
        (due - MICROSECOND, ALARM + HOUR, "undetermined", "feed_silent"),
        (due, ALARM + 7 * HOUR, "missing", None),
    ):
        mark = FeedMark("nightly", Place(at, "stored", home, 0), until)
        heard_ = TopicSights(4, {home: Sight(heard([HeardMark(mark, 0)], fed.policy))})
        found = verdict([sent()], watched._replace(topics=heard_))
        assert (found.status, found.untold) == (status, untold)
    for asked, status in ((ALARM + 6 * HOUR, "pending"), (ALARM + 6 * HOUR + MICROSECOND, "undetermined")):
        assert verdict([sent()], watched._replace(topics=TopicSights(4, {}), until=asked)).status == status
    elsewhere = sent(names=TOWN._replace(receiver=Receiver("0301")))
    assert (verdict([elsewhere], watched).status, verdict([elsewhere], watched).untold) == ("missing", None)


def test_two_sources_that_name_different_receivers_leave_it_open() -> None:
    other = sent(names=TOWN._replace(receiver=Receiver("0301")), source=7)
    found = verdict([sent(), other, stored(T0, Receiver("0301"))], ground(ALWAYS))
    assert (found.status, found.untold) == ("undetermined", "sources_contradict")
    assert found.contradictions == (Contradiction("receiver", 1),)
    same_source = sent(names=TOWN._replace(receiver=Receiver("0301")))
    assert verdict([sent(), same_source], ground(ALWAYS)).status == "missing"


@pytest.mark.parametrize(
    ("other", "fields"),
    [
        (sent(source=7), []),
        (sent(names=TOWN._replace(receiver=Receiver("4601", "00")), source=7), []),
        (sent(names=TOWN._replace(receiver=None), source=7), []),
        (sent(names=TOWN._replace(case_system="VISMA_FAMILIA"), source=7), ["case_system"]),
        (sent(T0 + 6 * MINUTE, source=7), ["sent_at"]),
        (sent(T0 + 6 * MINUTE, source=7, message="another"), []),  # a resend
        (sent(T0 + 5 * MINUTE, source=7), []),
    ],
)
def test_what_contradicts_is_listed_and_what_only_says_less_is_not(other: Sent, fields: list[str]) -> None:
    found = verdict([sent(), other, stored(T0)], ground(ALWAYS))
    assert [one.field for one in found.contradictions] == fields
    assert found.status == "stored"


@pytest.mark.parametrize(
    ("proof_at", "within", "status"),
    [
        (ALARM - 30 * MINUTE, [True, True], "undetermined"),  # the proof could be the later one, and the sent the first
        (ALARM - 30 * MINUTE, [True, False], "stored"),
        (ALARM + 30 * MINUTE, [True, False], "undetermined"),
        (ALARM + 61 * MINUTE, [True, False], "recovered"),
        (T0, [False, True], "stored"),
    ],
)
def test_an_hour_that_comes_twice_only_matters_where_it_decides(
    proof_at: datetime, within: list[bool], status: str
) -> None:
    found = verdict([sent(), stored(proof_at)], ground(ALWAYS), within=within)
    assert found.status == status
    assert found.untold == ("ambiguous_time" if status == "undetermined" else None)

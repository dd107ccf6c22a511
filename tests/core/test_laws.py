"""Laws: what must hold for every log and every way of reading it."""

from collections.abc import Callable
from datetime import datetime

from hypothesis import given, settings

from streams.core.events import Missing
from streams.core.facts import Sent, Stored
from streams.core.row import Status
from tests.core.logs import LAWS_IN_DOUBT, WAYS, Step, topics
from tests.core.oracle import Law, kept_until, verdicts
from tests.core.reading import END, FOREVER, TOPICS, Reading, Topics, by_id
from tests.core.world import LAW, MICROSECOND

lawful = settings(max_examples=120, deadline=None)


def follow(reading: Reading, way: list[Step], check: Callable[[], None]) -> None:
    """Read a log in one way, and check after each step."""
    for step in way:
        if isinstance(step, datetime):
            reading.tick(step)
        elif step in TOPICS:
            reading.read()
        else:
            getattr(reading, step)()
        check()


def unobserved() -> None:
    """Check nothing on the way."""


def plainly(log: Topics) -> Reading:
    """Read everything, then let time pass once: what all other ways are compared with."""
    reading = Reading(log)
    reading.finish()
    return reading


@lawful
@given(topics(), WAYS)
def test_it_agrees_with_the_oracle_after_every_step(log: Topics, way: list[Step]) -> None:
    reading = Reading(log)
    follow(reading, way, reading.agree_with_the_oracle)
    reading.read_all()
    reading.agree_with_the_oracle()
    reading.finish()
    reading.agree_with_the_oracle()
    ends = [kept_until(verdict, LAW) for verdict in verdicts(reading.log, reading.until, LAW).values()]
    for moment in sorted(end + MICROSECOND * k for end in ends for k in (0, 1)):
        reading.tick(moment)
        reading.agree_with_the_oracle()


@lawful
@given(topics(), WAYS, LAWS_IN_DOUBT)
def test_it_agrees_with_the_oracle_where_it_cannot_see_all(log: Topics, way: list[Step], law: Law) -> None:
    reading = Reading(log, law)
    follow(reading, way, reading.agree_with_the_oracle)
    reading.read_all()
    known = [verdict for verdict in verdicts(reading.log, reading.until, law).values() if verdict.sent_at]
    limits = [verdict.alarm_at + law.loss_patience for verdict in known if verdict.alarm_at]
    last_calls = [verdict.sent_at + law.retention - law.last_call for verdict in known if verdict.sent_at]
    ends = [kept_until(verdict, law) for verdict in known]
    for moment in sorted(end + MICROSECOND * k for end in limits + last_calls + ends for k in (0, 1)):
        reading.tick(moment)
        reading.agree_with_the_oracle()


@lawful
@given(topics(), WAYS)
def test_it_says_the_same_wherever_it_pauses_crashes_and_restarts(log: Topics, way: list[Step]) -> None:
    plain, other = plainly(log), Reading(log)
    follow(other, way, unobserved)
    other.finish()
    assert by_id(other.announced) == by_id(plain.announced)
    assert other.rows == plain.rows
    assert other.counted == plain.counted


@lawful
@given(topics())
def test_it_announces_the_same_when_time_passes_in_finer_ticks(log: Topics) -> None:
    plain, fine = plainly(log), Reading(log)
    alarms = {row.alarm_at for row in plain.rows.values() if row.alarm_at}
    arrivals = {fact.place.arrived for facts in log for fact in facts}
    moments = sorted({t + MICROSECOND * k for t in alarms | arrivals for k in (-1, 0, 1)})
    for moment in moments:
        while fine.unread and fine.unread[0].place.arrived < moment:
            fine.read()
        fine.tick(moment)
        assert fine.until == moment
    fine.finish()
    assert by_id(fine.announced) == by_id(plain.announced)
    assert fine.rows == plain.rows


@lawful
@given(topics(), WAYS)
def test_it_forgets_nothing_when_it_restarts_after_every_step(log: Topics, way: list[Step]) -> None:
    steps = [step for step in way if step not in {"crash", "commit", "restart"}]
    steady, shaken = Reading(log), Reading(log)
    for step in [*steps, END]:
        follow(steady, [step], unobserved)
        follow(shaken, [step, "restart"], unobserved)
        assert shaken.announced == steady.announced
        assert shaken.rows == steady.rows
        assert shaken.counted == steady.counted


@lawful
@given(topics(), WAYS)
def test_it_learns_nothing_from_a_record_that_it_applies_twice(log: Topics, way: list[Step]) -> None:
    # A feed's proofs are counted whatever they say, so that its marks can tell how many have come.
    log = log._replace(stored=[one._replace(feed=None) for one in log.stored if isinstance(one, Stored)])
    once, twice = Reading(log), Reading(log)
    for step in [*way, *TOPICS * 5, END]:
        if isinstance(step, datetime):
            once.tick(step)
            twice.tick(step)
        elif step in TOPICS:
            once.read()
            twice.read(times=2)
        assert twice.announced == once.announced
        assert twice.rows == once.rows


@lawful
@given(topics())
def test_it_learns_nothing_from_sent_and_stored_records_that_come_again(log: Topics) -> None:
    doubled = Topics(
        [*log.sent, *(sent._replace(place=log.sent[-1].place) for sent in log.sent if not too_old(sent))],
        log.receipt,
        [
            *log.stored,
            *(stored._replace(place=log.stored[-1].place) for stored in log.stored if isinstance(stored, Stored)),
        ],
        log.decision,
    )
    plain, again = plainly(log), plainly(doubled)
    assert by_id(again.announced) == by_id(plain.announced)
    assert {name: row.attempts for name, row in again.rows.items()} == {
        name: row.attempts for name, row in plain.rows.items()
    }
    assert {name: row.status for name, row in again.rows.items()} == {
        name: row.status for name, row in plain.rows.items()
    }


def too_old(sent: Sent) -> bool:
    """A sent that is refused while its report is unknown is a resend once the report is known."""
    return sent.sent_at is not None and sent.place.arrived - sent.sent_at > LAW.keep


@lawful
@given(topics(), WAYS)
def test_its_books_balance_after_every_step(log: Topics, way: list[Step]) -> None:
    reading = Reading(log)
    follow(reading, way, reading.balance)
    reading.finish()
    reading.balance()
    reading.tick(FOREVER)
    reading.balance()


@lawful
@given(topics(), WAYS)
def test_it_announces_nothing_twice_and_missing_before_what_answers_it(log: Topics, way: list[Step]) -> None:
    reading = Reading(log)
    follow(reading, way, unobserved)
    reading.finish()
    latest: dict[str, Missing] = {}
    for event in by_id(reading.announced).values():
        before = latest.get(event.report_id)
        if isinstance(event, Missing):
            assert event.episode == (before.episode + 1 if before else 1)
            assert event.previous_event_id == (before.event_id if before else None)
            latest[event.report_id] = event
        else:
            assert before is not None
            assert (event.missing_event_id, event.episode) == (before.event_id, before.episode)


@lawful
@given(topics(), WAYS)
def test_it_keeps_what_it_decided(log: Topics, way: list[Step]) -> None:
    reading, before = Reading(log), dict[str, list[str]]()
    for step in way:
        follow(reading, [step], unobserved)
        decided = {name: [alarm.event_id for alarm in row.alarms] for name, row in reading.rows.items()}
        if step != "crash":
            erased = {name for name, row in reading.rows.items() if row.status is Status.ERASED}
            assert all(
                decided[name][: len(ids)] == ids for name, ids in before.items() if name in decided.keys() - erased
            )
        before = decided


@lawful
@given(topics())
def test_it_passes_in_the_order_of_verdict_and_report_id(log: Topics) -> None:
    reading = Reading(log._replace(decision=[]))  # which may erase what tells of a verdict
    reading.finish()
    verdicts_at = {alarm.event_id: alarm.at for row in reading.rows.values() for alarm in row.alarms}
    decided = [event for event in reading.announced if isinstance(event, Missing)]
    assert decided == sorted(decided, key=lambda event: (verdicts_at[event.event_id], event.report_id))

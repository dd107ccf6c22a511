"""The plan of 2020-2023: which reports were written when, to whom, and how they fared.

Who ran which case system and when each report was lost is not public: both are drawn, the totals and the named
receivers are not.
"""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from random import Random
from typing import NamedTuple

from streams.simulation.flow import WrittenReport, moments, utc
from streams.simulation.receivers import Chooser, Profile, dispatch, profiles
from streams.simulation.steps import Dispatch
from streams.simulation.story import Habits, Kind

BEGIN, FOUND, END, UNTIL = utc(2020, 9, 1), utc(2023, 5, 25), utc(2023, 11, 2), utc(2023, 11, 30)
BERGEN, KRISTIANSAND, SANDEFJORD = "4601", "4204", "3804"
FAMILIA, FLYT, MODULUS = "VISMA_FAMILIA", "VISMA_FLYT_BARNEVERN", "NETCOMPANY_MODULUS_BARN"
LOST_NAMED = {BERGEN: 21, KRISTIANSAND: 12}
LOST_AGAIN = 3  # of Bergen's: sent once more after the alarm
LOST_ELSEWHERE = (4, 3, 3, 2, 2, 2) + 14 * (1,)  # one number a municipality
FALSE_ALARMS = 7  # in Sandefjord
FOUND_AGAIN: tuple[Kind, ...] = (4 * (Kind.STORED_LATE,)) + (3 * (Kind.CONFIRMED_LATE,))
IDLE_RECEIVERS = 12  # they get a single report in three years
LETTERS = 12  # after a refusal
SILENT_FROM = datetime(2022, 3, 15, 6, tzinfo=UTC)  # an ordinary Tuesday: the proofs of one case system stop for a day
SILENT_DAY_REPORTS, SILENT_DAY_SPAN = 24, timedelta(hours=12)
SERVICE_MEMBERS, SERVED_REPORTS = 3, 9
BURST_MOST, BURST_SPAN = 6, timedelta(hours=3)
_SHARES = {  # of 356 receivers, 244 ran the case system that lied
    FAMILIA: 244 / 356,
    FLYT: 42 / 356,
    MODULUS: 38 / 356,
    "MANUELL_MOTTAK": 22 / 356,
    "UKJENT": 10 / 356,
}


class Planned(NamedTuple):
    """One report of the plan, before anything happened to it."""

    created: datetime
    dispatch: Dispatch
    kind: Kind
    habits: Habits


class ThreeYears(NamedTuple):
    """All reports in the order in which they were written, and the members of the service, its host first."""

    reports: list[Planned]
    service: tuple[str, ...]


def plan(reports: int, seed: int) -> ThreeYears:
    """The lost, the late, the false alarms, the peculiar courses, and `reports` in the background."""
    rng = Random(seed)  # noqa: S311 - a simulation, no secret
    receivers = _receivers(rng)
    service = _service(rng, receivers)
    receivers = [one._replace(host=service[0]) if one.municipality in service[1:] else one for one in receivers]
    planned = [*_background(rng, reports, receivers), *_familias(rng, receivers), *_courses(rng, receivers)]
    return ThreeYears(sorted(planned, key=lambda each: each.created), service)


def _familias(rng: Random, receivers: list[Profile]) -> Iterator[Planned]:
    """What went wrong, and what only seemed to, with the case system that lied."""
    by_number = {one.municipality: one for one in receivers}
    unnamed = [one for one in _running(FAMILIA, receivers) if _unnamed(one)]
    drawn = rng.sample(unnamed, len(LOST_ELSEWHERE) + len(FOUND_AGAIN))
    late, others = drawn[: len(FOUND_AGAIN)], drawn[len(FOUND_AGAIN) :]
    losing = [(by_number[number], count) for number, count in LOST_NAMED.items()]
    losing += zip(others, LOST_ELSEWHERE, strict=True)
    for profile, count in losing:
        again = LOST_AGAIN if profile.municipality == BERGEN else 0
        for number, at in enumerate(_bursts(rng, count)):
            kind = Kind.LOST_AGAIN if number < again else Kind.RECEIPT_ONLY
            yield _planned(rng, at, profile, kind, "FIKS_IO")
    for at in _spread(rng, FALSE_ALARMS, utc(2023, 3, 1), FOUND):
        yield _planned(rng, at, by_number[SANDEFJORD], Kind.STORED_UNRECEIPTED)
    for at, profile, kind in zip(_spread(rng, len(late), BEGIN, FOUND), late, FOUND_AGAIN, strict=True):
        yield _planned(rng, at, profile, kind)


def _courses(rng: Random, receivers: list[Profile]) -> Iterator[Planned]:
    """What would be phantoms for who knew less: letters after a refusal, a feed's silent day, a service."""
    flyt, modulus = _running(FLYT, receivers), _running(MODULUS, receivers)
    for at in _spread(rng, LETTERS, BEGIN, END):
        yield _planned(rng, at, rng.choice([one for one in flyt if one.host is None]), Kind.LETTER, "FIKS_IO")
    for at in moments(rng, SILENT_DAY_REPORTS, SILENT_FROM, SILENT_DAY_SPAN):
        yield _planned(rng, at, rng.choice(modulus), Kind.STORED, "FIKS_IO")
    for at in _spread(rng, SERVED_REPORTS, BEGIN, END):
        yield _planned(rng, at, rng.choice([one for one in flyt if one.host]), Kind.STORED)


def _running(case_system: str, receivers: list[Profile]) -> list[Profile]:
    """Who runs a case system, but for the idle."""
    return [one for one in receivers if one.case_system == case_system and one.weight]


def _service(rng: Random, receivers: list[Profile]) -> tuple[str, ...]:
    """Some neighbours by number who run the same case system: the first is the host, under whose number all store."""
    numbers = sorted(one.municipality for one in _running(FLYT, receivers) if not one.districts)
    groups = [tuple(numbers[begin : begin + SERVICE_MEMBERS]) for begin in range(len(numbers) - SERVICE_MEMBERS + 1)]
    return rng.choice([group for group in groups if group[0][:2] == group[-1][:2]])  # of one county


def _receivers(rng: Random) -> list[Profile]:
    """All receivers; the named ones run Familia, the smallest few are idle."""
    drawn = profiles(rng, BEGIN.date(), UNTIL.date(), _SHARES)
    named = [place for place, one in enumerate(drawn) if not _unnamed(one) and one.case_system != FAMILIA]
    swaps = [place for place, one in enumerate(drawn) if _unnamed(one) and one.case_system == FAMILIA]
    for place, swap in zip(named, swaps, strict=False):
        other = drawn[place].case_system
        drawn[place] = drawn[place]._replace(case_system=FAMILIA)
        drawn[swap] = drawn[swap]._replace(case_system=other)
    awake = drawn[:-IDLE_RECEIVERS]
    return awake + [one._replace(weight=0.0) for one in drawn[-IDLE_RECEIVERS:]]


def _unnamed(profile: Profile) -> bool:
    return profile.municipality not in (*LOST_NAMED, SANDEFJORD)


def _background(rng: Random, reports: int, receivers: list[Profile]) -> Iterator[Planned]:
    """Reports that fare well: at least one for each receiver if there are enough of them."""
    chooser = Chooser(receivers)
    certain = min(reports, len(receivers))
    firsts = dict(zip(rng.sample(range(reports), certain), receivers, strict=False))
    for number, moment in enumerate(moments(rng, reports, BEGIN, END - BEGIN)):
        profile = firsts.get(number) or chooser.choose(rng)
        yield _planned(rng, moment, profile, Kind.STORED)


def _planned(rng: Random, moment: WrittenReport, profile: Profile, kind: Kind, channel: str = "") -> Planned:
    day = (moment.at - BEGIN).days
    sent = dispatch(rng, profile, day=day, form=moment.form, channel=channel)
    habits = Habits(
        duplicated=rng.random() < 0.05,
        resent=rng.random() < 0.03,
        stored_first=rng.random() < 0.04,
        sent_delayed=rng.random() < 0.005,
    )
    return Planned(moment.at, sent, kind, habits)


def _bursts(rng: Random, count: int) -> Iterator[WrittenReport]:
    """`count` losses in bursts of a few hours, while the municipality's own machines are overloaded."""
    while count:
        size = min(count, rng.randint(3, BURST_MOST))
        start = BEGIN + (FOUND - BURST_SPAN - BEGIN) * rng.random()
        yield from moments(rng, size, start, BURST_SPAN)
        count -= size


def _spread(rng: Random, count: int, begin: datetime, end: datetime) -> Iterator[WrittenReport]:
    return moments(rng, count, begin, end - begin)

"""The incident of 2020-2023: receipts without storage in one case system, in bursts, unnoticed for over two years.

One plan, two renderings: `virtual` in its own times, `compressed` into seconds for a live demo. Who ran which case
system and when each report was lost is not public: both are drawn, the totals and the named receivers are not.
"""

from collections.abc import Iterator
from datetime import datetime, timedelta
from random import Random
from typing import NamedTuple

from streams.data import portal_outages
from streams.simulation.flow import TimedStory, WrittenReport, handed_over, lines, moments, truths, utc
from streams.simulation.paces import OWN_TIME, SECONDS, policy_toml
from streams.simulation.receivers import Chooser, Profile, dispatch, profiles
from streams.simulation.script import ScriptLine, Truth
from streams.simulation.story import Dispatch, Habits, Kind, Story, StoryStep, tell

BEGIN, FOUND, END, UNTIL = utc(2020, 9, 1), utc(2023, 5, 25), utc(2023, 11, 2), utc(2023, 11, 30)
BERGEN, KRISTIANSAND, SANDEFJORD = "4601", "4204", "3804"
FAMILIA = "VISMA_FAMILIA"
LOST_NAMED = {BERGEN: 21, KRISTIANSAND: 12}
LOST_ELSEWHERE = (4, 3, 3, 2, 2, 2) + 14 * (1,)  # one number a municipality
FALSE_ALARMS = 7  # in Sandefjord
FOUND_AGAIN: tuple[Kind, ...] = (4 * (Kind.STORED_LATE,)) + (3 * (Kind.CONFIRMED_LATE,))
IDLE_RECEIVERS = 12  # they get a single report in three years
BURST_MOST, BURST_SPAN = 6, timedelta(hours=3)
_SHARES = {  # of 356 receivers, 244 ran the case system that lied
    FAMILIA: 244 / 356,
    "VISMA_FLYT_BARNEVERN": 42 / 356,
    "NETCOMPANY_MODULUS_BARN": 38 / 356,
    "MANUELL_MOTTAK": 22 / 356,
    "UKJENT": 10 / 356,
}


class Planned(NamedTuple):
    """One report of the plan, before anything happened to it."""

    created: datetime
    dispatch: Dispatch
    kind: Kind
    habits: Habits


class Virtual(NamedTuple):
    """The incident in its own times: records in order of arrival, and the truth when the clock ends at `until`."""

    lines: list[ScriptLine]
    truth: list[Truth]
    policy_toml: str
    until: datetime


class Compressed(NamedTuple):
    """The incident in seconds: records in the order in which to produce them, and the truth when all is over.

    `settled_seconds`: after so many seconds everything is produced and the last alarm time is passed.
    """

    steps: list[StoryStep]
    truth: list[Truth]
    policy_toml: str
    settled_seconds: float


def virtual(reports: int, seed: int) -> Virtual:
    """The three years as they were, `reports` in the background."""
    rng = Random(f"{seed}/own time")  # noqa: S311 - a simulation, no secret
    placed = [
        TimedStory(
            each.created,
            handed_over(rng, each.created, portal_outages()),
            tell(rng, each.dispatch, each.kind, each.habits, OWN_TIME),
        )
        for each in plan(reports, seed)
    ]
    policy = policy_toml(OWN_TIME, "2020-09")
    return Virtual(list(lines(placed, UNTIL)), list(truths(placed, UNTIL)), policy, UNTIL)


def compressed(reports: int, seed: int, duration_seconds: float = 100.0) -> Compressed:
    """The same reports in the same order, handed over within `duration_seconds`; the last proofs come 22 s later."""
    rng = Random(f"{seed}/seconds")  # noqa: S311 - a simulation, no secret
    windows = outage_windows(duration_seconds)
    steps, truth, settled = [], [], 0.0
    for each in plan(reports, seed):
        story = tell(rng, each.dispatch, each.kind, each.habits, SECONDS)
        offset = _after_outage(rng, _at(each.created, duration_seconds), windows)
        steps += [step._replace(offset_seconds=step.offset_seconds + offset) for step in story.steps]
        truth.append(_known(story))
        settled = max(settled, offset + story.alarm_seconds)
    steps.sort(key=lambda step: step.offset_seconds)
    settled = max(settled, steps[-1].offset_seconds)
    return Compressed(steps, truth, policy_toml(SECONDS, "demo"), settled)


def plan(reports: int, seed: int) -> list[Planned]:
    """Every report in the order in which it was written: the lost, the late, the false alarms, the background."""
    rng = Random(seed)  # noqa: S311 - a simulation, no secret
    receivers = _receivers(rng)
    by_number = {one.municipality: one for one in receivers}
    familia = [one for one in receivers if one.case_system == FAMILIA and one.weight and _unnamed(one)]
    drawn = rng.sample(familia, len(LOST_ELSEWHERE) + len(FOUND_AGAIN))
    late, others = drawn[: len(FOUND_AGAIN)], drawn[len(FOUND_AGAIN) :]
    planned = list(_background(rng, reports, receivers))
    losing = [(by_number[number], count) for number, count in LOST_NAMED.items()]
    losing += zip(others, LOST_ELSEWHERE, strict=True)
    for profile, count in losing:
        times = _bursts(rng, count)
        planned += [_planned(rng, at, profile, Kind.RECEIPT_ONLY, "FIKS_IO") for at in times]
    for at in _spread(rng, FALSE_ALARMS, utc(2023, 3, 1), FOUND):
        planned.append(_planned(rng, at, by_number[SANDEFJORD], Kind.STORED_UNRECEIPTED))
    for at, profile, kind in zip(_spread(rng, len(late), BEGIN, FOUND), late, FOUND_AGAIN, strict=True):
        planned.append(_planned(rng, at, profile, kind))
    return sorted(planned, key=lambda each: each.created)


def outage_windows(duration_seconds: float) -> list[tuple[float, float]]:
    """The portal's outages on the compressed clock, stretched so that their backlogs can be seen."""
    windows = []
    for outage in portal_outages():
        if outage.start >= BEGIN and outage.end <= END:
            begin = _at(outage.start, duration_seconds)
            hours = (outage.end - outage.start) / timedelta(hours=1)
            windows.append((begin, begin + duration_seconds * (0.003 + 0.007 * min(hours / 21, 1.0))))
    return windows


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


def _at(created: datetime, duration_seconds: float) -> float:
    """A moment of the three years on the compressed clock."""
    return (created - BEGIN) / (END - BEGIN) * duration_seconds


def _after_outage(rng: Random, offset: float, windows: list[tuple[float, float]]) -> float:
    for begin, end in windows:
        if begin <= offset < end:
            return end + (end - begin) * 0.2 * rng.random()
    return offset


def _known(story: Story) -> Truth:
    truth = story.truth()
    if truth is None:
        raise AssertionError("Without an end to the clock every report is known.")
    return truth

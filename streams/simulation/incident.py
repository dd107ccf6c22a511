"""The incident of 2020-2023: receipts without storage in one case system, in bursts, unnoticed for over two years.

One plan, two renderings: `virtual` in its own times, `compressed` into seconds for a live demo.
"""

from datetime import datetime, timedelta
from heapq import merge
from operator import attrgetter
from random import Random
from typing import NamedTuple

from streams.data import portal_outages
from streams.simulation.feed import ProofFeed
from streams.simulation.flow import TimedStory, handed_over, lines, truths
from streams.simulation.paces import OWN_TIME, SECONDS, policy_toml
from streams.simulation.plan import BEGIN, END, MODULUS, SILENT_FROM, UNTIL, Planned, ThreeYears, plan
from streams.simulation.script import ScriptLine, Truth
from streams.simulation.steps import StoryStep
from streams.simulation.story import Pace, Story, tell

FEED, SERVICE = "modulus", "neighbours"


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
    planned, feed = plan(reports, seed), ProofFeed(FEED, MODULUS, _seconds(SILENT_FROM), OWN_TIME.feed)
    placed = [_placed(rng, each, feed) for each in planned.reports]
    marks = (
        ScriptLine(at := BEGIN + timedelta(seconds=mark.offset_seconds), mark.topic, mark.value_at(at))
        for mark in feed.marks(_seconds(UNTIL))
    )
    script = merge(lines(placed, UNTIL), marks, key=attrgetter("at"))
    return Virtual(list(script), list(truths(placed, UNTIL)), _policy(OWN_TIME, "2020-09", feed, planned), UNTIL)


def compressed(reports: int, seed: int, duration_seconds: float = 100.0) -> Compressed:
    """The same reports in the same order, handed over within `duration_seconds`; the last proofs come 22 s later."""
    rng = Random(f"{seed}/seconds")  # noqa: S311 - a simulation, no secret
    windows = outage_windows(duration_seconds)
    planned, feed = plan(reports, seed), ProofFeed(FEED, MODULUS, _at(SILENT_FROM, duration_seconds), SECONDS.feed)
    steps, truth, settled = [], [], 0.0
    for each in planned.reports:
        offset = _after_outage(rng, _at(each.created, duration_seconds), windows)
        story = _told(rng, each, offset, SECONDS, feed)
        steps += [step._replace(offset_seconds=step.offset_seconds + offset) for step in story.steps]
        truth.append(_known(story))
        settled = max(settled, offset + story.last_alarm_seconds)
    settled = max(settled, *(step.offset_seconds for step in steps))
    steps += feed.marks(settled)
    steps.sort(key=attrgetter("offset_seconds"))
    return Compressed(steps, truth, _policy(SECONDS, "demo", feed, planned), settled)


def _placed(rng: Random, planned: Planned, feed: ProofFeed) -> TimedStory:
    begin = handed_over(rng, planned.created, portal_outages())
    return TimedStory(planned.created, begin, _told(rng, planned, _seconds(begin), OWN_TIME, feed))


def _told(rng: Random, planned: Planned, offset: float, pace: Pace, feed: ProofFeed) -> Story:
    """The story of one report that is handed over at `offset`, its proof by the feed where there is one."""
    story = tell(rng, planned.dispatch, planned.kind, planned.habits, pace)
    return feed.deliver(story, offset) if planned.dispatch.case_system == feed.case_system else story


def _policy(pace: Pace, version: str, feed: ProofFeed, planned: ThreeYears) -> str:
    members = ", ".join(f'{{ municipality = "{number}" }}' for number in planned.service)
    service = f'[[version.service]]\nid = "{SERVICE}"\nreceivers = [{members}]'
    return policy_toml(pace, version, feed.policy_toml, service)


def _seconds(time: datetime) -> float:
    return (time - BEGIN).total_seconds()


def outage_windows(duration_seconds: float) -> list[tuple[float, float]]:
    """The portal's outages on the compressed clock, stretched so that their backlogs can be seen."""
    windows = []
    for outage in portal_outages():
        if outage.start >= BEGIN and outage.end <= END:
            begin = _at(outage.start, duration_seconds)
            hours = (outage.end - outage.start) / timedelta(hours=1)
            windows.append((begin, begin + duration_seconds * (0.003 + 0.007 * min(hours / 21, 1.0))))
    return windows


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

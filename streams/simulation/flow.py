"""The flow of time: when reports are sent, when the portal is down, and the order in which records arrive."""

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from heapq import heappop, heappush
from math import inf
from random import Random
from typing import NamedTuple
from zoneinfo import ZoneInfo

from streams.data import Outage
from streams.simulation.script import ScriptLine, Truth
from streams.simulation.steps import StoryStep
from streams.simulation.story import Story

OSLO = ZoneInfo("Europe/Oslo")
HOUR = timedelta(hours=1)
BACKLOG = timedelta(minutes=20)  # in which a backlog is worked off
_AWAKE = (2, 1, 1, 1, 1, 2, 4, 7, 9, 10, 10, 10, 10, 10, 10, 9, 8, 7, 7, 7, 7, 7, 5, 3)
_OFFICE = (0, 0, 0, 0, 0, 0, 1, 8, 26, 34, 34, 30, 30, 34, 32, 22, 6, 2, 1, 1, 1, 0, 0, 0)


class WrittenReport(NamedTuple):
    """When a report was written, and on which form."""

    at: datetime
    form: str


class TimedStory(NamedTuple):
    """A story in time: written at `created`, handed over at `handed_over` (later if the portal was down)."""

    created: datetime
    handed_over: datetime
    story: Story


def moments(rng: Random, count: int, start: datetime, span: timedelta) -> Iterator[WrittenReport]:
    """Exactly `count` moments in order, by the rhythm of day and week: official forms on working days."""
    spots = _ordered_fractions(rng, count)
    hours = _hours(start, span)
    total = sum(private + official for _, private, official in hours)
    passed, position = 0.0, 0
    for spot in spots:
        target = spot * total
        begin, private, official = hours[position]
        while target > passed + private + official and position < len(hours) - 1:
            passed, position = passed + private + official, position + 1
            begin, private, official = hours[position]
        within = min((target - passed) / (private + official), 1.0)
        form = "OFFENTLIG" if rng.random() * (private + official) < official else "PRIVAT"
        yield WrittenReport(min(begin + within * HOUR, start + span), "UKJENT" if rng.random() < 0.01 else form)


@lru_cache(maxsize=16)
def _hours(start: datetime, span: timedelta) -> tuple[tuple[datetime, float, float], ...]:
    """Each hour with its weights of private and official forms."""
    begins = [start + number * HOUR for number in range(max(1, -(-span // HOUR)))]
    locally = [(begin, begin.astimezone(OSLO)) for begin in begins]
    return tuple(
        (begin, _AWAKE[local.hour], _OFFICE[local.hour] if local.weekday() < 5 else 0) for begin, local in locally
    )


def _ordered_fractions(rng: Random, count: int) -> Iterator[float]:
    """`count` uniform numbers in order, one after the other and without keeping them."""
    left = 1.0
    for remaining in range(count, 0, -1):
        left *= (1.0 - rng.random()) ** (1 / remaining)
        yield 1.0 - left


def handed_over(rng: Random, created: datetime, outages: Iterable[Outage]) -> datetime:
    """The moment itself, or soon after the end of the outage in which it lies."""
    for outage in outages:
        if outage.start <= created < outage.end:
            return outage.end + BACKLOG * rng.random()
    return created


def lines(placed: Iterable[TimedStory], until: datetime | None = None) -> Iterator[ScriptLine]:
    """All records in order of arrival, up to `until`. `placed` comes ordered by `created`."""
    waiting: list[tuple[datetime, int, StoryStep]] = []
    number = 0
    for each in placed:
        while waiting and waiting[0][0] <= each.created:
            yield _line(*heappop(waiting))
        for step in each.story.steps:
            at = each.handed_over + timedelta(seconds=step.offset_seconds)
            if until is None or at <= until:
                heappush(waiting, (at, number, step))
                number += 1
    while waiting:
        yield _line(*heappop(waiting))


def _line(at: datetime, _: int, step: StoryStep) -> ScriptLine:
    return ScriptLine(at, step.topic, step.value_at(at))


def truths(placed: Iterable[TimedStory], until: datetime | None = None) -> Iterator[Truth]:
    """What is true of each report when all until then is known (None: when all is over)."""
    for each in placed:
        known = inf if until is None else (until - each.handed_over).total_seconds()
        truth = each.story.truth(known)
        if truth is not None:
            yield truth


def utc(year: int, month: int, day: int) -> datetime:
    """Midnight UTC."""
    return datetime(year, month, day, tzinfo=UTC)

"""How far the tables can be trusted, in each state of the reading."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from streams.view.store.feed import Progress
from streams.view.store.freshness import CoverageNow, coverage_of, picture_of
from streams.view.store.store import Store
from tests.view.stock import after, changes, coverage, filled

NOW = datetime(2026, 3, 2, 12, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
FRESH, OLD = NOW - MINUTE, NOW - MINUTE - timedelta(microseconds=1)
GAPS = ((0, NOW, "no_marks"),)


@pytest.mark.parametrize(
    ("until", "progress", "behind"),
    [
        (None, Progress(), "building"),
        (None, Progress(records_left=0), "building"),
        (None, Progress(unreachable_since=NOW), "kafka_unreachable"),
        (FRESH, Progress(), None),
        (FRESH, Progress(records_left=5000), None),
        (FRESH, Progress(unreachable_since=NOW, trouble="gone"), "kafka_unreachable"),
        (FRESH, Progress(trouble="full"), "stuck"),
        (OLD, Progress(), "reading"),
        (OLD, Progress(records_left=1001), "reading"),
        (OLD, Progress(records_left=1000), "checker_silent"),
        (OLD, Progress(unreachable_since=NOW), "kafka_unreachable"),
        (OLD, Progress(trouble="full"), "stuck"),
    ],
)
def test_it_says_why_it_is_behind(until: datetime | None, progress: Progress, behind: str | None) -> None:
    picture = picture_of(CoverageNow(until, (), 0), progress, MINUTE, NOW)
    assert (picture.behind, picture.complete_until, picture.trouble) == (behind, until, progress.trouble)
    assert picture.whole == (behind is None)


def test_a_gap_is_said_and_is_not_whole() -> None:
    picture = picture_of(CoverageNow(FRESH, GAPS, 2), Progress(), MINUTE, NOW)
    assert [(gap.partition, gap.since, gap.cause) for gap in picture.gaps] == list(GAPS)
    assert (picture.losses, picture.whole) == (2, False)


def test_time_alone_puts_it_behind() -> None:
    behind = [
        picture_of(CoverageNow(FRESH, (), 0), Progress(records_left=0), MINUTE, NOW + t).behind
        for t in (0 * MINUTE, MINUTE)
    ]
    assert behind == [None, "checker_silent"]


@pytest.mark.parametrize(
    ("spoken", "until"),
    [
        ([], None),
        ([coverage(0, after(), partitions=2)], None),
        ([coverage(0, after(), partitions=2), coverage(1, after(hours=1), partitions=2)], after()),
        ([coverage(0, after()), coverage(0, after(hours=1))], after(hours=1)),
    ],
)
def test_it_is_complete_until_the_least_of_all_partitions(store: Store, spoken: list[Any], until: str | None) -> None:
    filled(store, changes(spoken=spoken))
    with store.reading() as cursor:
        found = coverage_of(cursor).complete_until
    assert found == (None if until is None else datetime.fromisoformat(until))

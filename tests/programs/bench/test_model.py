"""The model is held against every point that was measured (`results/growth.json`)."""

import pytest

from tests.programs.bench.model import Costs, Limits, Point, Volume, expected, fit, least_squares, needs, read_points

# Measured on a machine that workers and broker share: what a straight line leaves over is the scheduler's.
MEMORY_TOLERANCE, SPEED_TOLERANCE, RESTORE_TOLERANCE = 0.15, 0.4, 0.4
RESTORE_SLACK_SECONDS = 0.5

POINTS = read_points()
MADE = Costs(
    worker_bytes=80e6, partition_bytes=1e5, row_bytes=900, restore_start_seconds=0.2, restore_partition_seconds=0.05,
    record_seconds=4e-6, restore_speed_of_two=1.5, event_seconds=2e-5, event_wait_seconds=8e-6,
    event_speed_of_two=1.25, trickle_bytes=3000,
)  # fmt: skip


def made(rows: int, partitions: int, workers: int) -> Point:
    """A point that lies exactly where some costs put it."""
    one = expected(MADE, rows, partitions, workers)
    memory = round(one.memory_bytes)
    measured = (one.events_per_second, one.restore_seconds, memory, memory, 160.0, MADE.trickle_bytes)
    return Point(rows, partitions, workers, *measured)


@pytest.mark.parametrize("point", POINTS, ids=[f"{p.rows}-rows-{p.partitions}-partitions-{p.workers}" for p in POINTS])
def test_the_model_says_what_was_measured(point: Point) -> None:
    says = expected(fit(POINTS), *point[:3])
    assert says.memory_bytes == pytest.approx(point.memory_bytes, rel=MEMORY_TOLERANCE)
    assert says.events_per_second == pytest.approx(point.events_per_second, rel=SPEED_TOLERANCE)
    slack = max(RESTORE_SLACK_SECONDS, RESTORE_TOLERANCE * point.restore_seconds)
    assert says.restore_seconds == pytest.approx(point.restore_seconds, abs=slack)


def test_costs_that_made_the_points_are_found_again() -> None:
    shapes = [(0, 1), (0, 12), (0, 48), (10_000, 12), (100_000, 1), (100_000, 12), (100_000, 48), (1_000_000, 12)]
    found = fit([made(rows, partitions, workers) for rows, partitions in shapes for workers in (1, 2)])
    assert found == pytest.approx(MADE, rel=1e-3)


def test_a_cost_is_never_below_zero() -> None:
    assert least_squares([(1, 1), (1, 2), (1, 3)], [3.0, 2.0, 1.0])[1] == 0.0


def test_the_nation_needs_one_worker_and_a_thousand_nations_need_memory_first() -> None:
    assert needs(MADE, Volume()).workers == 1
    thousand = needs(MADE, Volume(1000))
    assert thousand.rows == pytest.approx(30.7e6, rel=0.01)
    assert thousand.breaks_first == "memory"
    assert thousand.workers == thousand.asked_by["memory"] == 4


def test_who_must_be_back_sooner_needs_more_workers_but_not_more_memory_for_rows() -> None:
    patient, hasty = (needs(MADE, Volume(1000), Limits(restore_seconds=seconds)) for seconds in (60.0, 10.0))
    assert hasty.breaks_first == "restore"
    assert hasty.workers > patient.workers
    assert hasty.restore_seconds < patient.restore_seconds
    assert hasty.rows == patient.rows

"""What a volume of reports would need: a small model, fitted to measured points and held against every one of them.

Memory, restore time and speed are straight lines in rows, records and partitions; a second worker multiplies speed by
what was measured. All constants come from the points (`results/growth.json`); nothing here is measured anew.
"""

from collections.abc import Sequence
from math import ceil
from pathlib import Path
from statistics import fmean, linear_regression
from typing import NamedTuple

import orjson

RESULTS = Path(__file__).parent / "results" / "growth.json"
RECORDS_A_ROW = 3  # of the measured states: not compacted
SECONDS_A_YEAR = 365 * 24 * 3600.0


class Point(NamedTuple):
    """One measurement. Memory is that of all workers; a restore is from the assignment to the last partition."""

    rows: int
    partitions: int
    workers: int
    events_per_second: float
    restore_seconds: float
    memory_bytes: int
    peak_bytes: int
    event_bytes: float  # that the broker wrote for each event, inputs and outputs together, copied once


class Costs(NamedTuple):
    """What was fitted: bytes and seconds each, and how much faster two workers are than one."""

    worker_bytes: float
    partition_bytes: float
    row_bytes: float
    restore_start_seconds: float
    record_seconds: float
    restore_speed_of_two: float
    event_seconds: float
    event_partition_seconds: float  # more for each event by each partition: batches get smaller
    event_speed_of_two: float
    event_bytes: float


class Expected(NamedTuple):
    """What the model says of a point."""

    memory_bytes: float
    restore_seconds: float
    events_per_second: float


class Volume(NamedTuple):
    """How much is sent. The defaults are Norway's: its highest year, under 30 reports in the busiest hour."""

    times: float = 1.0
    reports_a_year: float = 86_300
    reports_in_peak_hour: float = 30
    events_a_report: float = 3.2  # sent, receipt, stored; some twice
    keep_days: float = 130  # the keeping time, from the last fact or the alarm
    records_a_row: float = 1.2  # that a restore reads: compacted, but for the newest segments
    copies: int = 3


class Limits(NamedTuple):
    """What one worker may take, and how much of its speed is used at the peak."""

    worker_bytes: float = 8e9
    restore_seconds: float = 60.0
    used_speed: float = 0.5


class Needs(NamedTuple):
    """What a volume needs. `asked_by`: how many workers each limit alone would ask for; the highest breaks first."""

    rows: float
    peak_events_per_second: float
    workers: int
    partitions: int
    memory_bytes: float
    restore_seconds: float
    broker_bytes_per_second: float
    state_bytes_read: float
    asked_by: dict[str, int]

    @property
    def breaks_first(self) -> str:
        """The limit that asks for the most workers."""
        return max(self.asked_by, key=lambda name: self.asked_by[name])


def fit(points: Sequence[Point]) -> Costs:
    """The costs that explain the points best. Needs empty states and full ones, of one worker and of two."""
    alone = [point for point in points if point.workers == 1]
    empty, full = [p for p in alone if p.rows == 0], [p for p in alone if p.rows > 0]
    by_partition = linear_regression([p.partitions for p in empty], [p.memory_bytes for p in empty])
    rows = linear_regression(
        [p.rows for p in full],
        [p.memory_bytes - by_partition.intercept - by_partition.slope * p.partitions for p in full],
        proportional=True,
    )
    restored = linear_regression([p.rows * RECORDS_A_ROW for p in alone], [p.restore_seconds for p in alone])
    event = linear_regression([p.partitions for p in alone], [1 / p.events_per_second for p in alone])
    pairs = [(one, two) for one in full for two in points if two[:3] == (*one[:2], 2)]
    return Costs(
        worker_bytes=by_partition.intercept,
        partition_bytes=by_partition.slope,
        row_bytes=rows.slope,
        restore_start_seconds=restored.intercept,
        record_seconds=restored.slope,
        restore_speed_of_two=fmean(one.restore_seconds / two.restore_seconds for one, two in pairs),
        event_seconds=event.intercept,
        event_partition_seconds=event.slope,
        event_speed_of_two=fmean(two.events_per_second / one.events_per_second for one, two in pairs),
        event_bytes=fmean(point.event_bytes for point in points),
    )


def expected(
    costs: Costs, rows: float, partitions: int, workers: int, records_a_row: float = RECORDS_A_ROW
) -> Expected:
    """What some workers take and reach together."""
    alone = costs.event_seconds + costs.event_partition_seconds * partitions
    return Expected(
        workers * costs.worker_bytes + partitions * costs.partition_bytes + rows * costs.row_bytes,
        costs.restore_start_seconds
        + costs.record_seconds * rows * records_a_row / _speed(costs.restore_speed_of_two, workers),
        _speed(costs.event_speed_of_two, workers) / alone,
    )


def _speed(of_two: float, workers: int) -> float:
    """How much faster some workers are than one: each further one adds what the second added, measured on one machine
    that it shared with the first and the broker. With cores of its own it adds more."""
    return 1 + (workers - 1) * (of_two - 1)


def needs(costs: Costs, volume: Volume, limits: Limits = Limits()) -> Needs:  # noqa: B008 - both are values
    """How many partitions and workers, how much memory and traffic, and how long a restart of all takes."""
    rows = volume.times * volume.reports_a_year * volume.keep_days / 365
    peak = volume.times * volume.reports_in_peak_hour * volume.events_a_report / 3600
    asked = {
        "memory": ceil(rows * costs.row_bytes / (limits.worker_bytes - costs.worker_bytes)),
        "restore": ceil(costs.record_seconds * rows * volume.records_a_row / limits.restore_seconds),
        "speed": ceil(peak * costs.event_seconds / limits.used_speed),
    }
    workers = max(1, *asked.values())
    partitions = max(12, 4 * workers)
    found = expected(costs, rows, partitions, 1, volume.records_a_row)
    return Needs(
        rows=rows,
        peak_events_per_second=peak,
        workers=workers,
        partitions=partitions,
        memory_bytes=found.memory_bytes + (workers - 1) * costs.worker_bytes,
        restore_seconds=costs.restore_start_seconds + (found.restore_seconds - costs.restore_start_seconds) / workers,
        broker_bytes_per_second=peak * costs.event_bytes * volume.copies,
        state_bytes_read=rows * volume.records_a_row * costs.row_bytes,
        asked_by=asked,
    )


def read_points(path: Path = RESULTS) -> list[Point]:
    """The measured points."""
    return [Point(**point) for point in orjson.loads(path.read_bytes())["points"]]


def write_points(points: Sequence[Point], machine: str, path: Path = RESULTS) -> None:
    """Keep measured points, and what they were measured on."""
    path.parent.mkdir(exist_ok=True)
    value = {"machine": machine, "points": [point._asdict() for point in points]}
    path.write_bytes(orjson.dumps(value, option=orjson.OPT_INDENT_2) + b"\n")

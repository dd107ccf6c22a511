"""What a volume of reports would need: a small model, fitted to measured points and held against every one of them.

Memory and restore time are straight lines in rows, records and partitions; an event takes a constant and its share of a
commit that is waited for, which partitions overlap; a second worker multiplies speed by what was measured. All
constants come from the points (`results/growth.json`); nothing here is measured anew.
"""

from collections.abc import Sequence
from math import ceil
from pathlib import Path
from statistics import fmean
from typing import NamedTuple

import orjson

RESULTS = Path(__file__).parent / "results" / "growth.json"
RECORDS_A_ROW = 3  # of the measured states: not compacted
LEAST_PARTITIONS, PARTITIONS_A_WORKER = 12, 4


class Point(NamedTuple):
    """One measurement. Memory is that of all workers; a restore is from the assignment to the last partition."""

    rows: int
    partitions: int
    workers: int
    events_per_second: float
    restore_seconds: float
    memory_bytes: int
    peak_bytes: int
    event_bytes: float  # that the broker wrote for each event of a flood, inputs and outputs together, copied once
    trickle_bytes: float  # the same where events come one by one, each in its own transaction


class Costs(NamedTuple):
    """What was fitted: bytes and seconds each, and how much faster two workers are than one."""

    worker_bytes: float
    partition_bytes: float
    row_bytes: float
    restore_start_seconds: float
    restore_partition_seconds: float
    record_seconds: float
    restore_speed_of_two: float
    event_seconds: float
    event_wait_seconds: float  # more for each event of one partition alone: nothing else is done while it commits
    event_speed_of_two: float
    trickle_bytes: float


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
    asked_by: dict[str, int]

    @property
    def breaks_first(self) -> str:
        """The limit that asks for the most workers."""
        return max(self.asked_by, key=lambda name: self.asked_by[name])


def fit(points: Sequence[Point]) -> Costs:
    """The costs that explain the points best, relative to each. Needs empty and full states, one worker and two."""
    alone = [point for point in points if point.workers == 1]
    pairs = [(one, two) for one in alone for two in points if two[:3] == (*one[:2], 2)]
    memory = least_squares([p[:3] for p in points], [p.memory_bytes for p in points])
    restore = least_squares(
        [(1, p.partitions, p.rows * RECORDS_A_ROW) for p in alone], [p.restore_seconds for p in alone]
    )
    event = least_squares([(1, 1 / p.partitions) for p in alone], [1 / p.events_per_second for p in alone])
    return Costs(
        row_bytes=memory[0],
        partition_bytes=memory[1],
        worker_bytes=memory[2],
        restore_start_seconds=restore[0],
        restore_partition_seconds=restore[1],
        record_seconds=restore[2],
        restore_speed_of_two=fmean(one.restore_seconds / two.restore_seconds for one, two in pairs),
        event_seconds=event[0],
        event_wait_seconds=event[1],
        event_speed_of_two=fmean(two.events_per_second / one.events_per_second for one, two in pairs),
        trickle_bytes=fmean(point.trickle_bytes for point in points),
    )


def least_squares(inputs: Sequence[Sequence[float]], outputs: Sequence[float]) -> list[float]:
    """The coefficients, none below zero, whose sums of products miss the outputs least, each relative to its size."""
    used = list(range(len(inputs[0])))
    while True:
        lines = [[line[n] / out for n in used] for line, out in zip(inputs, outputs, strict=True)]
        found = _solved(lines, [1.0] * len(lines))
        if min(found) >= 0:
            return [found[used.index(n)] if n in used else 0.0 for n in range(len(inputs[0]))]
        used.remove(used[found.index(min(found))])  # a cost below zero is noise: it costs nothing


def _solved(lines: list[list[float]], outputs: list[float]) -> list[float]:
    """The normal equations by elimination. Raises ZeroDivisionError where the points do not tell the inputs apart."""
    size = range(len(lines[0]))
    matrix = [
        [sum(line[i] * line[j] for line in lines) for j in size]
        + [sum(line[i] * out for line, out in zip(lines, outputs, strict=True))]
        for i in size
    ]
    for i in size:
        matrix[i] = [cell / matrix[i][i] for cell in matrix[i]]
        for k in size:
            if k != i:
                matrix[k] = [cell - matrix[k][i] * own for cell, own in zip(matrix[k], matrix[i], strict=True)]
    return [line[-1] for line in matrix]


def expected(
    costs: Costs, rows: float, partitions: int, workers: int, records_a_row: float = RECORDS_A_ROW
) -> Expected:
    """What some workers take and reach together."""
    restore = (
        costs.restore_start_seconds
        + costs.restore_partition_seconds * partitions
        + costs.record_seconds * rows * records_a_row
    )
    event = costs.event_seconds + costs.event_wait_seconds / partitions
    return Expected(
        workers * costs.worker_bytes + partitions * costs.partition_bytes + rows * costs.row_bytes,
        restore / _speed(costs.restore_speed_of_two, workers),
        _speed(costs.event_speed_of_two, workers) / event,
    )


def _speed(of_two: float, workers: int) -> float:
    """How much faster some workers are on one machine: each further one adds what the second added."""
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
    partitions = max(LEAST_PARTITIONS, PARTITIONS_A_WORKER * workers)
    # Every worker on cores of its own: each restores its part, as one worker alone was measured to do.
    restore = expected(costs, rows / workers, ceil(partitions / workers), 1, volume.records_a_row).restore_seconds
    return Needs(
        rows=rows,
        peak_events_per_second=peak,
        workers=workers,
        partitions=partitions,
        memory_bytes=expected(costs, rows, partitions, workers).memory_bytes,
        restore_seconds=restore,
        broker_bytes_per_second=peak * costs.trickle_bytes * volume.copies,
        asked_by=asked,
    )


def read_points(path: Path = RESULTS) -> list[Point]:
    """The measured points; none where none have been kept yet."""
    if not path.exists():
        return []
    return [Point(**point) for point in orjson.loads(path.read_bytes())["points"]]


def write_points(points: Sequence[Point], machine: str, path: Path = RESULTS) -> None:
    """Keep measured points, and what they were measured on."""
    path.parent.mkdir(exist_ok=True)
    value = {"machine": machine, "points": [point._asdict() for point in points]}
    path.write_bytes(orjson.dumps(value, option=orjson.OPT_INDENT_2) + b"\n")

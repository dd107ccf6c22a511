"""What the benchmarks read out of logs, events and coverage."""

import time
from datetime import UTC, datetime, timedelta

import orjson
import pytest

from streams.settings import Settings
from tests.programs.bench.delay import delay_of
from tests.programs.bench.following import complete_beyond
from tests.programs.bench.growth import Plan
from tests.programs.bench.load import Reports
from tests.programs.bench.restart import JOINED, logged_at
from tests.programs.bench.state import KINDS

LOG = """\
+ƒaµS† v0.15.3+---+
[{first},040] [7] [INFO] [^--Marker]: Starting...
meldingsvakt: a sentence
[{second},250] [7] [INFO] [^--Marker]: Starting...
"""


def test_a_log_tells_when_something_happened_last() -> None:
    moment = datetime(2026, 6, 1, 12, tzinfo=UTC)
    local = moment.astimezone()
    times = {"first": local, "second": local + timedelta(seconds=9)}
    log = LOG.format(**{name: f"{at:%Y-%m-%d %H:%M:%S}" for name, at in times.items()})
    assert logged_at(log, JOINED) == moment + timedelta(seconds=9.25)
    with pytest.raises(ValueError, match="never logged"):
        logged_at(log, "Checking partitions")


def test_a_delay_is_counted_from_the_alarm() -> None:
    event = orjson.dumps({"alarm_at": "2026-06-01T12:00:00.250000Z"})
    assert delay_of(event, datetime(2026, 6, 1, 12, 0, 1, tzinfo=UTC).timestamp()) == pytest.approx(0.75)


@pytest.mark.parametrize(("until", "beyond"), [(None, False), ("2026-06-01T12:00:00.000000Z", False)])
def test_complete_until_a_moment_is_not_beyond_it(until: str | None, *, beyond: bool) -> None:
    moment = datetime(2026, 6, 1, 12, tzinfo=UTC)
    assert complete_beyond({"complete_until": until}, moment) is beyond
    assert complete_beyond({"complete_until": "2026-06-01T12:00:00.000001Z"}, moment)


def test_a_plan_crosses_sizes_and_partitions_and_has_an_empty_state_for_each() -> None:
    assert Plan().grounds() == [
        (0, 1), (0, 12), (0, 48), (10_000, 12), (100_000, 1), (100_000, 12), (100_000, 48), (1_000_000, 12),
    ]  # fmt: skip


def test_all_records_of_a_report_go_to_one_partition() -> None:
    source = Reports(Settings(partitions=4), seed=int(time.time()))
    ids = source.draw(200)
    homes = [
        {record.key: partition for (_, partition), records in source.records(kind, ids).items() for record in records}
        for kind in KINDS
    ]
    assert homes[0] == homes[1] == homes[2]
    assert {key.decode() for key in homes[0]} == set(ids)

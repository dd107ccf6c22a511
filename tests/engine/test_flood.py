"""What is read off workers while they have very much to do."""

from types import SimpleNamespace
from typing import Any

import pytest

from tests.engine.flood import Watch, counted

SHOWN = """
meldingsvakt_commit_seconds_count 12.0
meldingsvakt_reports{partition="0",status="erased"} 3.0
meldingsvakt_reports{partition="0",status="unproven"} 4.0
meldingsvakt_reports{partition="1",status="unproven"} 5.0
meldingsvakt_sent_reports{partition="0"} 7.0
"""


@pytest.mark.parametrize(
    ("name", "label", "sum_"),
    [("commit_seconds_count", "", 12), ("reports", "", 12), ("reports", "unproven", 9), ("losses", "", 0)],
)
def test_a_metric_is_added_up_over_its_labels_or_has_none(name: str, label: str, sum_: int) -> None:
    assert counted(SHOWN, name, label) == sum_


class _Worker:
    takeovers = 0

    def output(self) -> str:
        return "Checking partitions\n" * self.takeovers


def test_a_pause_lies_between_two_commits_unless_somebody_takes_over(monkeypatch: pytest.MonkeyPatch) -> None:
    times = iter((0, 50, 51, 55, 56, 90, 93))
    monkeypatch.setattr("tests.engine.flood.time", SimpleNamespace(monotonic=lambda: next(times)))
    worker: Any = _Worker()
    watch, pauses = Watch([worker]), []
    for commits, takeovers in ((0, 0), (0, 1), (1, 1), (1, 1), (2, 1), (2, 2), (3, 2)):
        worker.takeovers = takeovers
        watch._look_for_a_pause(commits)
        pauses.append(watch.longest_pause)
    assert pauses == [0, 0, 0, 4, 5, 5, 5]

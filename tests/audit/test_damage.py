"""However a line is damaged, no report leaves the books, becomes missing or stored that is not, or is made up."""

import time
from pathlib import Path

import pytest

from tests.audit.damage.good import ALLOWANCE, BEGIN, Layout, Report
from tests.audit.damage.kinds import LINES, VALUES
from tests.audit.damage.play import Damage, may_be, play
from tests.audit.damage.several import several

HISTORIES = 25_000  # of a hundred thousand, one after the other


def test_a_few_hundred_damaged_lines_lose_invent_and_call_wrong_nothing(tmp_path: Path) -> None:
    told = several(tmp_path, time.time_ns() % 1_000_000_000, damaged=400, most=6, reports=160)
    assert told.wrong == []
    assert told.damaged > 100
    assert told.kept > told.damaged / 3  # most kinds cost nothing, or the line can be read all the same


@pytest.mark.long
@pytest.mark.parametrize("part", range(4))
def test_a_hundred_thousand_damaged_lines_lose_invent_and_call_wrong_nothing(tmp_path: Path, part: int) -> None:
    told = several(tmp_path, time.time_ns() % 1_000_000_000 + part, damaged=HISTORIES, most=10_000, reports=400)
    assert told.wrong == []
    assert told.damaged >= HISTORIES


@pytest.mark.parametrize("seed", [573867117, 887678960, 80140, 138515654, 913668917, 951193435, 739153905])
def test_worlds_in_which_a_damaged_line_took_a_report_with_it_are_told_as_they_are(tmp_path: Path, seed: int) -> None:
    assert play(tmp_path, seed, 400).wrong == []


def test_there_are_more_than_a_hundred_kinds() -> None:
    assert sum(map(len, VALUES.values())) + sum(map(len, LINES.values())) > 100


def test_a_world_without_damage_is_told_as_it_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tests.audit.damage.play.SHARE", 0.0)
    told = [play(tmp_path / str(seed), seed, 60) for seed in (2, 3, 6)]
    assert [one.wrong for one in told] == [[]] * 3
    assert [one.damaged for one in told if not one.wide] == [0] * sum(not one.wide for one in told)


@pytest.mark.parametrize(
    ("fate", "status", "untold", "right"),
    [
        ("stored", "stored", None, True), ("stored", "undetermined", "proof_unreadable", True),
        ("stored", "undetermined", None, False), ("stored", "missing", None, False),
        ("stored", "recovered", None, False), ("missing", "stored", None, False),
        ("missing", "pending", None, False), ("missing", "gone", None, False),
        ("pending", "missing", None, False), ("recovered", "missing", None, False), ("stored", "gone", None, False),
    ],
)  # fmt: skip
def test_what_is_wrong_is_noticed(fate: str, status: str, untold: str | None, right: bool) -> None:
    stored_at = BEGIN + ALLOWANCE if fate in ("stored", "recovered") else None
    one = Report("0a1b2c3d-4e5f-4a6b-8c7d-9e0f1a2b3c4d", "m1", BEGIN, stored_at, "0301", fate)
    layout = Layout("csv", (), ",", 0, nested=False, packed=False)
    assert may_be(one, None, status, untold) == right
    assert may_be(one, Damage("a delimiter too many", "sent", layout, one.report_id.encode()), status, untold) == right

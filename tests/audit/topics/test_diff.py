"""What an audit says beside what was announced: every event once, in the category that it belongs to."""

import csv
import random
from collections.abc import Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import orjson
import pytest
import typer
from typer.testing import CliRunner

from streams.audit.diff import CATEGORIES, COLUMNS, Diff, compared
from streams.audit.topics.announcements import announced_in
from streams.cli.audit_diff import diff
from streams.core.events import MISSING_TYPE, written
from streams.errors import ConfigurationError
from tests.audit.topics.announced import ALARM, NOW, decided, missing, ours, recovered, report, result_of, verdict

LATE = timedelta(minutes=5)


def file_of(folder: Path, values: Sequence[Any]) -> Path:
    """A file of announcements."""
    file = folder / "announced.ndjson"
    file.write_bytes(b"".join(orjson.dumps(value) + b"\n" for value in values))
    return file


def said(
    folder: Path, verdicts: Sequence[dict[str, Any]], values: Sequence[Any], until: datetime | None = NOW
) -> dict[str, tuple[str, str | None]]:
    """Category and why, by the report, of what does not agree."""
    with compared(result_of(folder, verdicts, until), announced_in(file_of(folder, values)), LATE) as found:
        return {line["report_id"]: (line["category"], line["why"]) for line in found.lines()}


MISSING_CASES: list[tuple[str, list[Any], list[Any], tuple[str, str | None] | None]] = [
    ("both say so", [verdict(1, "missing")], [missing(1)], None),
    ("announced twice", [verdict(1, "missing")], [missing(1), missing(1, after=9999)], None),
    ("nobody says so", [verdict(1, "stored")], [], None),
    ("cannot tell, never announced", [verdict(1, "undetermined", untold="has_gap")], [], ("not_comparable", "has_gap")),
    ("never announced", [verdict(1, "missing")], [], ("lost", "missing")),
    ("found again, never announced", [verdict(1, "recovered")], [], ("lost", "recovered")),
    ("stored", [verdict(1, "stored")], [missing(1)], ("phantom", "stored")),
    ("unproven", [verdict(1, "unproven")], [missing(1)], ("phantom", "unproven")),
    ("before its alarm time", [verdict(1, "pending", NOW)], [missing(1)], ("phantom", "pending")),
    ("at the alarm time that is still to come", [verdict(1, "pending", NOW)], [missing(1, NOW)],
     ("not_comparable", "ends_earlier")),
    ("after the audit's end", [verdict(1, "pending", NOW + LATE)], [missing(1, NOW)],
     ("not_comparable", "ends_earlier")),
    ("another alarm time", [verdict(1, "missing")], [missing(1, NOW)], ("differs", "alarm_at")),
    ("another policy", [verdict(1, "missing", policy_version="v2")], [missing(1, NOW)], ("differs", "policy_version")),
    ("by event time", [verdict(1, "missing", by_event_time=True)], [missing(1, NOW)], ("differs", "by_event_time")),
    ("just in time", [verdict(1, "missing")], [missing(1, after=300)], None),
    ("late", [verdict(1, "missing")], [missing(1, after=300.000001)], ("late", None)),
    ("no time", [verdict(1, "missing")], [missing(1, after=None)], None),
    ("cannot tell", [verdict(1, "undetermined", untold="begins_later")], [missing(1)],
     ("not_comparable", "begins_later")),
    ("stored, cannot tell whether in time", [verdict(1, "stored", untold="has_gap")], [missing(1)],
     ("not_comparable", "has_gap")),
    ("the same, never announced", [verdict(1, "stored", untold="has_gap")], [], ("not_comparable", "has_gap")),
    ("no sent seen", [verdict(1, "unexpected")], [missing(1)], ("not_comparable", "unexpected")),
    ("unknown", [], [missing(1)], ("not_comparable", "not_in_audit")),
]  # fmt: skip
RECOVERED_CASES: list[tuple[str, list[Any], list[Any], tuple[str, str | None] | None]] = [
    ("both say so", [verdict(1, "recovered")], [missing(1), recovered(1)], None),
    ("never announced", [verdict(1, "recovered")], [missing(1)], ("missing_recovered", None)),
    ("still missing", [verdict(1, "missing")], [missing(1), recovered(1)], ("phantom_recovered", "missing")),
    ("after the audit's end", [verdict(1, "missing")], [missing(1), recovered(1, arrived_at=NOW)],
     ("not_comparable", "ends_earlier")),
    ("unknown", [], [recovered(1)], ("not_comparable", "not_in_audit")),
    ("cannot tell", [verdict(1, "undetermined", untold="has_gap")], [recovered(1)], ("not_comparable", "has_gap")),
    ("stored in time", [verdict(1, "stored")], [recovered(1)], ("phantom_recovered", "stored")),
    ("stored, cannot tell whether in time", [verdict(1, "stored", untold="has_gap")], [recovered(1)],
     ("not_comparable", "has_gap")),
    ("of another alarm time", [verdict(1, "recovered")], [missing(1), recovered(1, NOW)], ("differs", "alarm_at")),
    ("between the audit's end and its alarm time", [verdict(1, "pending", NOW + LATE)],
     [recovered(1, arrived_at=NOW + LATE / 2)], ("not_comparable", "ends_earlier")),
    ("alarm still to come", [verdict(1, "pending", ALARM)], [recovered(1)], ("not_comparable", "ends_earlier")),
]  # fmt: skip


@pytest.mark.parametrize(
    ("verdicts", "values", "expected"),
    [pytest.param(*case[1:], id=f"missing: {case[0]}") for case in MISSING_CASES]
    + [pytest.param(*case[1:], id=f"recovered: {case[0]}") for case in RECOVERED_CASES],
)
def test_an_event_is_in_the_category_that_it_belongs_to(
    tmp_path: Path, verdicts: list[Any], values: list[Any], expected: tuple[str, str | None] | None
) -> None:
    found = said(tmp_path, verdicts, values)
    assert found == ({} if expected is None else {report(1): expected})


def test_without_the_audits_end_only_the_same_alarm_time_tells_that_it_came_later(tmp_path: Path) -> None:
    verdicts = [verdict(1, "pending", NOW), verdict(2, "pending", NOW + LATE), verdict(3, "missing")]
    values = [missing(1, NOW), missing(2, NOW), missing(3), recovered(3, arrived_at=NOW)]
    assert said(tmp_path, verdicts, values, until=None) == {
        report(1): ("not_comparable", "ends_earlier"),
        report(2): ("phantom", "pending"),
        report(3): ("phantom_recovered", "missing"),
    }


def test_a_second_announcement_under_another_id_differs_beside_the_one_that_agrees(tmp_path: Path) -> None:
    result = result_of(tmp_path, [verdict(1, "missing")])
    with compared(result, announced_in(file_of(tmp_path, [missing(1), missing(1, NOW)])), LATE) as found:
        assert {name: count for name, count in found.counts.items() if count} == {"agree": 1, "differs": 1}
        (line,) = found.lines()
    assert line["missing_event_id"] == missing(1)["event_id"]
    assert line["announced_event_id"] == missing(1, NOW)["event_id"]


AGAIN = ALARM + timedelta(days=1)
SECOND = missing(1, AGAIN) | {"previous_event_id": missing(1)["event_id"], "episode": 2}
FOUND, LOST, OPENED = decided(1, 91, "found"), decided(1, 92, "lost"), decided(1, 93)
CLOSED = verdict(1, "missing", outcome="found")
Line = tuple[str, str | None, str | None]


def told(
    folder: Path,
    verdicts: list[Any],
    more: list[Any],
    values: list[Any],
    since: datetime | None = ALARM,
    to: datetime | None = None,
) -> list[Line]:
    """Category, kind of event and why, of all that does not agree."""
    result = result_of(folder, verdicts, NOW, more, since, to)
    with compared(result, announced_in(file_of(folder, values)), LATE) as found:
        return [(line["category"], line["event"], line["why"]) for line in found.lines()]


@pytest.mark.parametrize(
    ("more", "values", "expected"),
    [
        ([ours(SECOND)], [missing(1), SECOND], []),
        ([ours(SECOND)], [missing(1)], [("lost", "missing", "missing")]),
        ([ours(SECOND)], [SECOND], [("lost", "missing", "missing")]),
        ([], [missing(1), SECOND], [("phantom", "missing", "episode")]),
        ([], [missing(1), missing(1, NOW, episode=2)], [("not_comparable", "missing", "ends_earlier")]),
        ([ours(SECOND)], [missing(1), missing(1, NOW, episode=2)], [("differs", "missing", "alarm_at")]),
    ],
)  # fmt: skip
def test_missing_events_are_compared_episode_by_episode(
    tmp_path: Path, more: list[Any], values: list[Any], expected: list[Line]
) -> None:
    assert told(tmp_path, [verdict(1, "missing")], more, values) == expected


DECISION_CASES: list[tuple[list[Any], list[Any], list[Line]]] = [
    ([ours(FOUND)], [FOUND], []),
    ([ours(FOUND), ours(OPENED)], [FOUND, OPENED], []),
    ([ours(FOUND)], [], [("missing_decision", "closed", None)]),
    ([ours(FOUND), ours(OPENED)], [FOUND], [("missing_decision", "reopened", None)]),
    ([], [FOUND], [("phantom_decision", "closed", "missing")]),
    ([], [OPENED], [("phantom_decision", "reopened", "missing")]),
    ([ours(FOUND)], [LOST], [("differs", "closed", "outcome"), ("missing_decision", "closed", None)]),
    ([ours(FOUND, decision_id=None)], [decided(1, 94, "found")], []),
    ([ours(FOUND, decision_id=None)], [decided(1, 94, "lost")],
     [("differs", "closed", "outcome"), ("missing_decision", "closed", None)]),
    ([], [decided(1, 94, "lost", arrived_at=written(NOW))], [("not_comparable", "closed", "ends_earlier")]),
    ([], [decided(1, 94, "lost", AGAIN)], [("differs", "closed", "alarm_at")]),
    ([], [decided(1, 94, "lost", arrived_at=written(ALARM - LATE))],
     [("not_comparable", "closed", "decisions_not_read")]),
]  # fmt: skip


@pytest.mark.parametrize(("more", "values", "expected"), DECISION_CASES)
def test_what_people_decided_is_compared_decision_by_decision(
    tmp_path: Path, more: list[Any], values: list[Any], expected: list[Line]
) -> None:
    assert told(tmp_path, [CLOSED], more, [missing(1), *values]) == expected


@pytest.mark.parametrize(
    ("one", "expected"),
    [
        (verdict(1, "stored"), [("phantom", "missing", "stored"), ("phantom_decision", "closed", "stored")]),
        (verdict(1, "stored", untold="has_gap"),
         [("not_comparable", "missing", "has_gap"), ("not_comparable", "closed", "has_gap")]),
        (verdict(1, "erased"), [("not_comparable", "missing", "erased"), ("not_comparable", "closed", "erased")]),
        (verdict(1, "undetermined", untold="has_gap"),
         [("not_comparable", "missing", "has_gap"), ("not_comparable", "closed", "has_gap")]),
    ],
)  # fmt: skip
def test_what_was_decided_of_an_alarm_that_the_audit_has_not_is_told_by_the_reports_status(
    tmp_path: Path, one: dict[str, Any], expected: list[Line]
) -> None:
    assert sorted(told(tmp_path, [one], [], [missing(1), FOUND])) == sorted(expected)
    assert told(tmp_path, [], [], [FOUND]) == [("not_comparable", "closed", "not_in_audit")]


def test_where_no_decisions_were_read_none_is_called_wrong(tmp_path: Path) -> None:
    not_read = ("not_comparable", "closed", "decisions_not_read")
    assert told(tmp_path, [verdict(1, "missing")], [], [missing(1), FOUND], since=None) == [not_read]
    listed = ours(FOUND, decision_id=None)
    assert told(tmp_path, [CLOSED], [listed], [missing(1), LOST], since=None)[0] == ("differs", "closed", "outcome")


DECIDED_AT = ALARM + timedelta(hours=1)
A_MOMENT_LATER = DECIDED_AT + timedelta(microseconds=1)
NOT_READ = ("not_comparable", "closed", "decisions_not_read")


@pytest.mark.parametrize(
    ("more", "values", "to", "expected"),
    [
        ([], [FOUND], DECIDED_AT, [NOT_READ]),
        ([], [FOUND], A_MOMENT_LATER, [("phantom_decision", "closed", "missing")]),
        ([ours(FOUND, at=ALARM)], [LOST], DECIDED_AT, [("missing_decision", "closed", None), NOT_READ]),
        ([ours(FOUND)], [], DECIDED_AT, [NOT_READ]),
        ([ours(FOUND)], [], A_MOMENT_LATER, [("missing_decision", "closed", None)]),
        ([ours(FOUND)], [FOUND], DECIDED_AT, []),
    ],
)
def test_from_where_decisions_were_not_read_on_none_is_called_wrong(
    tmp_path: Path, more: list[Any], values: list[Any], to: datetime, expected: list[Line]
) -> None:
    assert told(tmp_path, [CLOSED], more, [missing(1), *values], to=to) == expected


def test_of_what_is_erased_nobody_knows_whether_it_had_to_be_announced(tmp_path: Path) -> None:
    assert told(tmp_path, [verdict(1, "erased")], [], []) == [("not_comparable", None, "erased")]


def _random_history(rng: random.Random) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    statuses = ("stored", "missing", "recovered", "pending", "unproven", "undetermined", "unexpected")
    alarms = [ALARM, NOW - timedelta(days=3), NOW + timedelta(days=3)]
    verdicts = [verdict(n, rng.choice(statuses), rng.choice(alarms)) for n in range(40) if rng.random() < 0.9]
    values: list[dict[str, Any]] = []
    for number in range(40):
        for alarm_at in rng.sample(alarms, rng.choice([0, 1, 1, 1, 2])):
            values += [missing(number, alarm_at, rng.choice([1, 1000, None]))] * rng.choice([1, 1, 2])
            if rng.random() < 0.4:
                values.append(recovered(number, alarm_at))
    return verdicts, values


def _check_books(found: Diff, verdicts: list[dict[str, Any]], values: list[dict[str, Any]]) -> None:
    lines = list(found.lines())
    assert len(lines) == sum(found.counts.values()) - found.counts["agree"]
    announced = {value["event_id"] for value in values}
    told = [line["announced_event_id"] for line in lines if line["announced_event_id"]]
    assert len(told) == len(set(told))
    assert len(announced) == len(told) + found.counts["agree"]
    spoken_of = {value["report_id"] for value in values if value["type"] == MISSING_TYPE}
    due = {one["report_id"] for one in verdicts if one["missing_event_id"]}
    heard_of = {value["report_id"] for value in values}
    untold = {one["report_id"] for one in verdicts if one["status"] == "undetermined"}
    assert {line["report_id"] for line in lines if line["event"] is None} == untold - heard_of
    assert {line["report_id"] for line in lines if line["category"] == "lost"} == due - spoken_of
    order = [CATEGORIES.index(line["category"]) for line in lines]
    assert order == sorted(order)


def test_every_announcement_has_one_line_and_what_was_not_announced_has_one(tmp_path: Path) -> None:
    for seed in range(10):
        verdicts, values = _random_history(random.Random(seed))
        with compared(result_of(tmp_path, verdicts), announced_in(file_of(tmp_path, values)), LATE) as found:
            _check_books(found, verdicts, values)


@pytest.mark.parametrize(
    "line",
    [b"{", b"[]", b'{"type": "x"}', orjson.dumps(missing(1) | {"type": "no.meldingsvakt.report.other.v1"}),
     orjson.dumps(missing(1) | {"report_id": "12345678901"}), orjson.dumps(missing(1) | {"alarm_at": None}),
     orjson.dumps(missing(1) | {"alarm_at": "2026-01-01T12:00:00"}), b"\xff\xfe{}"],
)  # fmt: skip
def test_a_line_that_is_no_announcement_is_told_by_its_number_and_not_by_its_content(
    tmp_path: Path, line: bytes
) -> None:
    file = tmp_path / "said.ndjson"
    file.write_bytes(orjson.dumps(missing(2)) + b"\n\n" + line + b"\n")
    with pytest.raises(ConfigurationError) as raised:
        announced_in(file)
    assert str(raised.value).startswith(f"Line 3 of {file} is no announcement: ")
    assert "12345678901" not in str(raised.value)


def test_a_file_or_a_result_that_is_not_there_is_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="cannot be read"):
        announced_in(tmp_path / "none")
    nothing = announced_in(file_of(tmp_path, []))
    broken = tmp_path / "broken"
    broken.mkdir()
    (broken / "reports.parquet").write_bytes(b"PAR1 and no more")
    for folder in (tmp_path, broken):
        with pytest.raises(ConfigurationError, match="holds no result"), compared(folder, nothing, LATE):
            pass


app = typer.Typer()
app.command()(diff)


def test_the_command_shows_counts_and_lines_and_fails_where_they_contradict_each_other(tmp_path: Path) -> None:
    result = result_of(tmp_path, [verdict(1, "missing"), verdict(2, "stored"), verdict(3, "missing")])
    file = file_of(tmp_path, [missing(1, after=None), missing(2), missing(3, after=400)])
    out = tmp_path / "diff.csv"
    done = CliRunner().invoke(app, [str(result), "--announced", str(file), "--out", str(out)])
    assert done.exit_code == 1
    assert [line.split() for line in done.stdout.splitlines() if line][:4] == [
        ["result", "events"], ["lost", "0"], ["phantom", "1"], ["differs", "0"],
    ]  # fmt: skip
    assert "1 announcements do not tell when" in done.stderr
    with out.open(newline="") as lines:
        rows = list(csv.DictReader(lines))
    assert [(row["category"], row["report_id"], row["seconds_late"], row["comment"]) for row in rows] == [
        ("phantom", report(2), "1", ""), ("late", report(3), "400", ""),
    ]  # fmt: skip
    assert list(rows[0]) == [*COLUMNS, "comment"]
    assert [path.name for path in tmp_path.iterdir() if "diff" in path.name] == ["diff.csv"]


def test_the_command_gives_json_and_succeeds_where_only_something_came_late(tmp_path: Path) -> None:
    result = result_of(tmp_path, [verdict(1, "missing"), verdict(3, "missing")])
    file = file_of(tmp_path, [missing(1), missing(3, after=400)])
    done = CliRunner().invoke(app, [str(result), "--announced", str(file), "--json"])
    head, line = (orjson.loads(text) for text in done.stdout.splitlines())
    assert done.exit_code == 0
    assert (head["counts"]["agree"], head["counts"]["late"], head["untimed"]) == (1, 1, 0)
    assert (line["category"], line["alarm_at"], line["municipality"]) == ("late", written(ALARM), "0301")
    done = CliRunner().invoke(app, [str(result), "--announced", str(file), "--json", "--late", "PT1H"])
    assert orjson.loads(done.stdout)["counts"]["late"] == 0


@pytest.mark.parametrize(
    ("verdicts", "values", "code"),
    [
        ([verdict(1, "missing")], [missing(1)], 0),
        ([verdict(1, "missing"), verdict(2, "undetermined")], [missing(1)], 3),
        ([verdict(1, "missing")], [missing(1), missing(2)], 3),
        ([verdict(1, "missing")], [missing(1, after=None)], 3),
        ([verdict(1, "missing"), verdict(2, "undetermined")], [], 1),
        ([verdict(1, "missing")], [missing(1), FOUND], 3),  # no decisions were read
        ([verdict(1, "missing"), verdict(2, "erased")], [missing(1)], 3),
        ([verdict(1, "recovered")], [missing(1)], 1),
    ],
)
def test_it_never_says_0_where_something_could_not_be_compared(
    tmp_path: Path, verdicts: list[Any], values: list[Any], code: int
) -> None:
    given = [str(result_of(tmp_path, verdicts)), "--announced", str(file_of(tmp_path, values))]
    assert CliRunner().invoke(app, given).exit_code == code


def test_announcements_that_were_deleted_leave_something_uncompared(tmp_path: Path) -> None:
    whole = announced_in(file_of(tmp_path, [missing(1)]))
    for given in (whole, whole._replace(whole=False)):
        with compared(result_of(tmp_path, [verdict(1, "missing")]), given, LATE) as found:
            assert found.uncompared != given.whole


def test_a_duration_or_a_file_that_cannot_be_is_one_sentence(tmp_path: Path) -> None:
    result, file = result_of(tmp_path, []), file_of(tmp_path, [])
    for arguments, why in ((["--late", "5"], "is no duration"), (["--out", "/nowhere/x.csv"], "cannot be written")):
        done = CliRunner().invoke(app, [str(result), "--announced", str(file), *arguments])
        assert isinstance(done.exception, ConfigurationError)
        assert why in str(done.exception)

"""`meldingsvakt replay`: the script in, the events out, as section by section of the rules."""

import json
from itertools import permutations
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from streams.cli import app
from streams.errors import ConfigurationError

REPORT = "3f2b8c1e-5a4d-4e0b-9c1a-7d2e6f8a9b10"


def sent(at: str, **changes: Any) -> dict[str, Any]:
    value = {
        "report_id": REPORT,
        "sent_at": at,
        "receiver": {"municipality": "0301"},
        "channel": "FIKS_IO",
        "case_system": "UKJENT",
    }
    return {"at": at, "topic": "sent", "value": value | changes}


def stored(at: str, **changes: Any) -> dict[str, Any]:
    return {
        "at": at,
        "topic": "stored",
        "value": {"report_id": REPORT, "stored_at": at, "evidence": "MANUAL"} | changes,
    }


def tick(at: str) -> dict[str, Any]:
    return {"at": at, "tick": True}


def play(folder: Path, lines: list[Any], *options: str) -> list[dict[str, Any]]:
    """The lines on standard output."""
    script = folder / "script.ndjson"
    script.write_text("".join(json.dumps(line) + "\n" for line in lines))
    done = CliRunner().invoke(app, ["replay", str(script), *options], catch_exceptions=False)
    assert done.exit_code == 0
    return [json.loads(line) for line in done.stdout.splitlines()]


@pytest.mark.parametrize(
    ("clock", "announced"),
    [("2026-01-01T14:05:00Z", 0), ("2026-01-01T14:05:00.000001Z", 1)],
)
def test_a_report_is_missing_only_after_its_alarm_time(tmp_path: Path, clock: str, announced: int) -> None:
    assert len(play(tmp_path, [sent("2026-01-01T12:00:00Z"), tick(clock)])) == announced
    assert len(play(tmp_path, [sent("2026-01-01T12:00:00Z")], "--until", clock)) == announced


@pytest.mark.parametrize(
    ("proof", "announced"),
    [
        ("2026-01-01T14:05:00Z", []),
        ("2026-01-01T14:05:00.000001Z", ["missing", "recovered"]),
    ],
)
def test_a_proof_is_in_time_up_to_the_alarm_time(tmp_path: Path, proof: str, announced: list[str]) -> None:
    events = play(tmp_path, [sent("2026-01-01T12:00:00Z"), stored(proof), tick("2026-01-02T00:00:00Z")])
    assert [event["type"].split(".")[-2] for event in events] == announced


@pytest.mark.parametrize("order", list(permutations(range(3))))
def test_lines_of_the_same_moment_are_applied_as_the_log_has_them(tmp_path: Path, order: tuple[int, ...]) -> None:
    at = "2026-01-01T12:00:00Z"
    receipt = {"report_id": REPORT, "receipt": "FEILET", "received_at": at}
    lines = [
        sent(at), {"at": at, "topic": "receipt", "value": receipt}, stored(at, receiver={"municipality": "4601"})
    ]  # fmt: skip
    end = ("--until", "2026-01-02T00:00:00Z", "--states")
    assert play(tmp_path, [lines[number] for number in order], *end) == play(tmp_path, lines, *end)


def test_lines_after_the_end_of_the_clock_are_not_played(tmp_path: Path) -> None:
    lines = [sent("2026-01-01T12:00:00Z"), stored("2026-01-01T15:00:00Z")]
    events = play(tmp_path, lines, "--until", "2026-01-01T14:30:00Z", "--states")
    assert [event.get("type", event.get("status")) for event in events] == [
        "no.meldingsvakt.report.missing.v1",
        "missing",
    ]
    assert events[0]["sent_record"] is None


def test_the_final_rows_come_after_the_events(tmp_path: Path) -> None:
    lines = [sent("2026-01-01T12:00:00Z"), stored("2026-01-01T12:01:00Z"), tick("2026-01-02T00:00:00Z")]
    (row,) = play(tmp_path, lines, "--states")
    assert (row["report_id"], row["status"], row["evidence"]) == (REPORT, "stored", "MANUAL")


def test_an_unreadable_value_is_counted_and_a_sent_is_judged_by_its_key(tmp_path: Path) -> None:
    lines = [
        {"at": "2026-01-01T12:00:00Z", "topic": "sent", "value": "nonsense", "key": REPORT},
        {"at": "2026-01-01T12:00:01Z", "topic": "stored", "value": {"report_id": REPORT}},
        tick("2026-01-02T12:05:00.000001Z"),
    ]
    (event,) = play(tmp_path, lines)
    assert (event["report_id"], event["receiver"], event["sent_at"]) == (REPORT, None, "2026-01-01T12:00:00.000000Z")


def test_a_sent_from_before_the_keeping_time_is_told_as_not_judged(tmp_path: Path) -> None:
    lines = [sent("2026-01-01T12:00:00Z", sent_at="2025-08-01T12:00:00Z"), tick("2026-03-01T00:00:00Z")]
    script = tmp_path / "script.ndjson"
    script.write_text("".join(json.dumps(line) + "\n" for line in lines))
    done = CliRunner().invoke(app, ["replay", str(script)], catch_exceptions=False)
    assert (done.exit_code, done.stdout, done.stderr) == (0, "", "1 not judged: too_old\n")


@pytest.mark.parametrize(
    ("script", "sentence"),
    [
        ("{", "Line 1 is no script line"),
        ("[]", "Line 1 is no script line"),
        ('{"at": "2026-01-01T12:00:00", "tick": true}', "Line 1 is no script line"),
        ('{"at": "9999-12-31T23:59:59Z", "tick": true}', "none from the year 9000 on"),
        ('{"at": "2026-01-01T12:00:00Z"}', "Line 1: `topic` must be sent, receipt or stored"),
        ('{"at": "2026-01-01T12:00:00Z", "topic": "lost", "value": {}}', "Line 1: `topic` must be"),
        ('{"at": "2026-01-01T12:00:00Z", "tick": true, "tock": 1}', "Line 1 has the unknown field 'tock'"),
        (
            '{"at": "2026-01-01T12:00:00Z", "tick": true}\n\n{"at": "2026-01-01T11:00:00Z", "tick": true}',
            "Line 3: `at` goes back",
        ),
    ],
)
def test_a_wrong_line_is_named(tmp_path: Path, script: str, sentence: str) -> None:
    path = tmp_path / "script.ndjson"
    path.write_text(script)
    with pytest.raises(ConfigurationError) as refused:
        CliRunner().invoke(app, ["replay", str(path)], catch_exceptions=False)
    assert sentence in str(refused.value)


def test_a_script_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="cannot be read"):
        CliRunner().invoke(app, ["replay", str(tmp_path / "none")], catch_exceptions=False)

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


FEEDS = """
[[version]]
id = "a"
grace = "PT5M"
feed = [{ id = "nightly", patience = "PT6H" }]
allowance = { FIKS_IO = "PT2H" }
override = [{ municipality = "0301", proof = "stored", feed = "nightly" }]
"""


def mark(at: str, vouched_until: str, **more: Any) -> dict[str, Any]:
    return {"at": at, "feed": "nightly", "vouched_until": vouched_until} | more


@pytest.mark.parametrize(
    ("marks", "status"),
    [
        ([], "undetermined"),
        ([mark("2026-01-01T15:00:00Z", "2026-01-01T14:00:00Z")], "missing"),
        ([mark("2026-01-01T15:00:00Z", "2026-01-01T13:59:59Z")], "undetermined"),
        ([mark("2026-01-01T15:00:00Z", "2026-01-01T14:00:00Z", proofs=1)], "undetermined"),
        ([mark("2026-01-01T15:00:00Z", "2026-01-01T14:00:00Z", proofs=0)], "missing"),
        ([mark("2026-01-01T13:00:00Z", "2026-01-01T13:00:00Z"), mark("2026-01-01T20:00:00Z", "2026-01-01T19:00:00Z")],
         "missing"),
    ],
)  # fmt: skip
def test_a_report_is_judged_when_its_feed_has_spoken(tmp_path: Path, marks: list[Any], status: str) -> None:
    policy = tmp_path / "policy.toml"
    policy.write_text(FEEDS)
    lines = [sent("2026-01-01T12:00:00Z"), *marks, tick("2026-01-01T23:00:00Z")]
    *events, row = play(tmp_path, lines, "--policy", str(policy), "--states")
    assert (row["status"], row["feed"], len(events)) == (status, "nightly", status == "missing")
    assert [event["feed"]["id"] for event in events] == ["nightly"] * len(events)


def decision(at: str, event: dict[str, Any], action: str, **changes: Any) -> dict[str, Any]:
    value = {
        "decision_id": f"00000000-0000-4000-8000-{action.encode().hex()[:12]:0<12}", "report_id": REPORT,
        "missing_event_id": event["event_id"], "action": action, "actor": {"subject": "me"}, "decided_at": at,
    }  # fmt: skip
    return {"at": at, "topic": "decision", "value": value | changes}


def test_decisions_close_an_alarm_reopen_it_and_erase_the_report(tmp_path: Path) -> None:
    lines: list[Any] = [sent("2026-01-01T12:00:00Z"), tick("2026-01-01T15:00:00Z")]
    (event,) = play(tmp_path, lines)
    lines.append(decision("2026-01-01T16:00:00Z", event, "close", outcome="handled"))
    _, closed, row = play(tmp_path, lines, "--states")
    assert (closed["type"].split(".")[-2], closed["outcome"], closed["episode"]) == ("closed", "handled", 1)
    assert (row["status"], row["outcome"], row["closed_at"]) == ("missing", "handled", "2026-01-01T16:00:00.000000Z")
    erased = decision("2026-01-01T17:00:00Z", event, "erase")
    *_, row = play(tmp_path, [*lines, erased], "--states")
    assert (row["status"], row["sent_at"], row["receiver"], row["message_ids"]) == ("erased", None, None, [])
    *_, reopened, row = play(tmp_path, [*lines, decision("2026-01-01T17:00:00Z", event, "reopen"), erased], "--states")
    assert (reopened["type"].split(".")[-2], row["status"], row["outcome"]) == ("reopened", "missing", None)


def test_marks_and_decisions_that_are_not_taken_are_told(tmp_path: Path) -> None:
    script = tmp_path / "script.ndjson"
    event = {"event_id": "00000000-0000-4000-8000-000000000001"}
    lines = [
        sent("2026-01-01T12:00:00Z"),
        mark("2026-01-01T12:01:00Z", "2026-01-01T12:00:00Z"),
        mark("2026-01-01T12:02:00Z", "soon"),
        decision("2026-01-01T12:03:00Z", event, "close", outcome="lost"),
        decision("2026-01-01T12:04:00Z", event, "forget"),
    ]
    script.write_text("".join(json.dumps(line) + "\n" for line in lines))
    done = CliRunner().invoke(app, ["replay", str(script)], catch_exceptions=False)
    assert done.exit_code == 0
    assert done.stderr.splitlines() == [
        "1 unreadable: bad_value:action",
        "1 unreadable: bad_value:vouched_until",
        "1 not judged: decision_unfit",
        "1 not judged: feed_unknown",
    ]


@pytest.mark.parametrize(
    ("script", "sentence"),
    [
        ("{", "Line 1 is no script line"),
        ("[]", "Line 1 is no script line"),
        ('{"at": "2026-01-01T12:00:00", "tick": true}', "Line 1 is no script line"),
        ('{"at": "9999-12-31T23:59:59Z", "tick": true}', "none from the year 9000 on"),
        ('{"at": "2026-01-01T12:00:00Z"}', "Line 1: `topic` must be sent, receipt, stored or decision"),
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

"""Lists of what people decided and of what feeds vouched for: columns, a mapping, and lines that cannot be read."""

import csv
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from streams.core.events import MISSING_TYPE, event_id
from streams.errors import ConfigurationError
from tests.audit.exports import ndjson
from tests.audit.histories import FED_TOML
from tests.audit.running import Result, audit

A, B, C, D, E = (f"{digit * 8}-0000-4000-8000-000000000000" for digit in "abcde")
SENT_AT = "2022-05-02T12:00:00Z"
ALARM = datetime(2022, 5, 2, 13, 1, tzinfo=UTC)  # FIKS_IO: an hour, and a minute of grace
UNTIL = "2022-12-31T00:00:00Z"
OWN_ID = "dddddddd-0000-4000-8000-000000000001"


def sent(report_id: str, town: str = "0301") -> dict[str, Any]:
    return {
        "report_id": report_id, "sent_at": SENT_AT, "municipality": town, "channel": "FIKS_IO", "case_system": "UKJENT",
    }  # fmt: skip


def alarm(report_id: str) -> str:
    return event_id(report_id, MISSING_TYPE, ALARM)


def played(folder: Path, sents: list[dict[str, Any]], *more: str | Path, **lists: Path) -> Result:
    """An audit of reports of which none is stored, by sources that cover everybody."""
    proof = {"report_id": E, "stored_at": "2022-03-02T00:00:00Z", "evidence": "READ_BACK"}
    files = {
        "sent": ndjson(folder / "sent.ndjson", *sents),
        "stored": ndjson(folder / "stored.ndjson", proof, proof | {"stored_at": "2022-12-30T00:00:00Z"}),
    }
    policy = folder / "fed.toml"
    policy.write_text(FED_TOML, encoding="utf-8")
    return audit(folder, "--policy", policy, "--all-receivers", "--until", UNTIL, *more, **files, **lists)


def as_csv(path: Path, *lines: dict[str, str]) -> Path:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, list(dict.fromkeys(name for line in lines for name in line)))
        writer.writeheader()
        writer.writerows(lines)
    return path


def decided(report_id: str, action: str = "close", **more: str) -> dict[str, str]:
    return {
        "report_id": report_id, "action": action, "outcome": "found" if action == "close" else "",
        "decided_at": "2022-05-03T08:00:00Z",
    } | more  # fmt: skip


def test_a_list_in_our_own_columns_closes_opens_anew_and_erases(tmp_path: Path) -> None:
    """Who keeps a list by hand knows no ids: a decision is about the last alarm that there was."""
    later = {"decided_at": "2022-05-04T08:00:00Z"}
    listed = as_csv(
        tmp_path / "decided.csv",
        decided(A, decision_id=OWN_ID, missing_event_id=alarm(A), note="ring moren"),
        decided(B, outcome="lost"), decided(B, "reopen", **later), decided(C), decided(C, "erase", **later),
        decided(D, "acknowledge"),
    )  # fmt: skip
    result = played(tmp_path, [sent(A), sent(B), sent(C)], decision=listed)
    assert result.verdicts("status", "outcome", "episode") == {
        A: ("missing", "found", 1), B: ("missing", None, 1), C: ("erased", None, None), E: ("unexpected", None, None),
    }  # fmt: skip
    summary = result.summary
    assert (summary["terms"]["erased"], summary["outcomes"], summary["rejects"]) == (1, {"found": 1, "open": 1}, 0)
    assert [(line["report_id"], line["outcome"]) for line in result.lines("missing")] == [(B, None), (A, "found")]
    assert result.lines("missing")[1]["closed_at"] == "2022-05-03T08:00:00.000000Z"
    for page in ("report.html", "missing.csv", "summary.json"):
        assert C not in (result.folder / page).read_text(encoding="utf-8")
        assert "ring moren" not in (result.folder / page).read_text(encoding="utf-8")


def test_a_list_of_others_is_told_in_a_mapping(tmp_path: Path) -> None:
    lines = [
        {"Melding": A, "Utfall": "Ivaretatt", "Dato": "02.05.2022"},  # the day of the alarm, and so behind it
        {"Melding": B, "Utfall": "Feilvarsel", "Dato": "01.05.2022"},  # before there was any
    ]
    as_csv(tmp_path / "list.csv", *lines)
    as_csv(tmp_path / "marks.csv", {"Feed": "hourly", "Til": "2022-05-02 16:00", "Mottatt": "2022-05-02 16:30"})
    mapping = tmp_path / "audit.toml"
    mapping.write_text("""
[[source]]
kind = "decision"
files = ["list.csv"]
zone = "Europe/Oslo"
times = "norwegian"
columns = { report_id = "Melding", outcome = "Utfall", decided_at = "Dato" }
constants = { action = "close" }
values = { outcome = { Ivaretatt = "handled", Feilvarsel = "false_alarm" } }
[[source]]
kind = "feed_mark"
files = ["marks.csv"]
zone = "Europe/Oslo"
columns = { feed = "Feed", vouched_until = "Til", arrived = "Mottatt" }
""", encoding="utf-8")  # fmt: skip
    result = played(tmp_path, [sent(A), sent(B), sent(C, "4601")], "--mapping", mapping)
    assert result.verdicts("status", "outcome", "untold") == {
        A: ("missing", "handled", None), B: ("missing", None, None), C: ("missing", None, None),
        E: ("unexpected", None, None),
    }  # fmt: skip
    assert [(line["source_name"], line["line"], line["reason"]) for line in result.lines("rejects")] == [
        ("list.csv", "3", "rule:decision_unfit")
    ]


def test_a_day_that_has_begun_is_none_of_the_future(tmp_path: Path) -> None:
    """Of a day alone the last hour stands, which has not come yet."""
    today = datetime.now(UTC).date()
    days = {A: today, B: today - timedelta(days=1), C: today + timedelta(days=2)}
    as_csv(tmp_path / "list.csv", *(decided(one, decided_at=day.isoformat()) for one, day in days.items()))
    mapping = tmp_path / "audit.toml"
    mapping.write_text('[[source]]\nkind = "decision"\nfiles = ["list.csv"]\nzone = "Etc/UTC"\n', encoding="utf-8")
    result = played(tmp_path, [sent(A), sent(B), sent(C)], "--mapping", mapping)
    assert result.verdicts("status", "outcome") == {
        A: ("missing", "found"), B: ("missing", "found"), C: ("missing", None), E: ("unexpected", None),
    }  # fmt: skip
    assert [(line["line"], line["reason"]) for line in result.lines("rejects")] == [("4", "time:out_of_range")]


@pytest.mark.parametrize(
    ("marks", "expected"),
    [
        ([], ("undetermined", "feed_not_heard")),
        ([{"feed": "nightly", "vouched_until": "2022-05-03T02:00:00Z"}], ("undetermined", "feed_not_heard")),
        ([{"feed": "hourly", "vouched_until": "2022-05-02T13:00:00Z"}], ("missing", None)),
        ([{"feed": "hourly", "vouched_until": "2022-05-02T12:59:59Z"}], ("missing", None)),  # given up a day later
        ([{"feed": "next", "vouched_until": "2022-05-02T13:00:00Z"}], ("missing", None)),  # its successor
        ([{"feed": "hourly", "vouched_until": "2022-05-02T13:00:00Z", "arrived": "2022-05-02T12:50:00Z"}],
         ("undetermined", "feed_not_heard")),  # of the future
    ],
)  # fmt: skip
def test_what_a_feed_vouched_for_is_judged_by_as_on_topics(
    tmp_path: Path, marks: list[dict[str, str]], expected: tuple[str, str | None]
) -> None:
    lists = {"feed_mark": as_csv(tmp_path / "marks.csv", *marks)} if marks else {}
    assert played(tmp_path, [sent(A, "4601")], **lists).verdicts("status", "untold")[A] == expected


def test_a_feed_that_was_not_whole_by_then_gave_its_proofs_more_time(tmp_path: Path) -> None:
    """The verdict is the arrival of the mark: what was proven by then is in time."""
    late = ndjson(
        tmp_path / "late.ndjson", {"report_id": A, "stored_at": "2022-05-02T15:00:00Z", "evidence": "READ_BACK"}
    )
    mark = {"feed": "hourly", "vouched_until": "2022-05-02T14:30:00Z"}
    for number, (arrived, status) in enumerate(
        (("2022-05-02T15:00:00Z", "stored"), ("2022-05-02T14:59:59Z", "recovered"))
    ):
        folder = tmp_path / str(number)
        folder.mkdir()
        mapping = folder / "audit.toml"
        mapping.write_text(f'[[source]]\nkind = "stored"\nfiles = ["{late}"]\n', encoding="utf-8")
        marks = as_csv(folder / "marks.csv", mark | {"arrived": arrived})
        result = played(folder, [sent(A, "4601")], "--mapping", mapping, feed_mark=marks)
        assert result.verdicts("status")[A] == (status,)


DAMAGED = [
    (decided("x" * 36), "schema:bad_value:report_id"),
    (decided(A[:-1]), "schema:bad_value:report_id"),
    (decided(A, "shut"), "schema:bad_value:action"),
    (decided(A, outcome="gone"), "schema:bad_value:outcome"),
    (decided(A, decision_id="7"), "schema:bad_value:decision_id"),
    (decided(A, missing_event_id="7"), "schema:bad_value:missing_event_id"),
    (decided(A, municipality="31"), "schema:bad_value:receiver.municipality"),
    (decided(A, decided_at="2022-02-30T00:00:00Z"), "schema:bad_value:decided_at"),
    (decided(A, decided_at="1970-01-01T00:00:00Z"), "time:out_of_range"),
    (decided(A, decided_at="2222-01-01T00:00:00Z"), "time:out_of_range"),
    (decided(A, outcome=""), "rule:decision_unfit"),  # closed without saying how
    (decided(A, municipality="4601"), "rule:decision_unfit"),  # of another receiver
    (decided(A, missing_event_id=alarm(B)), "rule:decision_unfit"),
    (decided(A, "reopen"), "rule:decision_unfit"),
    (decided(A, decided_at="2022-05-02T13:01:00Z"), "rule:decision_unfit"),  # no alarm had come
    (decided(C), "rule:decision_unfit"),  # nobody knows the report
]


@pytest.mark.parametrize("suffix", ["csv", "ndjson"])
def test_a_line_that_cannot_be_read_or_fits_nothing_costs_that_line_and_is_listed(tmp_path: Path, suffix: str) -> None:
    lines = [line for line, _ in DAMAGED]
    path = tmp_path / f"decided.{suffix}"
    listed = as_csv(path, *lines, decided(B)) if suffix == "csv" else ndjson(path, *map(_told, [*lines, decided(B)]))
    result = played(tmp_path, [sent(A), sent(B)], decision=listed)
    assert result.verdicts("status", "outcome")[A] == ("missing", None)
    assert result.verdicts("status", "outcome")[B] == ("missing", "found")
    first = 2 if suffix == "csv" else 1
    found = {int(line["line"]) - first: line["reason"] for line in result.lines("rejects")}
    assert [found.get(number) for number in range(len(lines))] == [reason for _, reason in DAMAGED]
    assert len(found) == len(lines)


def _told(line: dict[str, str]) -> dict[str, str]:
    return {name: value for name, value in line.items() if value}


def test_a_mark_that_cannot_be_read_vouches_for_nothing(tmp_path: Path) -> None:
    good = {"feed": "nightly", "vouched_until": "2022-05-02T14:00:00Z"}
    marks = as_csv(
        tmp_path / "marks.csv", {"feed": "", "vouched_until": "2022-05-02T14:00:00Z"},
        {"feed": "hourly", "vouched_until": "14:00"}, {"feed": "hourly", "vouched_until": "2222-05-02T14:00:00Z"},
        {"feed": "ola nordmann", "vouched_until": "2022-05-02T14:00:00Z"}, good,
    )  # fmt: skip
    result = played(tmp_path, [sent(A, "4601"), sent(B, "1201")], feed_mark=marks)
    assert result.verdicts("status", "untold") == {
        A: ("undetermined", "feed_not_heard"), B: ("missing", None), E: ("unexpected", None),
    }  # fmt: skip
    assert [line["line"] for line in result.lines("rejects")] == ["2", "3", "4", "5"]


@pytest.mark.parametrize(
    ("kind", "line", "why"),
    [
        ("decision", {"report_id": A, "action": "close"}, "has no column decided_at or arrived"),
        ("decision", {"report_id": A, "decided_at": SENT_AT}, "has no column action"),
        ("decision", {"action": "close", "decided_at": SENT_AT}, "has no column report_id"),
        ("feed_mark", {"feed": "hourly"}, "has no column vouched_until"),
        ("feed_mark", {"vouched_until": SENT_AT}, "has no column feed"),
        ("decision", decided("x"), "None of the 1 lines of list.csv can be read as decision"),
        ("decision", decided(A, decided_at="2022-05-03 08:00"), "has times without a zone"),
    ],
)
def test_a_list_of_which_nothing_can_be_read_is_one_sentence(
    tmp_path: Path, kind: str, line: dict[str, str], why: str
) -> None:
    with pytest.raises(ConfigurationError, match=why):
        played(tmp_path, [sent(A)], **{kind.replace("_", "-"): as_csv(tmp_path / "list.csv", line)})


@pytest.mark.parametrize(
    ("entry", "why"),
    [
        ('constants = { action = "shut" }', "constants.action: the value is none that action may have"),
        ('values = { outcome = { x = "gone" } }', "values.outcome: a value of ours is none that outcome may have"),
        ('columns = { actor = "x" }', "actor is no column of kind decision: it has decision_id, report_id,"),
    ],
)
def test_a_mapping_of_decisions_that_is_wrong_is_one_sentence(tmp_path: Path, entry: str, why: str) -> None:
    as_csv(tmp_path / "list.csv", decided(A))
    mapping = tmp_path / "audit.toml"
    mapping.write_text(f'[[source]]\nkind = "decision"\nfiles = ["list.csv"]\n{entry}\n', encoding="utf-8")
    with pytest.raises(ConfigurationError, match=why):
        played(tmp_path, [sent(A)], "--mapping", mapping)

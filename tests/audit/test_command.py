"""The command from files to result: ids, history lists, what cannot be read, candidates, contradictions."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from streams.errors import ConfigurationError
from tests.audit.exports import ndjson
from tests.audit.running import Result, audit

A, B, C, D = (f"{digit * 8}-0000-4000-8000-000000000000" for digit in "abcd")
EARLY, LATE = "2022-03-02T00:00:00Z", "2022-12-30T00:00:00Z"  # proofs that show how far the evidence reaches
UNTIL = "2022-12-31T00:00:00Z"


def sent(report_id: str | None, at: str = "2022-05-01T12:00:00Z", town: str = "4601", **more: Any) -> dict[str, Any]:
    return {
        "report_id": report_id, "sent_at": at, "receiver": {"municipality": town}, "channel": "FIKS_IO",
        "case_system": "UKJENT", **more,
    }  # fmt: skip


def stored(report_id: str | None, at: str = "2022-05-01T12:00:09Z", **more: Any) -> dict[str, Any]:
    given = {"report_id": report_id, "stored_at": at, "evidence": "READ_BACK", **more}
    return {name: value for name, value in given.items() if value is not None}


def receipt(at: str = "2022-05-01T12:00:05Z", **more: Any) -> dict[str, Any]:
    return {"receipt": "MOTTATT", "received_at": at, **more}


def by_lines(
    folder: Path, sents: list[dict[str, Any]], proofs: list[dict[str, Any]], *arguments: str, **more: Path
) -> Result:
    """An audit whose proofs cover everybody."""
    files = {"sent": ndjson(folder / "sent.ndjson", *sents), "stored": ndjson(folder / "stored.ndjson", *proofs)}
    return audit(folder, "--all-receivers", "--until", UNTIL, *arguments, **files, **more)


REACH = [stored(C, EARLY), stored(C, LATE)]


def test_a_proof_may_name_the_message_only_whichever_sending_it_answers(tmp_path: Path) -> None:
    sents = [sent(A, message_id="first"), sent(A, "2022-05-01T12:10:00Z", message_id="second"), sent(B, message_id="b")]
    result = by_lines(tmp_path, sents, [*REACH, stored(None, message_id="second")])
    assert result.verdicts("status") == {A: ("stored",), B: ("missing",), C: ("unexpected",)}


def test_a_message_that_two_reports_claim_proves_neither_and_leaves_both_open(tmp_path: Path) -> None:
    result = by_lines(
        tmp_path, [sent(A, message_id="x"), sent(B, message_id="x")], [*REACH, stored(None, message_id="x")]
    )
    assert {result.verdicts("status", "untold")[report] for report in (A, B)} == {("undetermined", "proof_unreadable")}
    assert [line["reason"] for line in result.lines("rejects")] == ["ids:message_id_ambiguous"]


def test_a_receipt_by_message_chooses_the_reason_and_an_unknown_message_is_listed(tmp_path: Path) -> None:
    receipts = ndjson(tmp_path / "receipt.ndjson", receipt(message_id="a"), receipt(message_id="nobody's"))
    result = by_lines(tmp_path, [sent(A, message_id="a")], REACH, receipt=receipts)
    assert result.verdicts("status", "reason")[A] == ("missing", "receipted_not_stored")
    assert [line["reason"] for line in result.lines("rejects")] == ["schema:bad_value:message_id"]


def test_a_proof_may_have_a_new_word_for_its_evidence_or_fields_that_cannot_be_read(tmp_path: Path) -> None:
    lines = [
        stored(A) | {"evidence": "ARCHIVE_CHECK"},
        stored(B) | {"evidence": "seen by me", "case_system": "Visma Familia", "stored_at": "2022-05-01T14:05+02"},
    ]
    result = by_lines(tmp_path, [sent(A), sent(B)], [*REACH, *lines])
    found = result.verdicts("status", "evidence", "flags")
    assert found[A] == ("stored", "ARCHIVE_CHECK", [])
    assert found[B] == ("stored", None, ["unreadable_case_system", "unreadable_evidence"])


def test_what_matches_by_receiver_form_and_time_is_a_candidate_and_counts_for_nothing(tmp_path: Path) -> None:
    near = {"form": "PRIVAT", "receiver": {"municipality": "1201"}}
    proofs = [
        *REACH,
        stored(None, "2022-05-01T12:20:00Z", **near),  # Bergen's former number
        stored(D, "2022-05-01T12:05:00Z", **near),  # of a report that nobody saw as sent
        stored(None, "2022-05-01T12:05:00Z", **near | {"form": "OFFENTLIG"}),
        stored(None, "2022-05-01T12:05:00Z", **near | {"receiver": {"municipality": "0301"}}),
        stored(None, "2022-06-09T12:05:00Z", **near),  # weeks later
    ]
    result = by_lines(tmp_path, [sent(A, form="PRIVAT"), sent(B, town="0301")], proofs)
    assert result.verdicts("status")[A] == ("missing",)
    found = [(line["report_id"], line["line"], line["candidate_report_id"]) for line in result.lines("candidates")]
    assert found == [(A, "4", D), (A, "3", None), (B, "6", None)]


def test_a_sent_that_cannot_be_read_does_not_vanish(tmp_path: Path) -> None:
    sents = [sent(A, "the day before yesterday"), sent(B, "some time"), sent(D)]
    result = by_lines(tmp_path, sents, [*REACH, stored(B)])
    found = result.verdicts("status", "untold")
    assert found[A] == ("undetermined", "sent_unreadable")
    assert found[B] == ("stored", None)
    assert result.summary["sent"] == 3
    assert result.summary["difference"] == 0


def test_a_proof_that_cannot_be_read_leaves_it_open(tmp_path: Path) -> None:
    result = by_lines(tmp_path, [sent(A), sent(B)], [*REACH, stored(A, "last week"), stored(B), stored(B, "last week")])
    assert result.verdicts("untold")[A] == ("proof_unreadable",)
    assert result.verdicts("status")[B] == ("stored",)


def test_sources_that_contradict_each_other_are_listed(tmp_path: Path) -> None:
    mine, theirs = ndjson(tmp_path / "mine.ndjson", sent(A)), ndjson(tmp_path / "theirs.ndjson", sent(A, town="0301"))
    proofs = ndjson(tmp_path / "stored.ndjson", *REACH, stored(A, receiver={"municipality": "0301"}))
    result = audit(tmp_path, "--all-receivers", "--until", UNTIL, sent=[mine, theirs], stored=proofs)
    assert result.verdicts("status", "untold")[A] == ("undetermined", "sources_contradict")
    (line,) = result.lines("contradictions")
    assert (line["report_id"], line["field"]) == (A, "receiver")


def test_a_rejected_report_that_is_stored_all_the_same_is_listed(tmp_path: Path) -> None:
    receipts = ndjson(tmp_path / "receipt.ndjson", receipt(report_id=A) | {"receipt": "FEILET"})
    result = by_lines(tmp_path, [sent(A)], [*REACH, stored(A, "2022-05-01T12:30:00Z")], receipt=receipts)
    assert result.verdicts("status")[A] == ("stored",)
    assert [line["field"] for line in result.lines("contradictions")] == ["rejected_but_stored"]


def history(report_id: str, state: str, at: str, **more: str) -> dict[str, str]:
    return {"report_id": report_id, "state": state, "at": at, "municipality": "4601", "case_system": "UKJENT", **more}


def portal(folder: Path, *lines: dict[str, str], proofs: list[dict[str, Any]] = REACH) -> Result:
    files = {"portal": ndjson(folder / "history.ndjson", *lines), "stored": ndjson(folder / "stored.ndjson", *proofs)}
    return audit(folder, "--all-receivers", "--until", UNTIL, **files)


def test_the_portals_history_tells_of_sending_and_of_claims_in_norwegian_time(tmp_path: Path) -> None:
    result = portal(
        tmp_path,
        history(A, "AKSEPTERT", "2022-05-01T13:59:59"), history(A, "SENDT_FAGSYSTEM", "2022-05-01T14:00:00"),
        history(A, "LEVERT", "2022-05-01T14:00:03"), history(A, "IKKE_BEKREFTET_FAGSYSTEM", "2022-05-02T14:00:00"),
        history(B, "SENDT_PRINT", "2022-05-01 14:00"), history(B, "AVVIST_PRINT", "2022-05-01 15:00"),
        history(D, "SENDT_FAGSYSTEM", "2022-05-01T14:00:00"), history(D, "GJENFUNNET", "2022-05-01T14:00:00"),
        proofs=[*REACH, stored(D)],
    )  # fmt: skip
    noon = datetime(2022, 5, 1, 12, tzinfo=UTC)
    found = result.verdicts("status", "reason", "channel", "sent_at")
    assert found[A] == ("missing", "receipted_not_stored", "UKJENT", noon)  # LEVERT is a claim like any other
    assert found[B] == ("missing", "rejected", "PRINT", noon)
    assert found[D][0] == "stored"
    assert [line["reason"] for line in result.lines("rejects")] == ["schema:bad_value:state"]
    assert [source["ignored"] for source in result.summary["sources"] if source["kind"] == "portal"] == [1]


def test_what_the_portal_accepted_and_never_sent_is_not_lost_sight_of(tmp_path: Path) -> None:
    result = portal(
        tmp_path, history(A, "AKSEPTERT", "2022-05-01T14:00:00"), history(B, "SENDT_PRINT", "2022-05-01T14:00:00")
    )
    assert result.verdicts("status", "untold")[A] == ("undetermined", "accepted_not_sent")
    assert result.summary["sent"] == 2


def test_the_hour_that_comes_twice_in_autumn_leaves_open_only_what_it_decides(tmp_path: Path) -> None:
    autumn = "2022-10-30T02:30:00"  # 00:30 or 01:30 UTC; the policy gives twelve hours
    result = portal(
        tmp_path,
        history(A, "SENDT_FAGSYSTEM", autumn), history(B, "SENDT_FAGSYSTEM", autumn),
        history(D, "SENDT_FAGSYSTEM", autumn),
        proofs=[*REACH, stored(A, "2022-10-30T10:00:00Z"), stored(B, "2022-10-30T13:00:00Z")],
    )  # fmt: skip
    found = result.verdicts("status", "untold")
    assert (found[A], found[B], found[D]) == (("stored", None), ("undetermined", "ambiguous_time"), ("missing", None))


def test_the_hour_that_never_came_in_spring_cannot_be_read(tmp_path: Path) -> None:
    result = portal(
        tmp_path, history(A, "SENDT_FAGSYSTEM", "2022-03-27T02:30:00"), history(B, "SENDT_PRINT", "2022-05-01T14:00:00")
    )
    assert result.verdicts("untold")[A] == ("sent_unreadable",)


@pytest.mark.parametrize("never", ["1970-01-01T00:00:00Z", "1900-01-01T00:00:00Z", "2099-01-01T00:00:00Z"])
def test_a_time_that_cannot_be_right_proves_nothing_and_stretches_nothing(tmp_path: Path, never: str) -> None:
    proofs = [stored(C, "2022-05-01T12:00:00Z"), stored(D, never, receiver={"municipality": "0301"})]
    files = {"sent": ndjson(tmp_path / "sent.ndjson", sent(A, town="0301"), sent(D, town="0301"), sent(B, never))}
    result = audit(tmp_path, "--until", UNTIL, stored=ndjson(tmp_path / "stored.ndjson", *proofs), **files)
    found = result.verdicts("status", "untold")
    assert found[A] == ("undetermined", "not_covered")
    assert found[D] == ("undetermined", "proof_unreadable")
    assert found[B] == ("undetermined", "sent_unreadable")
    assert {line["reason"] for line in result.lines("rejects")} == {"time:out_of_range"}


def test_what_was_sent_after_the_evidence_ends_cannot_be_told(tmp_path: Path) -> None:
    sents = [sent(A), sent(B, "2022-11-01T00:00:00Z"), sent(D, "2022-12-01T00:00:00Z")]
    files = {
        "sent": ndjson(tmp_path / "sent.ndjson", *sents),
        "stored": ndjson(tmp_path / "stored.ndjson", *REACH[:1], stored(C, "2022-06-01T00:00:00Z")),
    }  # fmt: skip
    found = audit(tmp_path, "--all-receivers", **files).verdicts("status", "untold")
    assert (found[A], found[B]) == (("missing", None), ("undetermined", "ends_earlier"))
    assert found[D] == ("pending", None)  # it was not due when the last was heard of anything


def test_a_report_that_the_live_checker_refuses_as_too_old_is_judged(tmp_path: Path) -> None:
    line = {"at": "2022-11-01T00:00:00Z", "topic": "sent", "value": sent(A, "2022-06-01T00:00:00Z")}
    result = by_lines(tmp_path, [line], REACH)
    assert result.verdicts("status")[A] == ("missing",)


def test_free_text_with_a_national_id_is_in_no_output(tmp_path: Path) -> None:
    name, number = "Ola Nordmann", "01010112345"
    sents = [
        sent(A, note=f"{name} {number}"), sent(B, message_id=number), sent(D, case_system=f"{name} {number}"),
        sent(number), sent("x", form=number),
    ]  # fmt: skip
    result = by_lines(tmp_path, sents, [*REACH, stored(A, place=name)], "--per-receiver")
    written = [path for path in result.folder.rglob("*") if path.is_file()]
    assert len(written) > 8
    for path in written:
        assert number.encode() not in path.read_bytes(), path.name
        assert name.encode() not in path.read_bytes(), path.name


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ([], "There is nothing to audit"),
        (["--sent", "sent.ndjson"], "Nothing proves that anything was stored"),
        (["--stored", "stored.ndjson"], "Nothing tells what was sent"),
        (["--sent", "sent.ndjson", "--stored", "empty.ndjson"], "empty.ndjson is empty"),
        (["--sent", "sent.ndjson", "--stored", "sent.ndjson"], "stored"),
        (["--sent", "sent.ndjson", "--stored", "stored.ndjson", "--until", "soon"], "--until soon is no time"),
        (["--sent", "sent.ndjson", "--stored", "stored.ndjson", "--policy", "none.toml"], "none.toml"),
        (["--sent", "none.ndjson", "--stored", "stored.ndjson"], "none.ndjson cannot be read"),
        (["--sent", "local.ndjson", "--stored", "stored.ndjson"], "local.ndjson has times without a zone"),
        (["--sent", "sent.ndjson", "--stored", "other.ndjson"], "None of the 1 lines of other.ndjson can be read"),
    ],
)
def test_what_is_wrong_is_said_in_one_sentence_and_nothing_is_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, arguments: list[str], sentence: str
) -> None:
    monkeypatch.chdir(tmp_path)
    ndjson(tmp_path / "sent.ndjson", sent(A))
    ndjson(tmp_path / "stored.ndjson", stored(A))
    ndjson(tmp_path / "empty.ndjson")
    ndjson(tmp_path / "local.ndjson", sent(A, "2022-05-01T12:00:00"))
    ndjson(tmp_path / "other.ndjson", stored(A) | {"evidence": None})
    before = sorted(path.name for path in tmp_path.iterdir())
    with pytest.raises(ConfigurationError, match=sentence) as raised:
        audit(tmp_path, *arguments)
    assert "\n" not in str(raised.value)
    assert (
        sorted(path.name for path in tmp_path.iterdir() if not path.name.endswith((".work", "policy.toml"))) == before
    )


def test_a_folder_that_is_there_is_not_written_into(tmp_path: Path) -> None:
    (tmp_path / "result").mkdir()
    with pytest.raises(ConfigurationError, match="exists already"):
        by_lines(tmp_path, [sent(A)], REACH)

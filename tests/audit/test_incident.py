"""The demo's three years, audited from exported files: the same 63."""

import shutil
from pathlib import Path

import pytest

from tests.audit.exports import incident, write
from tests.audit.running import Result, audit

LOST = 63


@pytest.fixture(scope="module")
def policy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("policy") / "policy.toml"
    path.write_text(incident().policy_toml, encoding="utf-8")
    return path


def audited(folder: Path, policy: Path, suffix: str) -> Result:
    return audit(
        folder, "--policy", policy, "--all-receivers", "--until", "2023-11-30T00:00:00Z", **write(folder, suffix)
    )


def told(result: Result, status: str) -> set[str]:
    return {report_id for report_id, (found,) in result.verdicts("status").items() if found == status}


def truth(*outcomes: str) -> set[str]:
    return {each.report_id for each in incident().truth if each.outcome in outcomes}


def test_with_arrivals_every_report_is_what_it_is_in_truth(tmp_path: Path, policy: Path) -> None:
    result = audited(tmp_path, policy, "ndjson")
    assert len(told(result, "missing")) == LOST
    for outcome in ("missing", "recovered", "stored"):
        assert told(result, outcome) == truth(outcome)
    assert result.summary["by_event_time"] == 0


@pytest.mark.parametrize("suffix", ["csv", "parquet"])
def test_without_arrivals_the_same_63_are_missing(tmp_path: Path, policy: Path, suffix: str) -> None:
    result = audited(tmp_path, policy, suffix)
    assert told(result, "missing") == truth("missing")
    # Stored in time and confirmed late: by their own times there was nothing to announce.
    on_time = {each.report_id for each in incident().truth if each.cause == "confirmed_late"}
    assert told(result, "recovered") == truth("recovered") - on_time
    assert result.summary["by_event_time"] == len(incident().truth)


def test_where_coverage_is_measured_nothing_is_called_missing_that_might_not_be(tmp_path: Path, policy: Path) -> None:
    result = audit(tmp_path, "--policy", policy, **write(tmp_path, "ndjson"))
    missing, open_ = told(result, "missing"), told(result, "undetermined")
    assert missing | open_ == truth("missing")
    assert len(missing) > LOST // 2


def test_the_work_is_gone_when_the_result_is_there(tmp_path: Path, policy: Path) -> None:
    result = audited(tmp_path, policy, "ndjson")
    assert {path.name for path in tmp_path.iterdir()} == {
        "sent.ndjson", "receipt.ndjson", "stored.ndjson", result.folder.name,
    }  # fmt: skip
    shutil.rmtree(result.folder)

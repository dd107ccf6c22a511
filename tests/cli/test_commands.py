"""The commands as their users call them, without Kafka."""

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from streams import cli
from streams.broker import BrokerUnavailable
from streams.cli import app
from streams.cli.simulation import EXIT_WITHOUT_KAFKA
from streams.errors import ConfigurationError
from streams.simulation.script import read_truth
from streams.simulation.verdict import judge

SILENCE = (
    "One feed fell silent for a day: 25 of 25 reports undetermined meanwhile, none announced missing, "
    "all 25 stored when it spoke."
)


def run(*arguments: str) -> Any:
    return CliRunner().invoke(app, list(arguments), catch_exceptions=False)


def test_what_simulate_writes_replay_judges_exactly(tmp_path: Path) -> None:
    assert run("simulate", "--out", str(tmp_path), "--reports", "2000", "--seed", "7", "--days", "60").exit_code == 0
    done = run("replay", str(tmp_path / "script.ndjson"), "--policy", str(tmp_path / "policy.toml"),
               "--until", "2026-06-01T00:00:00Z")  # fmt: skip
    events = [json.loads(line) for line in done.stdout.splitlines()]
    truth = list(read_truth((tmp_path / "truth.ndjson").read_bytes().splitlines()))
    verdict = judge(truth, events)
    assert verdict.exact, verdict
    assert len(events) > 5


def test_simulate_wants_to_know_where_to() -> None:
    with pytest.raises(ConfigurationError, match="--out DIR"):
        run("simulate")


def test_the_incident_as_files_is_audited_as_the_readme_says(tmp_path: Path) -> None:
    years = tmp_path / "three-years"
    run("simulate", "--incident", "--reports", "500", "--out", str(years))
    files = [part for kind in ("sent", "receipt", "stored") for part in (f"--{kind}", str(years / f"{kind}.ndjson"))]
    done = run("audit", *files, "--policy", str(years / "policy.toml"), "--all-receivers", "--json",
               "--out", str(tmp_path / "audit"))  # fmt: skip
    summary = json.loads(done.stdout)
    assert (summary["terms"]["missing"], summary["receivers_with_missing"], summary["difference"]) == (63, 22, 0)


@pytest.mark.parametrize("arguments", [["--incident"], ["--incident", "--to-kafka", "--out", "x"]])
def test_the_incident_is_made_as_files_only(arguments: list[str]) -> None:
    with pytest.raises(ConfigurationError, match=r"--out DIR|files only"):
        run("simulate", *arguments)


@pytest.mark.long  # the next one plays it as well
def test_the_incident_on_a_virtual_clock_is_exact() -> None:
    done = run("demo", "--virtual", "--json")
    result = json.loads(done.stdout)
    assert done.exit_code == 0
    assert result["exact"]
    assert result["verdict"] == (
        "63 of 63 lost reports announced, in 22 municipalities; 7 of 7 found again; no phantom."
    )
    assert result["silence"] == SILENCE
    counts = result["counts"]
    assert (counts["lost_again_announced"], counts["silent_undetermined"], counts["letters"]) == (3, 25, 12)
    assert counts["silent_announced"] == counts["letters_announced"] == counts["served_announced"] == 0


def test_without_any_kafka_the_demo_says_so_and_plays_on_a_virtual_clock(monkeypatch: pytest.MonkeyPatch) -> None:
    def unavailable(*_: object) -> None:
        raise BrokerUnavailable("The embedded Kafka needs Java 17 or newer: install one.")

    monkeypatch.setattr("streams.commands.demo.EmbeddedKafka", unavailable)
    monkeypatch.delenv("KAFKA_BROKERS", raising=False)
    done = run("demo", "--exit")
    assert done.exit_code == EXIT_WITHOUT_KAFKA
    assert "needs Java 17" in done.stderr
    assert "on a virtual clock" in done.stderr
    assert "63 of 63" in done.stdout
    assert done.stdout.splitlines()[-1] == SILENCE


def test_config_shows_every_setting_and_no_secret(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KAFKA_SASL_PASSWORD", "hemmelig")
    monkeypatch.setenv("MELDINGSVAKT_MARK_EVERY", "PT7S")
    done = run("config", "--json")
    settings = {entry["setting"]: entry["value"] for entry in json.loads(done.stdout)}
    assert settings["MELDINGSVAKT_MARK_EVERY"] == "PT7S"
    assert "hemmelig" not in done.stdout + run("config").stdout
    assert settings["KAFKA_SASL_PASSWORD"] == "**********"


def test_what_can_be_set_right_is_one_sentence_and_exit_code_2(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("MELDINGSVAKT_NONSENSE", "1")
    monkeypatch.setattr("sys.argv", ["meldingsvakt", "config"])
    with pytest.raises(SystemExit) as ended:
        cli.main()
    assert ended.value.code == 2
    said = capsys.readouterr().err.splitlines()
    assert len(said) == 1
    assert said[0].startswith("meldingsvakt: MELDINGSVAKT_NONSENSE is not a setting")

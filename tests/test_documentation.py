"""The README must not drift away from what runs."""

import re
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from typer.main import get_command

from streams.cli import app
from streams.cli.rejected import rejected_app
from streams.engine.health.gauges import PartitionGauges
from streams.engine.metrics import Metrics
from streams.settings import KafkaSettings, Settings
from streams.sources.mapping import load_plan
from streams.view.http.metrics import Requests, ViewGauges
from streams.view.store.feed import Progress
from streams.view.store.freshness import CoverageNow, picture_of
from tests.faults.suite import FAULTS

README = (Path(__file__).parent.parent / "README.md").read_text(encoding="utf-8")


def test_the_readme_begins_with_exactly_the_two_commands() -> None:
    assert README.split("```")[1].split("\n") == ["", "make demo", "make test", ""]


@pytest.mark.parametrize(
    "name",
    [f"KAFKA_{name.upper()}" for name in KafkaSettings.model_fields]
    + [f"MELDINGSVAKT_{name.upper()}" for name in Settings.model_fields],
)
def test_every_setting_is_documented(name: str) -> None:
    assert f"`{name}`" in README


def test_no_setting_is_documented_that_does_not_exist() -> None:
    known = {f"MELDINGSVAKT_{name.upper()}" for name in Settings.model_fields} | {"MELDINGSVAKT_CACHE"}
    assert set(re.findall(r"MELDINGSVAKT_[A-Z_]+", README)) == known


def test_every_command_is_documented() -> None:
    for command in app.registered_commands:
        assert command.callback is not None
        assert f"`meldingsvakt {command.name or command.callback.__name__}" in README
    for command in rejected_app.registered_commands:
        assert f"`meldingsvakt rejected {command.name}`" in README


def test_the_audit_its_options_and_its_diff_are_documented() -> None:
    audit = get_command(app).commands["audit"]  # type: ignore[attr-defined]
    assert set(audit.commands) == {"diff"}
    assert "`meldingsvakt audit diff" in README
    options = {option for parameter in audit.params for option in parameter.opts}
    assert not {option for option in options - {"--json", "--help"} if f"`{option}" not in README}


def test_the_mapping_in_the_readme_is_one(tmp_path: Path) -> None:
    example = next(block for block in README.split("```") if block.startswith("toml\n[[source]]"))
    mapping = tmp_path / "audit.toml"
    mapping.write_text(example.removeprefix("toml\n"), encoding="utf-8")
    for name in ("exports/familia-1.csv", "portal/sent.csv"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    assert [source.kind for source in load_plan(mapping).source] == ["stored", "sent"]


def test_every_metric_is_documented_and_no_other() -> None:
    metrics = Metrics()
    metrics.registry.register(PartitionGauges({}))
    read = Progress(records_left=0)
    picture = picture_of(CoverageNow(datetime.now(UTC), (), 0), read, timedelta(minutes=1))
    found = [*metrics.registry.collect(), *Requests().registry.collect(), *ViewGauges(picture, 0, read).collect()]
    names = {f"{metric.name}_total" if metric.type == "counter" else metric.name for metric in found}
    assert set(re.findall(r"`(meldingsvakt_[a-z_]+)`", README)) == {
        name for name in names if not name.startswith("process_")
    }


def test_every_topic_is_documented() -> None:
    for name in ("sent", "receipt", "stored"):
        assert f"`reports.{name}`" in README
    for name in ("missing", "state", "coverage", "rejected"):
        assert f"`{{app}}.{name}`" in README


def test_every_fault_stands_in_the_table_of_guarantees() -> None:
    for fault in FAULTS:
        assert f"`{fault.name}`" in README

"""What SECURITY.md, docker/PRIVACY.md and the consumers' README say is what the code does."""

import re
from datetime import timedelta
from typing import Any

import pytest
from pip_requirements_parser import RequirementsFile
from pydantic import BaseModel, TypeAdapter

from schemas import coverage, inputs, outputs
from streams.kafka.topics import EVENTS_RETENTION, wanted_topics
from streams.presentation.small_numbers import LEAST_SHOWN
from streams.settings import Settings
from tests.papers import PAPERS, ROOT, table

SECURITY, PRIVACY = PAPERS["SECURITY.md"], PAPERS["docker/PRIVACY.md"]
CONSUMERS = ROOT / "schemas" / "consumers"
HELD: dict[str, tuple[type[BaseModel], ...]] = {
    "reports.sent": (inputs.ReportSent,),
    "reports.receipt": (inputs.ReportReceipt,),
    "reports.stored": (inputs.ReportStored, inputs.FeedMark),
    "reports.decision": (inputs.ReportDecision,),
    "{app}.missing": (
        outputs.ReportMissing,
        outputs.ReportRecovered,
        outputs.ReportClosed,
        outputs.ReportReopened,
    ),
    "{app}.state": (outputs.ReportState,),
    "{app}.coverage": (coverage.Coverage, coverage.Books),
    "{app}.messages": (outputs.Message,),
    "{app}.rejected": (outputs.Rejected,),
    "{app}.access": (outputs.Access,),
}


def rows(paper: str, columns: int) -> list[list[str]]:
    """The cells of every table with that many columns."""
    found = [line.strip("|").split("|") for line in paper.splitlines() if line.startswith("| ")]
    return [[cell.strip() for cell in cells] for cells in found if len(cells) == columns]


def test_every_threat_is_shown_to_be_met_by_tests_that_exist() -> None:
    """By number: those of the table have each an entry in the list below it."""
    numbers = [number for number, *_ in table("SECURITY.md", "", "who", "what they might do", "what stands in the way")]
    assert len(numbers) > 20
    listed = SECURITY.split("### The tests that show it")[1].split("\n## ")[0]
    entries = re.findall(r"^(\d+)\. (.*(?:\n +`.*)*)", listed, re.M)
    assert [number for number, _ in entries] == numbers == [str(n + 1) for n in range(len(numbers))]
    for number, tests in entries:
        named = re.findall(r"`(tests/[\w/]+\.py)::(\w+)`", tests)
        assert named, number
        assert len(named) == tests.count("`") // 2, number
        for file, test in named:
            source = (ROOT / file).read_text(encoding="utf-8")
            assert re.search(rf"^(async )?def {test}\(", source, re.M), f"{file}::{test}"


def test_nothing_listens_beyond_this_machine_unless_it_is_told_to() -> None:
    hosts = {name: field.default for name, field in Settings.model_fields.items() if name.endswith("_host")}
    assert set(hosts.values()) == {"127.0.0.1"}
    assert {"http_host", "view_host"} <= set(hosts)


def test_every_package_is_pinned_by_its_hash() -> None:
    lock = RequirementsFile.from_file(str(ROOT / "requirements.lock"))
    assert len(lock.requirements) > 50
    assert [one.name for one in lock.requirements if not (one.is_pinned and one.hash_options)] == []
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    locked = [line for line in makefile.splitlines() if "pip install" in line and "--no-deps" not in line]
    assert locked
    assert [line for line in locked if "--require-hashes --only-binary=:all:" not in line] == []


def test_the_privacy_page_tells_every_setting_with_its_value() -> None:
    durations = TypeAdapter(timedelta)
    told = {setting.strip("`"): value.strip("`") for setting, value, _ in rows(PRIVACY, 3) if "MELDINGSVAKT" in setting}
    assert {"MELDINGSVAKT_KEEP", "MELDINGSVAKT_RETENTION", "MELDINGSVAKT_VIEW_FILE", "MELDINGSVAKT_VIEW_ROWS"} <= set(
        told
    )
    for setting, value in told.items():
        default: Any = Settings.model_fields[setting.removeprefix("MELDINGSVAKT_").lower()].default
        if isinstance(default, timedelta):
            assert durations.validate_python(value) == default, setting
        else:
            assert value == {None: "not set", True: "true", False: "false"}.get(default, str(default)), setting


@pytest.mark.parametrize("topic", HELD)
def test_the_privacy_page_names_every_field_that_is_held(topic: str) -> None:
    [held] = [cells[1] for cells in rows(PRIVACY, 4) if cells[0] == f"`{topic}`"]
    fields = {name for model in HELD[topic] for name in model.model_fields} - {"type", "version", "kind"}
    assert set(re.findall(r"`(\w+)`", held)) == fields


def test_the_privacy_page_tells_how_long_each_topic_is_kept() -> None:
    told = {cells[0].strip("`"): cells[3] for cells in rows(PRIVACY, 4) if "`" in cells[0]}
    for topic in wanted_topics(Settings()):
        name = topic.name if topic.name in told else topic.name.replace("reports.", "{app}.", 1)
        kept = topic.suggested.get("retention.ms")
        if topic.required["cleanup.policy"] == "compact":
            assert "MELDINGSVAKT_KEEP" in told[name] or name == "{app}.coverage"
            assert topic.suggested["max.compaction.lag.ms"] == "3600000"
            assert "next compaction (an hour, as the topic is created)" in PRIVACY
        elif name in ("{app}.missing", "{app}.rejected"):
            assert told[name] == "two years (`retention.ms`)"
            assert kept == str(int(EVENTS_RETENTION / timedelta(milliseconds=1)))
        else:
            setting = "access_retention" if name == "{app}.access" else "retention"
            assert f"`MELDINGSVAKT_{setting.upper()}`" in told[name]
            assert timedelta(milliseconds=int(kept or 0)) == getattr(Settings(), setting)
    assert set(told) == set(HELD)


def test_the_privacy_page_tells_which_numbers_are_small() -> None:
    assert f"from 1 to {LEAST_SHOWN - 1}" in PRIVACY


def test_the_consumers_are_as_their_readme_says() -> None:
    readme = PAPERS["schemas/consumers/README.md"]
    sources = {
        path.name: path.read_text(encoding="utf-8") for path in CONSUMERS.rglob("*") if path.suffix in (".py", ".java")
    }
    for name in ("consumer.py", "Consumer.java"):
        for setting, default in re.findall(r"`([A-Z]+)` \(`([\w.]+)`\)", readme):
            assert f'"{setting}", "{default}"' in sources[name]


def test_no_paper_holds_an_address_of_a_person() -> None:
    for paper, text in PAPERS.items():
        assert not re.search(r"[\w.]+@[\w.]+\.\w+", text), paper

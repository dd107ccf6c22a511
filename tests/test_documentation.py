"""The papers must not drift away from what runs, nor from each other."""

import json
import re
import tomllib
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import get_args
from xml.etree import ElementTree as ET

import pytest
from typer.main import get_command

from schemas.generate import FOLDER, example
from schemas.outputs import Reason
from schemas.outputs import Status as PublishedStatus
from streams.access.measuring import Requests
from streams.cli import app
from streams.core.books import Book
from streams.core.facts import Action, Outcome
from streams.core.row import Flag, Status
from streams.doctor.findings import FindingState
from streams.engine.health.gauges import PartitionGauges
from streams.engine.metrics import Metrics
from streams.intake import list_routes, routes
from streams.intake.metrics import Written
from streams.kafka.topics import wanted_topics
from streams.policies import load_policy
from streams.records.events import TYPES
from streams.settings import KafkaSettings, Settings
from streams.sources.mapping import load_plan
from streams.view.http import api, events
from streams.view.http.metrics import ViewGauges
from streams.view.store.feed import Progress
from streams.view.store.freshness import CoverageNow, picture_of
from tests.papers import PAPERS, ROOT, anchors, blocks, links, prose, quoted, said, table
from tests.system.faults.suite import FAULTS

README, RUNNING, CONTRACT, TESTS = "README.md", "docker/README.md", "schemas/README.md", "tests/README.md"
PROGRAM, VIEW, AUDIT = "streams/README.md", "streams/view/README.md", "streams/audit/README.md"
INTAKE = "streams/intake/README.md"
HISTORY = "CHANGELOG.md"  # which also names what is gone
PICTURES = sorted((ROOT / "streams" / "pictures").glob("*.svg"))
SETTINGS = {f"KAFKA_{name.upper()}" for name in KafkaSettings.model_fields} | {
    f"MELDINGSVAKT_{name.upper()}" for name in Settings.model_fields
}
ROOMS = ("streams/", "schemas/", "tests/", "docker/")
LONGEST_README_LINES = 150


def test_the_readme_begins_with_exactly_the_two_commands() -> None:
    assert PAPERS[README].split("```")[1].split("\n") == ["", "make demo", "make test", ""]


def test_the_readme_is_short_and_names_every_paper_of_its_readers() -> None:
    assert len(PAPERS[README].splitlines()) <= LONGEST_README_LINES
    read = {target.partition("#")[0] for target in links(README)}
    rooms = {RUNNING, CONTRACT, TESTS, PROGRAM, VIEW, AUDIT, INTAKE, HISTORY, "SECURITY.md"}
    assert rooms | {"docker/RUNBOOK.md", "docker/PRIVACY.md", "schemas/consumers/README.md"} <= read


@pytest.mark.parametrize("paper", PAPERS)
def test_every_link_leads_somewhere(paper: str) -> None:
    for link in links(paper):
        file, _, anchor = link.partition("#")
        target = ((ROOT / paper).parent / file if file else ROOT / paper).resolve()
        assert target.exists(), link
        assert not anchor or anchor in anchors(str(target.relative_to(ROOT))), link


@pytest.mark.parametrize("paper", PAPERS)
def test_no_code_is_broken_over_two_lines(paper: str) -> None:
    assert [line for line in prose(paper).splitlines() if line.count("`") % 2] == []


@pytest.mark.parametrize("paper", PAPERS)
def test_every_path_that_is_named_exists(paper: str) -> None:
    """From the root of the repository; of a room (`core/`) also from where the paper lies, or within the program."""
    for name in quoted(PAPERS[paper]):
        path, _, test = name.partition("::")
        if not re.fullmatch(r"[\w./-]*/[\w./-]*", path) or not (path.startswith(ROOMS) or path.endswith("/")):
            continue
        folders = ((ROOT / paper).parent, ROOT / "streams", ROOT)
        found = [folder / path for folder in folders if (folder / path).exists()]
        assert found, name
        assert not test or re.search(rf"^(async )?def {test}\(", found[0].read_text(encoding="utf-8"), re.M), name


@pytest.mark.parametrize("paper", PAPERS)
def test_every_module_make_target_and_command_that_is_named_exists(paper: str) -> None:
    targets = re.findall(r"^([\w-]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.M)
    commands = get_command(app).commands  # type: ignore[attr-defined]
    for line in said(paper):
        for module in re.findall(r"python -m ((?:tests|streams|schemas)[\w.]*)", line):
            path = ROOT.joinpath(*module.split("."))
            assert path.with_suffix(".py").exists() or (path / "__main__.py").exists(), module
        for target in re.findall(r"^make ([a-z][\w-]*)", line):
            assert target in targets, target
        for command in re.findall(r"^meldingsvakt ([a-z]+)", line):
            assert command in commands, command


@pytest.mark.parametrize("paper", PAPERS)
def test_no_paper_names_a_setting_that_does_not_exist(paper: str) -> None:
    named = set(re.findall(r"\b(?:MELDINGSVAKT|KAFKA)_[A-Z_]+\b(?!\*)", PAPERS[paper]))
    assert named - {"MELDINGSVAKT_CACHE"} <= SETTINGS


def test_the_table_of_settings_has_each_of_them_once() -> None:
    told = [name for names, _ in table(RUNNING, "setting", "meaning") for name in quoted(names)]
    assert sorted(told) == sorted({*SETTINGS, "MELDINGSVAKT_CACHE"})


def test_the_table_of_commands_has_every_command() -> None:
    told = [name.split() for names, _ in table(RUNNING, "command", "does") for name in quoted(names)]
    root = get_command(app)
    groups = {"rejected": ["list", "replay"], "audit": ["diff"]}
    assert {words[1] for words in told} == set(root.commands)  # type: ignore[attr-defined]
    for group, members in groups.items():
        assert set(root.commands[group].commands) == set(members)  # type: ignore[attr-defined]
        assert {words[2] for words in told if words[1] == group and words[2] in members} == set(members)


def test_every_option_of_the_audit_is_documented() -> None:
    audit = get_command(app).commands["audit"]  # type: ignore[attr-defined]
    options = {option for parameter in audit.params for option in parameter.opts}
    assert not {option for option in options - {"--json", "--help"} if f"`{option}" not in PAPERS[AUDIT]}


def test_the_audits_mapping_is_one(tmp_path: Path) -> None:
    [text] = blocks(AUDIT, "toml")
    mapping = tmp_path / "audit.toml"
    mapping.write_text(text, encoding="utf-8")
    for name in ("exports/familia-1.csv", "portal/sent.csv", "followed-up.csv", "deliveries.csv"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    assert [source.kind for source in load_plan(mapping).source] == ["stored", "sent", "decision", "feed_mark"]


def test_the_policy_is_one(tmp_path: Path) -> None:
    [text] = blocks(RUNNING, "toml")
    (tmp_path / "policy.toml").write_text(text, encoding="utf-8")
    assert [version.id for version in load_policy(tmp_path / "policy.toml").versions] == ["2026-01"]


def test_the_policy_of_the_first_proof_is_one(tmp_path: Path) -> None:
    [text] = blocks(INTAKE, "toml")
    (tmp_path / "policy.toml").write_text(text, encoding="utf-8")
    [version] = load_policy(tmp_path / "policy.toml").versions
    assert [feed.id for feed in version.feeds] == ["familia-3907"]


def test_the_doctors_states_are_all_explained() -> None:
    assert [state for state, _ in table(RUNNING, "state", "means")] == list(FindingState)


def test_every_metric_is_documented_and_no_other() -> None:
    metrics = Metrics()
    metrics.registry.register(PartitionGauges({}))
    read = Progress(records_left=0)
    picture = picture_of(CoverageNow(datetime.now(UTC), (), 0), read, timedelta(minutes=1))
    found = [*metrics.registry.collect(), *Requests("view").registry.collect(), *ViewGauges(picture, 0, read).collect()]
    found += Written().registry.collect()
    shown = {f"{metric.name}_total" if metric.type == "counter" else metric.name for metric in found}
    names = {name for name in shown if not name.startswith("process_")}
    tables = [row for part in ("a worker", "a view", "an intake") for row in table(RUNNING, f"of {part}", "is")]
    assert {name for cell, _ in tables for name in quoted(cell)} == names
    for paper in PAPERS.keys() - {HISTORY}:
        assert set(re.findall(r"`(meldingsvakt_[a-z_]+)`", PAPERS[paper])) <= names, paper


def test_the_table_of_topics_is_what_is_made() -> None:
    rows = table(CONTRACT, "topic", "what", "key", "cleanup", "example")
    told = {topic.strip("`").replace("{app}", "another"): cleanup for topic, _, _, cleanup, _ in rows}
    made = {topic.name: topic.required["cleanup.policy"] for topic in wanted_topics(Settings(app_id="another"))}
    assert told == made


def test_every_event_in_the_contract_is_an_example_of_it_and_the_readmes_one_of_them() -> None:
    told = [json.loads(text) for text in blocks(CONTRACT, "json")]
    inputs = ["report-sent", "report-receipt", "report-stored", "feed-mark", "report-decision"]
    names = [*inputs, *(f"report-{event}" for event in ("missing", "recovered", "closed", "reopened"))]
    assert told == [example(name) for name in names]
    assert [json.loads(text) for text in blocks(README, "json")] == [example("report-missing")]
    linked = {Path(target).stem for target in links(CONTRACT) if target.startswith("examples/")}
    assert linked == {path.stem for path in (FOLDER / "examples").iterdir()}


def test_the_reasons_are_those_of_the_contract() -> None:
    told = {reason.strip("`") for reason, _ in table(CONTRACT, "reason", "what had arrived by the verdict")}
    assert told == set(get_args(Reason))


def test_the_flags_the_events_and_the_actions_are_those_of_the_code() -> None:
    flags = {flag.strip("`").removesuffix("<field>") for flag, _ in table(CONTRACT, "flag", "what was odd")}
    assert flags == {word for name, word in vars(Flag).items() if name.isupper()}
    told = [kind.strip("`") for kind, _, _ in table(CONTRACT, "event", "says", "what to do")]
    assert told == list(TYPES.values())
    actions = [action.strip("`") for action, _, _ in table(CONTRACT, "action", "what it does", "fits where")]
    assert actions == list(Action)
    assert all(f"`{outcome}`" in PAPERS[CONTRACT] for outcome in Outcome)


def test_the_addresses_are_those_of_the_view() -> None:
    told = {name for names, _ in table(VIEW, "address", "answers") for name in re.findall(r"/api/v1[\w/{}.-]*", names)}
    paths = {route.path for router in (api.router, events.router) for route in router.routes}  # type: ignore[attr-defined]
    routes = {path.replace("{report_id}", "{id}") for path in paths}
    assert told - {"/api/v1/openapi.json"} == {route for route in routes if not route.endswith("{suffix}")}


def test_the_addresses_of_the_intake_are_those_that_it_has() -> None:
    told = {
        name for names, _ in table(INTAKE, "address", "takes") for name in re.findall(r"/intake/v1[\w/{}-]*", names)
    }
    found = [*routes.router.routes, *list_routes.router.routes]
    assert told == {route.path for route in found}  # type: ignore[attr-defined]


def test_every_fault_stands_in_the_table_of_faults_and_no_other() -> None:
    told = [name for _, _, names in table(TESTS, "fault", "what can happen", "shown by") for name in quoted(names)]
    assert sorted(told) == sorted(fault.name for fault in FAULTS)
    assert not [fault.name for fault in FAULTS if not fault.inject.__doc__], "--list shows what it does"


def test_the_glossarys_words_of_status_are_those_of_the_code() -> None:
    told = [word.strip("`") for word, _ in table(PROGRAM, "status", "means")]
    assert told == list(Status)
    assert set(told) == set(get_args(PublishedStatus))


@pytest.mark.parametrize("paper", [README, PROGRAM])
def test_the_books_are_the_sum_that_the_code_holds(paper: str) -> None:
    [terms] = re.findall(r"sent = ((?:\w+ \+ )+\w+)", PAPERS[paper])
    for term in terms.split(" + "):
        assert Book(sent_records=1, **{term: 1}).balanced, term
    assert len(terms.split(" + ")) == len({*Status, "erased"} - {Status.UNEXPECTED})


def _floors() -> list[set[str]]:
    """From the highest to the ground, as the import contract has them."""
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["importlinter"]
    [layers] = [one["layers"] for one in contracts["contracts"] if one.get("containers") == ["streams"]]
    return [{room.strip() for room in layer.split("|")} for layer in layers]


def test_the_house_is_described_as_it_is() -> None:
    floors = _floors()
    told: dict[int, set[str]] = {}
    for floor, room, _ in table(PROGRAM, "floor", "room", "what lives there"):
        told.setdefault(int(floor), set()).add(room.strip("`"))
    assert told == {len(floors) - number: rooms for number, rooms in enumerate(floors)}


def test_the_picture_of_the_house_has_its_floors() -> None:
    [picture] = [path for path in PICTURES if path.stem == "parts"]
    texts = ET.parse(picture).iter("{http://www.w3.org/2000/svg}text")
    drawn = [text.text or "" for text in texts if "room" in text.get("class", "").split()]
    assert [set(line.split(" · ")) for line in drawn] == _floors()


@pytest.mark.parametrize("picture", PICTURES, ids=lambda path: path.name)
def test_a_picture_is_read_in_the_dark_and_aloud(picture: Path) -> None:
    text = picture.read_text(encoding="utf-8")
    assert "prefers-color-scheme: dark" in text
    assert "<title" in text
    assert "<desc" in text
    assert any(picture.name in target for paper in PAPERS for target in links(paper))

"""The alert rules, their unit tests and the runbook belong together."""

import re

import pytest
import yaml

from tests.system.operations.promtool import DOCKER, PROMETHEUS, promtool, rules

RUNBOOK = (DOCKER / "RUNBOOK.md").read_text(encoding="utf-8")
SECTIONS = dict(re.findall(r"^### (\w+)\n(.*?)(?=^##)", RUNBOOK, re.MULTILINE | re.DOTALL))
NAMES = [rule["alert"] for rule in rules()]


def _anchors() -> set[str]:
    """As GitHub makes them of headings."""
    headings = re.findall(r"^#+ (.+)$", RUNBOOK, re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def _played() -> list[tuple[str, bool]]:
    """Which alerts the unit tests ask for, and whether they must fire."""
    tests = yaml.safe_load((PROMETHEUS / "alerts_test.yaml").read_text(encoding="utf-8"))["tests"]
    return [(one["alertname"], bool(one.get("exp_alerts"))) for test in tests for one in test["alert_rule_test"]]


def test_the_rules_are_valid_and_do_what_their_unit_tests_say() -> None:
    promtool("check", "config", "prometheus.yaml")
    promtool("check", "rules", "--lint-fatal", "alerts.yaml")
    assert "SUCCESS" in promtool("test", "rules", "alerts_test.yaml")


@pytest.mark.parametrize("name", NAMES)
def test_each_alert_fires_in_one_unit_test_and_keeps_quiet_in_another(name: str) -> None:
    assert {fires for alert, fires in _played() if alert == name} == {True, False}


@pytest.mark.parametrize("rule", rules(), ids=NAMES)
def test_each_alert_says_how_bad_it_is_and_what_to_do(rule: dict[str, dict[str, str]]) -> None:
    assert rule["labels"]["severity"] in ("critical", "warning")
    assert rule["annotations"].keys() == {"summary", "description", "runbook_url"}
    file, _, anchor = rule["annotations"]["runbook_url"].partition("#")
    assert file == "docker/RUNBOOK.md"
    assert anchor == str(rule["alert"]).lower()
    assert anchor in _anchors()


@pytest.mark.parametrize("name", NAMES)
def test_each_alert_has_a_section_with_symptom_meaning_what_to_do_and_how_to_verify(name: str) -> None:
    parts = re.findall(r"^\*\*(\w+)\.\*\* \S", SECTIONS[name], re.MULTILINE)
    assert parts == ["Symptom", "Meaning", "Do", "Verify"]


def test_the_runbook_has_no_section_of_an_alert_that_does_not_exist() -> None:
    assert set(SECTIONS) == set(NAMES)


def test_every_link_within_the_runbook_leads_somewhere() -> None:
    for target in re.findall(r"\]\(([^)]+)\)", RUNBOOK):
        file, _, anchor = target.partition("#")
        assert (DOCKER / file).exists(), target
        assert not anchor or anchor in _anchors(), target

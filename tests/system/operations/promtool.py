"""Debian's promtool and Prometheus, and what the operations files say."""

import json
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from prometheus_client.parser import text_string_to_metric_families

DOCKER = Path(__file__).parents[3] / "docker"
PROMETHEUS, DASHBOARD = DOCKER / "prometheus", DOCKER / "grafana" / "dashboards" / "meldingsvakt.json"
OURS = re.compile(r"\b(?:meldingsvakt|process)_[a-z_]+")


def program(name: str) -> str:
    """Where this machine has one of Prometheus' programs."""
    found = shutil.which(name)
    if found is None:
        pytest.skip(f"There is no {name} here: install Debian's package prometheus.")
    assert found is not None
    return found


def promtool(*arguments: str, told: str | None = None) -> str:
    """Run promtool; what it says. Fails when it finds a fault."""
    ran = subprocess.run(
        [program("promtool"), *arguments], cwd=PROMETHEUS, input=told, capture_output=True, text=True, check=False
    )
    assert ran.returncode == 0, ran.stdout + ran.stderr
    return ran.stdout + ran.stderr


def rules() -> list[dict[str, Any]]:
    """The alert rules."""
    groups = yaml.safe_load((PROMETHEUS / "alerts.yaml").read_text(encoding="utf-8"))["groups"]
    return [rule for group in groups for rule in group["rules"]]


def panels() -> list[dict[str, Any]]:
    """The dashboard's panels."""
    found: list[dict[str, Any]] = json.loads(DASHBOARD.read_text(encoding="utf-8"))["panels"]
    return found


def queries() -> Iterator[str]:
    """What the panels ask, as Prometheus would get it."""
    for panel in panels():
        for target in panel["targets"]:
            yield target["expr"].replace("$__rate_interval", "1m")


def sample_names(text: str) -> set[str]:
    """The names that a query may ask for, of all families that a /metrics shows, also of those without samples yet."""
    suffixes = {"counter": ("_total",), "histogram": ("_bucket", "_count", "_sum")}
    return {
        family.name + suffix
        for family in text_string_to_metric_families(text)
        for suffix in suffixes.get(family.type, ("",))
    }


def samples(text: str) -> dict[tuple[str, frozenset[tuple[str, str]]], float]:
    """The figures of a /metrics by name and labels."""
    return {
        (sample.name, frozenset(sample.labels.items())): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }

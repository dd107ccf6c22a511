"""The bill of materials is whole, valid and the same each time."""

import hashlib
import importlib.metadata
import json
import os
import subprocess
import sys
from typing import Any

import pytest
from packaging.utils import canonicalize_name

from streams.broker.pins import locked_jars
from tests.programs.supply.sbom import ROOT, VENDOR, bill, fault_of, vendored


@pytest.fixture(scope="module")
def text() -> str:
    """The bill of this environment."""
    return bill()


@pytest.fixture(scope="module")
def components(text: str) -> dict[str, dict[str, Any]]:
    """Its components by package URL."""
    return {component["purl"]: component for component in json.loads(text)["components"]}


def test_it_is_valid_cyclonedx(text: str) -> None:
    assert fault_of(text) is None


def test_what_is_not_cyclonedx_is_noticed(text: str) -> None:
    assert fault_of(text.replace('"bomFormat": "CycloneDX"', '"bomFormat": "other"')) is not None


@pytest.mark.long
def test_it_is_the_same_each_time(text: str) -> None:
    assert bill() == text


def test_it_is_the_same_each_time_but_for_the_time_when_that_is_asked(
    text: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert "timestamp" not in json.loads(text)["metadata"]
    assert "serialNumber" not in json.loads(text)
    assert str(ROOT) not in text
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1767225600")
    timed = json.loads(bill())
    assert timed["metadata"].pop("timestamp") == "2026-01-01T00:00:00+00:00"
    assert timed == json.loads(text)


# Every module of ours imported, and the distributions that all loaded modules come from: what runs, seen by running it.
LOADED = """
import importlib, importlib.metadata, json, pkgutil, sys
import schemas, streams
for package in (schemas, streams):
    for module in pkgutil.walk_packages(package.__path__, package.__name__ + "."):
        if "consumers" not in module.name:
            importlib.import_module(module.name)
owners, loaded = importlib.metadata.packages_distributions(), {name.partition(".")[0] for name in sys.modules}
print(json.dumps(sorted({owner for name in loaded for owner in owners.get(name, ())})))
"""


# Taken where developers' tools have brought them along, and done without where not: requests guesses an encoding with
# the one; uvicorn reads a file that we do not have with the other, and so does what generates the schemas.
DONE_WITHOUT = {"chardet", "pyyaml"}


def test_everything_that_is_loaded_is_in_it(components: dict[str, dict[str, Any]]) -> None:
    quiet = {"PYTHONWARNINGS": "ignore"}
    said = subprocess.run(
        [sys.executable, "-c", LOADED], capture_output=True, text=True, check=True, env=os.environ | quiet
    )
    loaded = {canonicalize_name(name) for name in json.loads(said.stdout)} - {"meldingsvakt", "pip", "setuptools"}
    assert len(loaded) > 30
    named = {canonicalize_name(component["name"]) for component in components.values()}
    assert loaded - named <= DONE_WITHOUT


@pytest.mark.parametrize("tool", ["pytest", "mypy", "ruff", "hypothesis", "cyclonedx-bom", "playwright", "uv"])
def test_no_tool_is_in_it(components: dict[str, dict[str, Any]], tool: str) -> None:
    assert tool not in {component["name"] for component in components.values()}


def test_every_distribution_has_its_version_licence_and_hashes(components: dict[str, dict[str, Any]]) -> None:
    lock = (ROOT / "requirements.lock").read_text(encoding="utf-8")
    python = [component for purl, component in components.items() if purl.startswith("pkg:pypi/")]
    assert len(python) > 50
    for component in python:
        assert component["version"] == importlib.metadata.version(component["name"])
        assert component["licenses"], component["name"]
        assert component["hashes"], component["name"]
        assert all(f"--hash=sha256:{one['content']}" in lock for one in component["hashes"])


def test_the_broker_that_comes_along_is_in_it(components: dict[str, dict[str, Any]]) -> None:
    for jar in locked_jars():
        component = components[f"pkg:maven/{jar.group}/{jar.artifact}@{jar.version}"]
        assert component["hashes"] == [{"alg": "SHA-256", "content": jar.sha256}]
        assert component["scope"] == "optional"


def test_what_the_page_brings_along_is_in_it(components: dict[str, dict[str, Any]]) -> None:
    by_file = {
        one["value"]: component
        for component in components.values()
        for one in component.get("properties", ())
        if one["name"] == "meldingsvakt:file"
    }
    assert set(by_file) == {one.file for one in vendored()}
    for one in vendored():
        component = by_file[one.file]
        assert (component["version"], component["licenses"][0]["license"]["id"]) == (one.version, one.licence)
        assert component["hashes"][0]["content"] == hashlib.sha256((VENDOR / one.file).read_bytes()).hexdigest()


def test_everything_hangs_together(text: str) -> None:
    """From the project every component can be reached, and nothing is named that is not there."""
    found = json.loads(text)
    edges = {one["ref"]: one.get("dependsOn", []) for one in found["dependencies"]}
    reached, waiting = set(), [found["metadata"]["component"]["bom-ref"]]
    while waiting:
        ref = waiting.pop()
        if ref not in reached:
            reached.add(ref)
            waiting += edges.get(ref, [])
    assert reached - {found["metadata"]["component"]["bom-ref"]} == {one["bom-ref"] for one in found["components"]}

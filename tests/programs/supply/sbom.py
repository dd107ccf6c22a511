"""The bill of materials: what cyclonedx-py finds in this environment, less the tools, and with hashes and licences."""

import hashlib
import json
import re
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

from cyclonedx.contrib.license.factories import LicenseFactory
from cyclonedx.model import HashAlgorithm, HashType, Property
from cyclonedx.model.bom import Bom
from cyclonedx.model.component import Component, ComponentScope, ComponentType
from cyclonedx.output.json import JsonV1Dot6
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator
from packageurl import PackageURL
from packaging.utils import NormalizedName, canonicalize_name
from pip_requirements_parser import RequirementsFile

from streams.broker.pins import locked_jars
from tests.programs.supply.licences import licence_of, licence_of_jars
from tests.programs.supply.running import PROJECT, running

ROOT = Path(__file__).parents[3]
VENDOR = ROOT / "streams" / "presentation" / "static" / "vendor"
LICENCES = LicenseFactory()


class Vendored(NamedTuple):
    """A file that was taken from an npm package, as the table next to it says."""

    file: str
    package: str
    version: str
    licence: str


def bill() -> str:
    """The bill as JSON: the same bytes for the same environment, unless SOURCE_DATE_EPOCH asks for a time."""
    bom = _environment()
    _leave_out_tools(bom)
    hashes = locked_hashes()
    for component in bom.components:
        name = canonicalize_name(component.name)
        component.hashes = _sha256(hashes[name])
        component.licenses = [LICENCES.make_from_string(licence_of(running()[name]))]
        component.scope = ComponentScope.OPTIONAL if name in _of_extras() else ComponentScope.REQUIRED
    added = [*map(_vendored_component, vendored()), *_jars()]
    bom.components.update(added)
    assert bom.metadata.component is not None
    bom.register_dependency(bom.metadata.component, added)
    bom.metadata.properties.add(
        Property(name="meldingsvakt:hashes", value="of every file that requirements.lock allows")
    )
    return JsonV1Dot6(bom).output_as_string(indent=2) + "\n"


def fault_of(text: str) -> str | None:
    """What is wrong with a bill by CycloneDX's own schema; None if nothing is."""
    fault = JsonStrictValidator(SchemaVersion.V1_6).validate_str(text)
    return None if fault is None else str(fault)


def locked_hashes() -> dict[NormalizedName, list[str]]:
    """The SHA-256 sums that requirements.lock allows, by normalised name."""
    found = {}
    for requirement in RequirementsFile.from_file(str(ROOT / "requirements.lock")).requirements:
        sums = [option.removeprefix("--hash=").removeprefix("sha256:") for option in requirement.hash_options]
        found[canonicalize_name(requirement.name)] = sorted(sums)
    return found


def vendored() -> list[Vendored]:
    """What the page brings along."""
    rows = re.findall(
        r"^\| `(.+?)` \| `(.+?)`, `.+?` \| (\S+) \| (\S+), .+ \|$", (VENDOR / "README.md").read_text(), re.M
    )
    return [Vendored(*row) for row in rows]


def _environment() -> Bom:
    command = [sys.executable, "-m", "cyclonedx_py", "environment", "--output-reproducible", "--sv", "1.6"]
    command += ["--pyproject", str(ROOT / "pyproject.toml"), sys.executable]
    found = subprocess.run(command, check=True, capture_output=True, text=True)
    said = json.loads(found.stdout)
    bom: Bom = Bom.from_json(said)  # type: ignore[attr-defined]  # comes with its decorator
    bom.serial_number = None  # type: ignore[assignment]  # as cyclonedx-py itself does it where each time is to be alike
    if "timestamp" not in said["metadata"]:
        bom.metadata.timestamp = None  # type: ignore[assignment]
    return bom


def _leave_out_tools(bom: Bom) -> None:
    needed = {PROJECT, *running()}
    tools = {component for component in bom.components if canonicalize_name(component.name) not in needed}
    left_out = {component.bom_ref for component in tools}
    bom.components.difference_update(tools)
    bom.dependencies = [one for one in bom.dependencies if one.ref not in left_out]
    for one in bom.dependencies:
        one.dependencies = [other for other in one.dependencies if other.ref not in left_out]


def _of_extras() -> set[NormalizedName]:
    return set(running()) - set(running(extras=frozenset()))


def _vendored_component(one: Vendored) -> Component:
    group, _, name = one.package.rpartition("/")
    purl = PackageURL("npm", group or None, name, one.version)
    return Component(
        type=ComponentType.LIBRARY, group=group or None, name=name, version=one.version, purl=purl, bom_ref=str(purl),
        licenses=[LICENCES.make_from_string(one.licence)], scope=ComponentScope.REQUIRED,
        hashes=_sha256([hashlib.sha256((VENDOR / one.file).read_bytes()).hexdigest()]),
        properties=[Property(name="meldingsvakt:file", value=one.file)],
    )  # fmt: skip


def _jars() -> list[Component]:
    """The embedded broker's: for the demo and the tests, downloaded only when it is started."""
    found = []
    for jar in locked_jars():
        purl = PackageURL("maven", jar.group, jar.artifact, jar.version)
        found.append(Component(
            type=ComponentType.LIBRARY, group=jar.group, name=jar.artifact, version=jar.version, purl=purl,
            bom_ref=str(purl), licenses=[LICENCES.make_from_string(licence_of_jars(jar.group))],
            scope=ComponentScope.OPTIONAL, hashes=_sha256([jar.sha256]),
        ))  # fmt: skip
    return found


def _sha256(sums: list[str]) -> list[HashType]:
    return [HashType(alg=HashAlgorithm.SHA_256, content=one) for one in sums]

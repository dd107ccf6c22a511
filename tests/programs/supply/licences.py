"""The licence of everything that runs, as an SPDX expression, and whether it may be handed on with the project."""

import importlib.metadata
import tomllib
from functools import cache
from pathlib import Path
from typing import Any

from license_expression import get_spdx_licensing
from packaging.licenses import InvalidLicenseExpression, canonicalize_license_expression
from packaging.utils import canonicalize_name

FILE = Path(__file__).parent / "licences.toml"


class LicenceUnknown(Exception):
    """Nobody has said under which licence a package may be used."""


@cache
def known() -> dict[str, dict[str, str]]:
    """What licences.toml says, by section."""
    return tomllib.loads(FILE.read_text(encoding="utf-8"))


def licence_of(distribution: importlib.metadata.Distribution) -> str:
    """A distribution's licence. Raises LicenceUnknown where neither its metadata nor licences.toml says it clearly."""
    name = canonicalize_name(distribution.name)
    if name in known()["read"]:
        return known()["read"][name]
    stated = _stated(distribution.metadata)
    if stated is None:
        raise LicenceUnknown(
            f"{name} does not say clearly under which licence it is: read its licence file, and write its SPDX "
            f"expression under [read] in {FILE.name}."
        )
    return stated


def licence_of_jars(group: str) -> str:
    """The licence of a group of Kafka's jars. Raises LicenceUnknown where licences.toml does not say it."""
    if group not in known()["jars"]:
        raise LicenceUnknown(f"Read the licence of {group} and write its SPDX expression under [jars] in {FILE.name}.")
    return known()["jars"][group]


def is_allowed(expression: str) -> bool:
    """True if at least one way to read the expression has only licences that are allowed."""
    return _is_allowed(get_spdx_licensing().parse(expression, validate=True, strict=True))


def _is_allowed(parsed: Any) -> bool:
    if parsed.isliteral:
        return str(parsed) in known()["allowed"]
    parts = [_is_allowed(part) for part in parsed.args]
    return all(parts) if isinstance(parsed, get_spdx_licensing().AND) else any(parts)


def _stated(metadata: importlib.metadata.PackageMetadata) -> str | None:
    for field in ("License-Expression", "License"):
        if field in metadata:
            try:
                return canonicalize_license_expression(metadata[field])
            except InvalidLicenseExpression:
                continue
    classifiers = [line for line in metadata.get_all("Classifier") or () if line.startswith("License ::")]
    found = [known()["classifiers"].get(line) for line in classifiers]
    return found[0] if len(found) == 1 else None

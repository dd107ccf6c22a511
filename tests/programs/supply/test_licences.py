"""Everything that runs may be handed on with a project under MIT, and brings its notices along."""

import email.message
import importlib.metadata
import re
from typing import Any

import pytest

from streams.broker.pins import locked_jars
from tests.programs.supply.licences import FILE, LicenceUnknown, is_allowed, known, licence_of, licence_of_jars
from tests.programs.supply.running import running
from tests.programs.supply.sbom import VENDOR, vendored


class Stating(importlib.metadata.Distribution):
    """A distribution that says something about its licence."""

    def __init__(self, **fields: str) -> None:
        self._message = email.message.Message()
        for name, value in ({"Name": "something"} | fields).items():
            self._message[name.replace("_", "-")] = value

    @property
    def metadata(self) -> Any:
        """What it says."""
        return self._message

    def read_text(self, filename: str) -> str | None:
        """It has no files."""
        return None

    def locate_file(self, path: Any) -> Any:
        """It has no files."""
        raise FileNotFoundError(path)


@pytest.mark.parametrize("name", running())
def test_what_runs_is_under_a_licence_that_is_allowed(name: Any) -> None:
    licence = licence_of(running()[name])
    assert is_allowed(licence) or name in known()["exceptions"], (
        f"{name} is under {licence}, which {FILE.name} does not allow: use another package, or write there why not."
    )


@pytest.mark.parametrize("group", sorted({jar.group for jar in locked_jars()}))
def test_the_jars_of_the_embedded_broker_are_under_a_licence_that_is_allowed(group: str) -> None:
    assert is_allowed(licence_of_jars(group))


@pytest.mark.parametrize("one", vendored(), ids=lambda one: one.file)
def test_what_the_page_brings_along_has_its_licence_with_it(one: Any) -> None:
    assert is_allowed(one.licence)
    text = (VENDOR / "licences" / f"{one.file}.txt").read_text(encoding="utf-8")
    words = {
        "MIT": "Permission is hereby granted, free of charge",
        "0BSD": "Zero-Clause BSD",
        "OFL-1.1": "SIL OPEN FONT LICENSE Version 1.1",
    }
    assert words[one.licence] in text


def test_every_file_that_the_page_brings_along_is_listed() -> None:
    files = {path.name for path in VENDOR.iterdir() if path.is_file()} - {"README.md"}
    assert {one.file for one in vendored()} == files
    assert {path.name for path in (VENDOR / "licences").iterdir()} == {f"{name}.txt" for name in files}


def test_no_exception_or_reading_is_there_for_nothing() -> None:
    unneeded = [name for name in known()["exceptions"] if name not in running() or is_allowed(known()["read"][name])]
    assert not unneeded
    assert set(known()["read"]) <= set(running())
    assert set(known()["jars"]) == {jar.group for jar in locked_jars()}
    assert all(len(reason) > 10 for reason in known()["exceptions"].values())


@pytest.mark.parametrize(
    ("expression", "allowed"),
    [
        ("MIT", True), ("GPL-3.0-or-later", False), ("MIT OR GPL-3.0-only", True), ("MIT AND GPL-3.0-only", False),
        ("MPL-2.0 AND (Apache-2.0 OR MIT)", True), ("(MIT AND AGPL-3.0-only) OR SSPL-1.0", False),
        ("GPL-2.0-only WITH Classpath-exception-2.0", False),
    ],
)  # fmt: skip
def test_an_expression_is_allowed_if_one_way_to_read_it_is(expression: str, allowed: bool) -> None:
    assert is_allowed(expression) is allowed


@pytest.mark.parametrize(
    ("fields", "licence"),
    [
        ({"License_Expression": "MIT AND PSF-2.0"}, "MIT AND PSF-2.0"),
        ({"License": "mpl-2.0"}, "MPL-2.0"),
        ({"License": "Apache 2", "Classifier": "License :: OSI Approved :: Apache Software License"}, "Apache-2.0"),
    ],
)
def test_a_licence_is_read_from_the_metadata(fields: dict[str, str], licence: str) -> None:
    assert licence_of(Stating(**fields)) == licence


@pytest.mark.parametrize(
    "fields", [{}, {"License": "see the file"}, {"Classifier": "License :: OSI Approved :: BSD License"}]
)
def test_a_licence_that_nobody_can_tell_is_a_fault_that_says_what_to_do(fields: dict[str, str]) -> None:
    with pytest.raises(LicenceUnknown, match=re.escape("something does not say clearly under which licence it is")):
        licence_of(Stating(**fields))

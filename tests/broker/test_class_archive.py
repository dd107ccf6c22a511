"""Kafka's classes, kept for the next start."""

import os
from pathlib import Path

import pytest

from streams.broker.class_archive import ClassArchive


@pytest.fixture
def java(tmp_path: Path) -> Path:
    """A Java that can make an archive."""
    program, base = tmp_path / "java" / "bin" / "java", tmp_path / "java" / "lib" / "server" / "classes.jsa"
    for file in (program, base):
        file.parent.mkdir(parents=True)
        file.touch()
    return program


@pytest.fixture
def cache(tmp_path: Path) -> Path:
    """An empty cache."""
    (tmp_path / "cache").mkdir()
    return tmp_path / "cache"


def kept(java: Path, cache: Path, class_path: str = "a.jar") -> ClassArchive:
    """One that Java has written, and that lies in the cache."""
    draft = cache.parent / "draft"
    draft.write_bytes(b"classes")
    archive = ClassArchive(java, class_path, cache)
    archive.keep(draft)
    return archive


def test_the_first_start_makes_it_and_the_next_ones_use_it(java: Path, cache: Path) -> None:
    first = kept(java, cache)
    assert first.to_be_made
    assert not first.used()
    (file,) = cache.iterdir()
    then = ClassArchive(java, "a.jar", cache)
    assert not then.to_be_made
    assert f"-XX:SharedArchiveFile={file}" in then.used()


def test_a_damaged_one_is_made_again(java: Path, cache: Path) -> None:
    kept(java, cache)
    (file,) = cache.iterdir()
    file.write_bytes(b"damaged")
    assert ClassArchive(java, "a.jar", cache).to_be_made
    assert not file.exists()


def test_other_jars_or_another_java_have_their_own(java: Path, cache: Path) -> None:
    kept(java, cache)
    assert ClassArchive(java, "b.jar", cache).to_be_made
    os.utime(java, (1, 1))
    assert ClassArchive(java, "a.jar", cache).to_be_made


def test_a_java_that_was_killed_has_written_none(java: Path, cache: Path) -> None:
    ClassArchive(java, "a.jar", cache).keep(cache / "nothing")
    assert not list(cache.iterdir())


def test_a_java_without_its_own_archive_is_not_asked_for_one(java: Path, cache: Path) -> None:
    (java.parent.parent / "lib" / "server" / "classes.jsa").unlink()
    assert not ClassArchive(java, "a.jar", cache).to_be_made


def test_a_cache_that_cannot_be_written_costs_nothing_but_time(java: Path, cache: Path) -> None:
    cache.rmdir()
    kept(java, cache)

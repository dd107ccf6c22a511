"""Which tests stay together in one process of a run: all of a module, because its fixtures are made once for them.

Modules may name one group, and then are together as well. What is long and needs no Kafka is spread test by test.
xdist's own groups are lost without a word with pytest 9.2 (pytest-xdist 1386): here the processes write down the group
of each test, and whoever gives out the tests reads it.
"""

import json
import os
import tempfile
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import pytest
from xdist.scheduler import LoadScopeScheduling  # type: ignore[import-untyped]

FILE = "file_of_groups"


def module_of(item: pytest.Item) -> str:
    """The file that a test is in."""
    return item.nodeid.partition("::")[0]


def group_of(item: pytest.Item) -> str:
    """What it is kept together with."""
    named = item.get_closest_marker("xdist_group")
    if named:
        return str(named.args[0])
    alone = item.get_closest_marker("long") and not item.get_closest_marker("kafka")
    return item.nodeid if alone else module_of(item)


def write(path: Path, items: Iterable[pytest.Item]) -> None:
    """Note the group of each test, in one step: every process of a run writes the same."""
    with tempfile.NamedTemporaryFile("w", dir=path.parent, delete=False) as file:
        json.dump({item.nodeid: group_of(item) for item in items}, file)
    os.replace(file.name, path)


class ByGroup(LoadScopeScheduling):  # type: ignore[misc]  # xdist's scheduler is given out untyped
    """Gives out group by group."""

    def __init__(self, config: pytest.Config, log: Any, path: Path) -> None:
        super().__init__(config, log)
        self._path = path
        self._groups: Mapping[str, str] = {}

    def _split_scope(self, nodeid: str) -> str:
        self._groups = self._groups or json.loads(self._path.read_text())
        return self._groups[nodeid]


class Groups:
    """Where the run is ruled from: tells each process where to write, and the scheduler where to read."""

    def __init__(self) -> None:
        self._folder = tempfile.TemporaryDirectory(prefix="meldingsvakt-groups-")
        self._path = Path(self._folder.name) / "groups.json"

    @pytest.hookimpl(optionalhook=True)
    def pytest_configure_node(self, node: Any) -> None:
        """A process is about to be started."""
        node.workerinput[FILE] = str(self._path)

    @pytest.hookimpl(optionalhook=True)
    def pytest_xdist_make_scheduler(self, config: pytest.Config, log: Any) -> ByGroup:
        """Who gives out the tests."""
        return ByGroup(config, log, self._path)

    def pytest_unconfigure(self) -> None:
        """It is over."""
        self._folder.cleanup()

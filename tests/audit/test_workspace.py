"""An audit that is interrupted goes on where it was; its result is written whole or not at all."""

import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from streams.audit import run as audit_module
from streams.audit.judge import pool
from streams.audit.load import load
from streams.audit.load.join import bring_together
from streams.audit.load.lines import Taking
from streams.audit.load.load import read_file
from streams.audit.result import folder as result_folder
from streams.audit.result.rollup import tell
from streams.errors import ConfigurationError
from tests.audit.exports import incident, write
from tests.audit.running import Result, audit
from tests.examples import first


class Broken(Exception):
    """Something that nobody expected."""


@pytest.fixture
def files(tmp_path: Path) -> dict[str, Path]:
    return write(tmp_path, "ndjson")


@pytest.fixture(scope="module", autouse=True)
def small_ranges() -> Iterator[None]:
    """Several ranges, judged in this process."""

    def here(task: pool.Task, ranges: Any, done: Callable[[], None]) -> None:
        for one in ranges:
            pool.judge_all(task, [one], done)

    with pytest.MonkeyPatch.context() as changed:
        changed.setattr(audit_module, "REPORTS_A_RANGE", 300)
        changed.setattr(audit_module, "judge_all", here)
        yield


@pytest.fixture(scope="module")
def wanted(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """The verdicts of an audit that nothing interrupts."""
    folder = tmp_path_factory.mktemp("whole")
    return verdicts(whole(folder, write(folder, "ndjson")))


def whole(folder: Path, files: dict[str, Path]) -> Result:
    return audit(folder, "--all-receivers", **files)


def verdicts(result: Result) -> Any:
    return result.verdicts("status", "reason", "missing_event_id", "stored_at", "flags")


def breaking(times: int, at: Callable[..., Any]) -> Callable[..., Any]:
    """`at`, which works a few times and then breaks."""
    left = [times]

    def broken(*given: Any, **named: Any) -> Any:
        left[0] -= 1
        if left[0] < 0:
            raise Broken
        return at(*given, **named)

    return broken


@pytest.mark.parametrize(
    ("module", "name", "times"),
    first(3, [
        (load, "read_file", 0), (audit_module, "bring_together", 0), (pool, "judge_range", 3),
        (audit_module, "read_file", 2), (audit_module, "stretches", 1), (audit_module, "tell", 0),
        (result_folder, "page", 1),
    ]),
)  # fmt: skip
def test_wherever_it_ends_the_next_run_goes_on_to_the_same_result(
    tmp_path: Path, files: dict[str, Path], wanted: Any, monkeypatch: pytest.MonkeyPatch,
    module: Any, name: str, times: int,
) -> None:  # fmt: skip
    broken_folder = tmp_path / "broken"
    broken_folder.mkdir()
    at = audit_module if module is load else module
    with monkeypatch.context() as broken:
        broken.setattr(at, name, breaking(times, getattr(at, name)))
        with pytest.raises(Broken):
            whole(broken_folder, files)
    assert [path.name for path in broken_folder.iterdir() if path.is_dir()] == ["result.work"]
    read: list[str] = []
    monkeypatch.setattr(audit_module, "read_file", _noting(read, read_file))
    assert verdicts(whole(broken_folder, files)) == wanted
    assert read == ["sent.ndjson", "receipt.ndjson", "stored.ndjson"]


def _noting(read: list[str], at: Callable[..., Any]) -> Callable[..., Any]:
    def noting(work: Any, number: int, file: Any, max_value_bytes: int) -> Any:
        read.append(file.name)
        return at(work, number, file, max_value_bytes)

    return noting


def test_what_has_been_read_is_not_read_again(
    tmp_path: Path, files: dict[str, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as broken:
        broken.setattr(audit_module, "bring_together", breaking(0, bring_together))
        with pytest.raises(Broken):
            whole(tmp_path, files)
    monkeypatch.setattr(load, "Taking", breaking(0, Taking))
    assert len(verdicts(whole(tmp_path, files))) == len(incident().truth)


def test_another_audit_does_not_go_on_with_this_ones_work(
    tmp_path: Path, files: dict[str, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as broken:
        broken.setattr(audit_module, "tell", breaking(0, tell))
        with pytest.raises(Broken):
            whole(tmp_path, files)
    fewer = files["sent"].read_bytes().splitlines(keepends=True)[:-100]
    files["sent"].write_bytes(b"".join(fewer))
    assert whole(tmp_path, files).summary["sent"] < len(incident().truth)


def test_a_folder_of_somebody_elses_is_not_taken_for_a_work_folder(tmp_path: Path, files: dict[str, Path]) -> None:
    (tmp_path / "result.work").mkdir()
    (tmp_path / "result.work" / "thesis.txt").write_text("mine")
    with pytest.raises(ConfigurationError, match="not an audit's work folder"):
        whole(tmp_path, files)
    assert (tmp_path / "result.work" / "thesis.txt").read_text() == "mine"


@pytest.mark.alone
def test_an_interrupt_is_one_sentence_and_leaves_nothing_running(tmp_path: Path, files: dict[str, Path]) -> None:
    slow = (
        "import signal, sys, time; from streams import cli; from streams.audit.judge import pool\n"
        "def judge_range(*given): print('judging', file=sys.stderr, flush=True); time.sleep(60)\n"
        # Whoever runs the tests in the background may have told them to ignore it.
        "signal.signal(signal.SIGINT, signal.default_int_handler); pool.judge_range = judge_range; cli.main()"
    )
    given = [argument for option, path in files.items() for argument in (f"--{option}", str(path))]
    command = [sys.executable, "-c", slow, "audit", *given, "--out", str(tmp_path / "result")]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr is not None
        assert process.stderr.readline() == "judging\n"
        process.send_signal(signal.SIGINT)
        began = time.monotonic()
        said = process.stderr.read()
        assert process.wait(10) == 130, said
    assert time.monotonic() - began < 10
    assert said.startswith("Interrupted: the same command goes on with what ")
    assert len(said.splitlines()) == 1
    assert not (tmp_path / "result").exists()

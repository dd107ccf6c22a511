"""A result is written whole or not at all."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from streams.audit.result import files, folder
from streams.audit.result.folder import Options, ensure_writable, write_result
from streams.errors import ConfigurationError
from tests.audit.result.stock import audited, few, verdict

KILLED = """
import os, signal
from pathlib import Path
from streams.audit.result import files, folder
from tests.audit.result.stock import few
real = files._write
def killed_at_the_books(path, *rows, **more):
    if path.stem == "books":
        os.kill(os.getpid(), signal.SIGKILL)
    real(path, *rows, **more)
files._write = killed_at_the_books
folder.write_result(few(), Path(os.sys.argv[1]), options=folder.Options())
"""


@pytest.mark.parametrize("kind", ["folder", "file", "dangling link"])
def test_what_exists_is_never_written_over(tmp_path: Path, kind: str) -> None:
    out = tmp_path / "result"
    if kind == "folder":
        out.mkdir()
    elif kind == "file":
        out.write_text("mine")
    else:
        out.symlink_to(tmp_path / "nowhere")
    with pytest.raises(ConfigurationError, match="exists already"):
        ensure_writable(out)
    with pytest.raises(ConfigurationError, match="exists already"):
        write_result(few(), out, options=Options())
    assert [path.name for path in tmp_path.iterdir()] == ["result"]


def test_a_folder_that_is_not_there_is_said_before_anything_is_read(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="There is no folder"):
        ensure_writable(tmp_path / "nowhere" / "result")


def test_an_error_leaves_nothing_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise OSError(28, os.strerror(28))

    monkeypatch.setattr(files, "write_lists", full)
    with pytest.raises(ConfigurationError, match="No space left on device"):
        write_result(few(), tmp_path / "result", options=Options())
    assert list(tmp_path.iterdir()) == []


def test_an_interrupt_leaves_nothing_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(files, "write_lists", interrupted)
    with pytest.raises(KeyboardInterrupt):
        write_result(few(), tmp_path / "result", options=Options())
    assert list(tmp_path.iterdir()) == []


def test_a_killed_process_leaves_nothing_under_the_results_name(tmp_path: Path) -> None:
    ended = subprocess.run([sys.executable, "-c", KILLED, tmp_path / "result"], check=False)
    assert ended.returncode == -9
    assert not (tmp_path / "result").exists()
    (left,) = tmp_path.iterdir()
    assert left.name.startswith(".result.partial-")
    write_result(few(), tmp_path / "result", options=Options())
    assert (tmp_path / "result" / "reports.parquet").exists()


def test_somebody_who_was_faster_keeps_what_is_theirs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    out = tmp_path / "result"
    monkeypatch.setattr(folder, "_settle", lambda _: out.mkdir())
    with pytest.raises(ConfigurationError, match="exists already"):
        write_result(few(), out, options=Options())
    assert list(out.iterdir()) == []
    assert list(tmp_path.iterdir()) == [out]


def test_single_receivers_and_open_publication_exclude_each_other(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="choose one of the two"):
        write_result(few(), tmp_path / "result", options=Options(per_receiver=True, suppress_small=True))


def test_a_folder_with_a_quote_in_its_name_is_a_folder(tmp_path: Path) -> None:
    out = tmp_path / "it's; DROP TABLE verdicts"
    write_result(audited([verdict(1)]), out, options=Options())
    assert (out / "reports.parquet").stat().st_size > 0

"""A result is written whole or not at all."""

import os
import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import duckdb

from streams.audit.result import files
from streams.audit.result.numbers import shown
from streams.audit.result.page import NOTHING, checks, page
from streams.audit.result.sentences import FILES
from streams.audit.result.summary import as_json
from streams.audit.schema import Audited
from streams.errors import ConfigurationError
from streams.presentation.words import LANGUAGES


class Options(NamedTuple):
    """What the result is to contain. `suppress_small`: for open publication, without single reports."""

    per_receiver: bool = False
    suppress_small: bool = False
    top_candidates: int = 5


def ensure_writable(out: Path) -> None:
    """Raises ConfigurationError where the result could not be written, before anything is read."""
    if os.path.lexists(out):
        raise ConfigurationError(
            f"{out} exists already: give the result a folder that does not, or move that one away."
        )
    parent = out.absolute().parent
    if not parent.is_dir():
        raise ConfigurationError(f"There is no folder {parent} to put the result in: make it, or choose another.")
    if not os.access(parent, os.W_OK | os.X_OK):
        raise ConfigurationError(f"Nothing can be written into {parent}: choose another folder for the result.")


def write_result(audited: Audited, out: Path, *, options: Options) -> None:
    """Write the result's files into the new folder `out`. Raises ConfigurationError where it cannot be written."""
    ensure_writable(out)
    if options.per_receiver and options.suppress_small:
        raise ConfigurationError(
            "A result with small numbers suppressed has no files of single receivers: choose one of the two."
        )
    with _whole(out) as folder:
        _write(audited, folder, options)


def _write(audited: Audited, folder: Path, options: Options) -> None:
    found = shown(audited, suppress_small=options.suppress_small)
    to_check = NOTHING if options.suppress_small else checks(audited.connection, options.top_candidates)
    for language in LANGUAGES:
        text = page(language, found, to_check, per_receiver=options.per_receiver)
        (folder / FILES[language]).write_text(text, encoding="utf-8")
    (folder / "summary.json").write_bytes(as_json(found.summary))
    if options.suppress_small:
        files.write_books(folder, found.tables["receivers"])
        return
    files.write_lists(audited, folder, options.top_candidates)
    if options.per_receiver:
        files.write_receivers(audited.connection, folder / "receivers")


@contextmanager
def _whole(out: Path) -> Iterator[Path]:
    """A folder beside `out` that becomes it at the end. What a killed process leaves behind never has its name."""
    partial = out.absolute().parent / f".{out.name}.partial-{secrets.token_hex(4)}"
    try:
        partial.mkdir()
        yield partial
        _settle(partial)
        ensure_writable(out)
        partial.rename(out)
    except (OSError, duckdb.IOException) as error:
        why = error.strerror if isinstance(error, OSError) and error.strerror else type(error).__name__
        raise ConfigurationError(
            f"The result cannot be written to {out} ({why}): make room or choose another folder."
        ) from None
    finally:
        shutil.rmtree(partial, ignore_errors=True)


def _settle(folder: Path) -> None:
    """Have everything on the disk before it gets its name, so that a power cut leaves no half of it."""
    for path in [*folder.rglob("*"), folder]:
        handle = os.open(path, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)

"""The work folder: what an audit has read and judged so far, so that one that was interrupted goes on."""

import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path
from typing import Any

import duckdb
import orjson

from streams.audit.arrow import NO_REPLACEMENTS
from streams.audit.facts import TABLES
from streams.errors import ConfigurationError

VERSION = 1
MEMORY = "1500MB"
_TABLES = TABLES + "CREATE TABLE stages (name VARCHAR, found VARCHAR);"


class Work:
    """A folder with a database and the verdicts. `about`: all that decides the result; another audit begins anew."""

    def __init__(self, folder: Path, about: Any) -> None:
        self.folder = folder
        self.database = folder / "work.duckdb"
        self.verdicts = folder / "verdicts"
        self._mark = folder / "audit.json"
        self._about = sha256(orjson.dumps([VERSION, about], option=orjson.OPT_SORT_KEYS, default=str)).hexdigest()
        self.connection: duckdb.DuckDBPyConnection

    def open(self) -> bool:
        """Open the folder; True if it goes on with what an interrupted run of the same audit left.

        Raises ConfigurationError for a folder that is none of ours.
        """
        going_on = self._mark.exists() and orjson.loads(self._mark.read_bytes()).get("about") == self._about
        if self.folder.exists() and not going_on:
            if any(self.folder.iterdir()) and not self._mark.exists():
                raise ConfigurationError(
                    f"{self.folder} is not an audit's work folder: move it away or choose another --out."
                )
            shutil.rmtree(self.folder)
        self.verdicts.mkdir(parents=True, exist_ok=True)
        self._mark.write_bytes(orjson.dumps({"about": self._about}))
        fresh = not self.database.exists()
        self.connect()
        if fresh:
            with self.transaction():
                self.connection.execute(_TABLES)
        return going_on and not fresh

    def connect(self) -> None:
        """Connect to the database, which one process at a time may write to.

        Raises ConfigurationError where another one has it.
        """
        config: dict[str, Any] = {"memory_limit": MEMORY, "temp_directory": str(self.folder / "temp")} | NO_REPLACEMENTS
        try:
            self.connection = duckdb.connect(str(self.database), config=config)
        except duckdb.IOException:
            raise ConfigurationError(
                f"The work folder {self.folder} is in use by another audit: wait for it or choose another --out."
            ) from None
        self.connection.execute("SET enable_progress_bar = false; SET TimeZone = 'UTC'")

    def close(self) -> None:
        """Let go of the database."""
        self.connection.close()

    def remove(self) -> None:
        """The result is written: nothing of this is needed any more."""
        self.close()
        shutil.rmtree(self.folder)

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """All or nothing."""
        self.connection.execute("BEGIN")
        try:
            yield
        except BaseException:
            self.connection.execute("ROLLBACK")
            raise
        self.connection.execute("COMMIT")

    def found(self, stage: str) -> Any:
        """What a stage that is done has found; None if it is not done."""
        row = self.connection.execute("SELECT found FROM stages WHERE name = ?", [stage]).fetchone()
        return None if row is None else orjson.loads(row[0])

    @contextmanager
    def stage(self, name: str) -> Iterator[Callable[[Any], None]]:
        """Do a stage: what it writes and what it says that it has found is kept together, or neither."""
        found: list[Any] = []
        with self.transaction():
            yield found.append
            self.connection.execute(
                "INSERT INTO stages VALUES (?, ?)", [name, orjson.dumps(found[0] if found else True).decode()]
            )

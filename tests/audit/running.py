"""Audits as whoever runs the command sees them."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import duckdb
import orjson
from typer.testing import CliRunner

from streams.cli import app
from tests.audit.histories import POLICY_TOML


class Result(NamedTuple):
    """The folder of a result."""

    folder: Path

    @property
    def summary(self) -> dict[str, Any]:
        """The answer in numbers."""
        found: dict[str, Any] = orjson.loads((self.folder / "summary.json").read_bytes())
        return found

    def verdicts(self, *columns: str) -> dict[str, tuple[Any, ...]]:
        """Columns of the verdicts, by report id."""
        listed = ", ".join(("report_id", *columns))
        with duckdb.connect() as connection:
            rows = connection.sql(f"SELECT {listed} FROM read_parquet('{self.folder}/reports.parquet')").fetchall()
        return {row[0]: row[1:] for row in rows}

    def lines(self, name: str) -> list[dict[str, str]]:
        """The lines of one of its CSV files."""
        with duckdb.connect() as connection:
            found = connection.sql(
                f"FROM read_csv('{self.folder}/{name}.csv', all_varchar = true, delim = ';', header = true)"
            )
            rows: list[dict[str, str]] = found.to_arrow_table().to_pylist()
        return rows


def audit(folder: Path, *arguments: str | Path, **files: Path | Sequence[Path]) -> Result:
    """Run an audit of files by kind, with the histories' policy unless another is given; what is raised is raised."""
    out = folder / "result"
    given = [str(argument) for argument in arguments]
    for option, named in files.items():
        for path in [named] if isinstance(named, Path) else named:
            given += [f"--{option.replace('_', '-')}", str(path)]
    if "--policy" not in given:
        policy = folder / "policy.toml"
        policy.write_text(POLICY_TOML, encoding="utf-8")
        given += ["--policy", str(policy)]
    CliRunner().invoke(app, ["audit", *given, "--out", str(out)], catch_exceptions=False)
    return Result(out)

"""How far an audit is: a bar with rows and time left on a terminal, nothing where there is none."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import NamedTuple

from rich.progress import (
    BarColumn,
    Progress,
    TaskID,
    TaskProgressColumn,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)

from streams.console import messages


class ProgressStep(NamedTuple):
    """One step's bar."""

    progress: Progress
    task: TaskID

    def to(self, done: float, rows: int) -> None:
        """So much is done (0 to 1), so many rows."""
        self.progress.update(self.task, completed=done, rows=f"{rows:,} rows".replace(",", " "))


@contextmanager
def step(name: str, *, known: bool = True) -> Iterator[ProgressStep]:
    """A step that says how far it is; one of which that is not `known` says for how long it has been at it."""
    columns = (
        TextColumn("{task.description:<24}"), BarColumn(), TaskProgressColumn(),
        TextColumn("{task.fields[rows]:>17}"), TimeElapsedColumn(), TextColumn("left"), TimeRemainingColumn(),
    )  # fmt: skip
    with Progress(*columns, console=messages, disable=not messages.is_terminal) as progress:
        made = ProgressStep(progress, progress.add_task(name, total=1.0 if known else None, rows=""))
        yield made
        progress.update(made.task, total=1.0, completed=1.0)

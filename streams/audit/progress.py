"""How far an audit is: a bar with rows and time left on a terminal, nothing where there is none."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import NamedTuple

from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from streams.console import messages


class Step(NamedTuple):
    """One step's bar."""

    progress: Progress
    task: TaskID

    def to(self, done: float, rows: int) -> None:
        """So much is done (0 to 1), so many rows."""
        self.progress.update(self.task, completed=done, rows=f"{rows:,}".replace(",", " "))


@contextmanager
def step(name: str) -> Iterator[Step]:
    """A step that says how far it is."""
    columns = (
        TextColumn("{task.description:<24}"), BarColumn(), TextColumn("{task.percentage:>3.0f} %"),
        TextColumn("{task.fields[rows]:>14} rows"), TimeElapsedColumn(), TextColumn("left"), TimeRemainingColumn(),
    )  # fmt: skip
    with Progress(*columns, console=messages, disable=not messages.is_terminal) as progress:
        made = Step(progress, progress.add_task(name, total=1.0, rows=""))
        yield made
        progress.update(made.task, completed=1.0)

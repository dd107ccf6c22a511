"""Many worlds one after the other."""

import shutil
from pathlib import Path
from typing import NamedTuple

from tests.audit.damage.play import play


class Told(NamedTuple):
    """How many lines were damaged, how many of their reports were told all the same, what was wrong; the next seed."""

    damaged: int
    kept: int
    wrong: list[str]
    next_seed: int


def several(folder: Path, seed: int, *, damaged: int, most: int, reports: int) -> Told:
    """Play worlds until so many lines are damaged, or so many worlds are played, or something is wrong."""
    done = kept = 0
    for number in range(most):
        played = play(folder / str(number), seed + number, reports)
        done, kept = done + played.damaged, kept + played.kept
        shutil.rmtree(folder / str(number))
        if played.wrong or done >= damaged:
            return Told(done, kept, played.wrong, seed + number + 1)
    return Told(done, kept, [], seed + most)

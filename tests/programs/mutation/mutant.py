"""A mutant: one change of the source, and what the tests made of it."""

from typing import NamedTuple

KILLED, TIMEOUT, SURVIVED = "killed", "timeout", "survived"


class Mutant(NamedTuple):
    """`function` is empty at module level; `line` and `mutant` are what stands there before and after."""

    module: str
    function: str
    line: str
    mutant: str
    outcome: str | None  # None: not tried yet
    name: str = ""  # mutmut's own

    @property
    def identity(self) -> tuple[str, str, str, str]:
        """What stays the same when code elsewhere changes."""
        return self[:4]

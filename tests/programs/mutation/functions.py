"""The mutants of functions: made and tried by mutmut, read back from what it leaves behind."""

import ast
import difflib
import json
import re
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from tests.programs.mutation.mutant import KILLED, SURVIVED, TIMEOUT, Mutant

INTERRUPTED = 2
OUTCOMES: dict[int | None, str] = {0: SURVIVED, 1: KILLED, 3: KILLED, **dict.fromkeys((-24, 24, 36, 152, 255), TIMEOUT)}
MANGLED = re.compile(r"x(?:ǁ(?P<owner>\w+?)ǁ|_)(?P<name>\w+?)__mutmut_(?P<number>orig|\d+)")


def run(tree: Path, modules: Sequence[str], *, survivors: bool) -> None:
    """Let mutmut try what it has not tried yet; survivors too, if they are to be tried again."""
    chosen = [f"{module}.*" for module in modules]
    known = read(tree, modules)
    if known:
        chosen = [m.name for m in known if m.outcome is None or (survivors and m.outcome == SURVIVED)]
    if survivors:
        (tree / "mutants/mutmut-stats.json").unlink(missing_ok=True)
    if chosen:
        command = [str(Path(sys.executable).parent / "mutmut"), "run", "--max-children", "1", *chosen]
        subprocess.run(command, cwd=tree, check=True)


def read(tree: Path, modules: Sequence[str]) -> list[Mutant]:
    """Every mutant that mutmut has made of these modules, in the order of the source."""
    return [mutant for module in modules for mutant in _mutants(tree / "mutants", module)]


def _mutants(root: Path, module: str) -> list[Mutant]:
    source = root / (module.replace(".", "/") + ".py")
    meta = source.with_name(source.name + ".meta")
    if not meta.exists():
        return []
    exit_codes: dict[str, int | None] = json.loads(meta.read_text(encoding="utf-8"))["exit_code_by_key"]
    bodies = _functions(source.read_text(encoding="utf-8"))
    found = []
    for name, code in exit_codes.items():
        mangled = name.removeprefix(f"{module}.")
        match = MANGLED.fullmatch(mangled)
        assert match, f"mutmut names its mutants in a new way: {name}"
        original = bodies[mangled.removesuffix(match["number"]) + "orig"]
        before, after = _difference(original, bodies[mangled])
        function = f"{match['owner']}.{match['name']}" if match["owner"] else match["name"]
        # What was interrupted is tried again; whatever is not known for certain to be caught, counts as survived.
        outcome = None if code in {None, INTERRUPTED} else OUTCOMES.get(code, SURVIVED)
        found.append(Mutant(module, function, before, after, outcome, name))
    return found


def _functions(text: str) -> dict[str, str]:
    """The text of every generated function, under its plain name again."""
    lines = text.splitlines()
    return {
        node.name: MANGLED.sub(r"\g<name>", "\n".join(lines[node.lineno - 1 : node.end_lineno]))
        for node in ast.walk(ast.parse(text))
        if isinstance(node, ast.FunctionDef)
    }


def _difference(before: str, after: str) -> tuple[str, str]:
    """The lines that differ, without their indentation."""
    changed = list(difflib.ndiff(before.splitlines(), after.splitlines()))
    taken, given = ([line[2:].strip() for line in changed if line.startswith(sign)] for sign in ("- ", "+ "))
    return " ".join(taken), " ".join(given)

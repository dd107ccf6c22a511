"""The mutants of what stands outside of functions: constants, enum values, defaults, tables."""

import ast
import json
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from tests.programs.mutation.mutant import KILLED, SURVIVED, TIMEOUT, Mutant

TIMEOUT_SECONDS = 300
PYTEST = ("-m", "pytest", "-q", "-x", "-p", "no:cacheprovider", "--no-header", "--tb=no", "tests/core")


class Change(NamedTuple):
    """Other text for one node."""

    owner: str  # the class, empty at module level
    node: ast.expr
    text: str


def run(tree: Path, modules: Sequence[str], *, survivors: bool) -> None:
    """Try what has not been tried yet; survivors too, if they are to be tried again."""
    outcomes = _load(tree)
    for module in modules:
        path = tree / (module.replace(".", "/") + ".py")
        original = path.read_text(encoding="utf-8")
        for name, mutated, _ in _mutations(module, original):
            if name in outcomes and not (survivors and outcomes[name] == SURVIVED):
                continue
            path.write_text(mutated, encoding="utf-8")
            try:
                outcomes[name] = _try(tree)
            finally:
                path.write_text(original, encoding="utf-8")
            print(f"{outcomes[name]:8}  {name}", flush=True)
            (tree / "outcomes.json").write_text(json.dumps(outcomes, indent=1), encoding="utf-8")


def read(tree: Path, modules: Sequence[str]) -> list[Mutant]:
    """Every mutant of these modules, in the order of the source."""
    outcomes, found = _load(tree), []
    for module in modules:
        original = (tree / (module.replace(".", "/") + ".py")).read_text(encoding="utf-8")
        for name, _, mutant in _mutations(module, original):
            found.append(mutant._replace(outcome=outcomes.get(name), name=name))
    return found


def check(tree: Path) -> None:
    """Without any change the tests must pass: otherwise every mutant would seem to be killed."""
    if _try(tree) != SURVIVED:
        sys.exit("The tests of the core fail without any mutant: run pytest tests/core first.")


def _try(tree: Path) -> str:
    command = [sys.executable, "-B", *PYTEST]
    try:
        done = subprocess.run(command, cwd=tree, check=False, timeout=TIMEOUT_SECONDS, capture_output=True)
    except subprocess.TimeoutExpired:
        return TIMEOUT
    # A module or a test that can no longer be imported (2, 4) is noticed as surely as a test that fails.
    return SURVIVED if done.returncode == 0 else KILLED


def _load(tree: Path) -> dict[str, str]:
    path = tree / "outcomes.json"
    loaded: dict[str, str] = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
    return loaded


def _mutations(module: str, original: str) -> Iterator[tuple[str, str, Mutant]]:
    """Each mutant's name, the module's text with it, and what it is."""
    lines = original.encode().splitlines(keepends=True)
    starts = [sum(map(len, lines[:number])) for number in range(len(lines))]
    seen = {original}
    for owner, node, text in _changes("", ast.parse(original).body):
        assert node.end_lineno is not None
        assert node.end_col_offset is not None
        begin = starts[node.lineno - 1] + node.col_offset
        end = starts[node.end_lineno - 1] + node.end_col_offset
        mutated = (original.encode()[:begin] + text.encode() + original.encode()[end:]).decode()
        if mutated in seen:
            continue
        seen.add(mutated)
        first, last = node.lineno - 1, node.end_lineno
        grown = len(mutated.splitlines()) - len(lines)
        before = " ".join(line.strip() for line in original.splitlines()[first:last])
        after = " ".join(line.strip() for line in mutated.splitlines()[first : last + grown])
        name = f"{module}:{node.lineno}:{node.col_offset}: {after}"
        yield name, mutated, Mutant(module, owner, before, after, None)


def _changes(owner: str, body: Sequence[ast.stmt]) -> Iterator[Change]:
    for statement in body:
        if isinstance(statement, ast.ClassDef):
            yield from _changes(statement.name, statement.body)
        elif isinstance(statement, ast.Assign | ast.AnnAssign) and not _is_type(statement.value):
            assert statement.value is not None
            yield from _values(owner, statement.value)


def _is_type(value: ast.expr | None) -> bool:
    return value is None or (isinstance(value, ast.BinOp) and isinstance(value.op, ast.BitOr))


def _values(owner: str, value: ast.expr) -> Iterator[Change]:
    """A value becomes None; inside it each constant becomes another, each argument and element goes."""
    if not isinstance(value, ast.Constant):
        yield Change(owner, value, "None")
    for node in ast.walk(value):
        if isinstance(node, ast.Constant):
            yield Change(owner, node, _other(node.value))
        elif isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add | ast.Sub):
            sign = "-" if isinstance(node.op, ast.Add) else "+"
            yield Change(owner, node, f"{ast.unparse(node.left)} {sign} {ast.unparse(node.right)}")
        elif isinstance(node, ast.expr):
            for fewer in _fewer(node):
                yield Change(owner, node, fewer)


def _other(constant: object) -> str:
    if constant is None:
        return '""'
    if isinstance(constant, bool):
        return str(not constant)
    return repr(constant + 1 if isinstance(constant, int | float) else f"XX{constant}XX")


def _fewer(node: ast.expr) -> Iterator[str]:
    """The same collection or call with one part less."""
    for field in ("args", "keywords", "elts", "keys"):
        parts = getattr(node, field, [])
        for number in range(len(parts)):
            copy = ast.parse(ast.unparse(node), mode="eval").body
            del getattr(copy, field)[number]
            if isinstance(copy, ast.Dict):
                del copy.values[number]
            yield ast.unparse(copy)

"""The plan of the house, held: who imports whom, one name for one thing, what raises says so."""

import ast
import re
import sys
import tomllib
from collections import defaultdict
from collections.abc import Iterator
from itertools import chain
from pathlib import Path

ROOT = Path(__file__).parents[1]
STREAMS, SCHEMAS = ROOT / "streams", ROOT / "schemas"
FILES = sorted(chain(STREAMS.rglob("*.py"), SCHEMAS.rglob("*.py")))
TREES = {path: ast.parse(path.read_text(encoding="utf-8")) for path in FILES}
# Models of what is published go by the names that are published, also where a value of the program has the same one.
PUBLISHED = {
    SCHEMAS / "inputs.py",
    SCHEMAS / "outputs.py",
    SCHEMAS / "coverage.py",
    STREAMS / "view" / "http" / "models.py",
}
COMMANDS = STREAMS / "cli"  # whose docstrings are what --help says
CLOCKS = re.compile(r"\b(now|today|utcnow|monotonic|perf_counter|time_ns)\(")
RAISES = re.compile(r"\b[Rr]aises?\b|\b[Rr]efuses?d?\b")
GUARDS = ("ensure_", "refuse_")
UNITS = {"timeout", "interval", "delay", "period", "patience", "size", "length", "age"}


def classes(path: Path) -> list[str]:
    return [node.name for node in TREES[path].body if isinstance(node, ast.ClassDef) and not node.name.startswith("_")]


def numbers(path: Path) -> Iterator[tuple[str, float]]:
    """The constants of a module that are plain numbers."""
    for node in TREES[path].body:
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name) and node.targets[0].id.isupper():
            try:
                value = eval(ast.unparse(node.value), {"__builtins__": {}})
            except Exception:  # noqa: BLE001 - no plain number
                continue
            if isinstance(value, int | float):
                yield node.targets[0].id, value


def functions(path: Path) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    """Those of the module and of its classes: not what stands within another function."""
    bodies = [TREES[path].body, *(node.body for node in TREES[path].body if isinstance(node, ast.ClassDef))]
    return (node for body in bodies for node in body if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef))


def own_raises(function: ast.FunctionDef | ast.AsyncFunctionDef) -> list[ast.Raise]:
    """What a function raises itself: not what one inside it does, nor what is asserted or abstract."""
    inner = {
        id(node) for one in ast.walk(function) if one is not function and isinstance(one, ast.FunctionDef | ast.Lambda)
        for node in ast.walk(one)
    }  # fmt: skip
    found = [node for node in ast.walk(function) if isinstance(node, ast.Raise) and id(node) not in inner]
    return [node for node in found if node.exc is not None and "AssertionError" not in ast.unparse(node.exc)]


def test_every_folder_and_module_is_on_one_floor() -> None:
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["importlinter"]
    floors = next(one for one in contracts["contracts"] if one.get("containers") == ["streams"])
    named = sorted(name.strip() for floor in floors["layers"] for name in floor.split("|"))
    found = sorted(
        path.stem for path in STREAMS.iterdir()
        if (path.suffix == ".py" and path.stem != "__init__") or (path / "__init__.py").exists()
    )  # fmt: skip
    assert named == found
    assert floors["exhaustive"] is True


def test_the_core_knows_the_standard_library_and_no_clock() -> None:
    outside = sys.stdlib_module_names - {"asyncio", "os", "pathlib", "socket", "subprocess", "threading", "time"}
    for path in (STREAMS / "core").glob("*.py"):
        for node in ast.walk(TREES[path]):
            if isinstance(node, ast.Import):
                assert {name.name.partition(".")[0] for name in node.names} <= outside, path
            elif isinstance(node, ast.ImportFrom):
                module = node.module or ""
                assert module.startswith("streams.core.") or module.partition(".")[0] in outside, (path, module)
        assert not CLOCKS.search(path.read_text(encoding="utf-8")), path


def test_no_two_public_classes_have_one_name() -> None:
    places = defaultdict(list)
    for path in FILES:
        if path not in PUBLISHED:
            for name in classes(path):
                places[name].append(path.relative_to(ROOT))
    assert {name: where for name, where in places.items() if len(where) > 1} == {}


def test_a_number_that_goes_by_one_name_is_one_number() -> None:
    found = defaultdict(set)
    for path in FILES:
        for name, value in numbers(path):
            found[name].add(value)
    assert {name: values for name, values in found.items() if len(values) > 1 and not name.startswith("_")} == {}


def test_a_constant_that_needs_a_unit_has_one() -> None:
    names = [name for path in FILES for name, _ in numbers(path)]
    assert [name for name in names if name.lower().rpartition("_")[2] in UNITS] == []


def test_what_raises_says_so() -> None:
    silent = [
        f"{path.relative_to(ROOT)}: {function.name}" for path in FILES for function in functions(path)
        if path.parent != COMMANDS and not function.decorator_list and not function.name.startswith("_")
        and own_raises(function)
        and not function.name.startswith(GUARDS) and not RAISES.search(ast.get_docstring(function) or "")
    ]  # fmt: skip
    assert silent == []


def test_what_only_looks_for_faults_is_called_so() -> None:
    """A name such as same_partitions reads as a question; what it does when the answer is no stands in its name."""
    questions = re.compile(r"^_?(same|is|has|can|may|check|verify|still|only)_")
    found = [
        f"{path.relative_to(ROOT)}: {function.name}" for path in FILES for function in functions(path)
        if questions.match(function.name) and own_raises(function)
        and (function.returns is None or ast.unparse(function.returns) == "None")
    ]  # fmt: skip
    assert found == []

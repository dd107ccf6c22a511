"""The copy of the core and its tests in which everything is changed and run."""

import ast
import hashlib
import shutil
from pathlib import Path

ROOT = Path(__file__).parents[3]
HERE = Path(__file__).parent
COPIED = ("streams/__init__.py", "streams/core", "tests/__init__.py", "tests/core")


def digest(python: str) -> str:
    """What the results depend on: sources, tests and the environment."""
    told = hashlib.sha256(python.encode())
    for path in (*sources(ROOT), HERE / "tree.toml", HERE / "profile.py", HERE / "requirements.lock"):
        told.update(path.name.encode() + b"\0" + path.read_bytes())
    return told.hexdigest()


def sources(root: Path) -> list[Path]:
    """All files that are copied."""
    found: list[Path] = []
    for name in COPIED:
        path = root / name
        found += sorted(path.rglob("*.py")) if path.is_dir() else [path]
    return found


def copy_to(tree: Path, *, properties: bool) -> None:
    """Copy what is needed; with `properties` those of the core become functions that mutmut can change."""
    for path in sources(ROOT):
        name = path.relative_to(ROOT)
        (tree / name).parent.mkdir(parents=True, exist_ok=True)
        text = path.read_text(encoding="utf-8")
        in_core = name.parts[:2] == ("streams", "core")
        (tree / name).write_text(undecorated(text) if in_core and properties else text, encoding="utf-8")
    shutil.copy(HERE / "tree.toml", tree / "pyproject.toml")
    shutil.copy(HERE / "profile.py", tree / "conftest.py")


def undecorated(text: str) -> str:
    """`@property` above a method becomes `name = property(name)` below it, which means the same."""
    lines = text.splitlines()
    properties = [
        node
        for node in ast.walk(ast.parse(text))
        if isinstance(node, ast.FunctionDef) and [ast.unparse(d) for d in node.decorator_list] == ["property"]
    ]
    for node in sorted(properties, key=lambda node: -node.lineno):
        assert node.end_lineno is not None
        lines.insert(node.end_lineno, f"{' ' * node.col_offset}{node.name} = property({node.name})")
        del lines[node.decorator_list[0].lineno - 1]
    return "\n".join(lines) + "\n"

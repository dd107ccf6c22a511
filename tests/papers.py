"""The papers of the repository, and what stands in them: tables, blocks, links, headings."""

import re
from pathlib import Path

ROOT = Path(__file__).parents[1]
# By their paths in the repository; what tools keep in hidden folders is not ours.
PAPERS = {
    str(path.relative_to(ROOT)): path.read_text(encoding="utf-8")
    for path in sorted(ROOT.rglob("*.md"))
    if not any(part.startswith(".") or part in ("node_modules", "dist") for part in path.relative_to(ROOT).parts)
}
_FENCED = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_ESCAPED = re.compile(r"[^\w\- ]")


def table(paper: str, *head: str) -> list[list[str]]:
    """The rows of the one table with that head, cell by cell. Raises ValueError if there is none, or more than one."""
    lines = PAPERS[paper].splitlines()
    [begin] = [number for number, line in enumerate(lines) if _cells(line) == list(head)]
    end = next((n for n in range(begin, len(lines)) if not lines[n].startswith("|")), len(lines))
    return [_cells(line) for line in lines[begin + 2 : end]]


def _cells(line: str) -> list[str]:
    return [cell.strip() for cell in line.strip("|").split("|")] if line.startswith("|") else []


def blocks(paper: str, language: str = "") -> list[str]:
    """The fenced blocks of a paper in one language."""
    return [text for named, text in _FENCED.findall(PAPERS[paper]) if named == language]


def prose(paper: str) -> str:
    """A paper without its fenced blocks."""
    return _FENCED.sub("", PAPERS[paper])


def quoted(text: str) -> list[str]:
    """What stands between single backticks."""
    return re.findall(r"`([^`\n]+)`", text)


def said(paper: str) -> list[str]:
    """What a paper tells to type, or names as code: between backticks, and the lines of its blocks."""
    return [*quoted(prose(paper)), *(line for _, text in _FENCED.findall(PAPERS[paper]) for line in text.splitlines())]


def links(paper: str) -> list[str]:
    """The targets of a paper's links and pictures that lead into the repository."""
    return [target for target in re.findall(r"\]\(([^)\s]+)\)", prose(paper)) if "://" not in target]


def anchors(paper: str) -> set[str]:
    """The headings of a paper, as GitHub makes anchors of them."""
    headings = re.findall(r"^#+ (.+)$", prose(paper), re.MULTILINE)
    return {_ESCAPED.sub("", heading.lower()).replace(" ", "-") for heading in headings}

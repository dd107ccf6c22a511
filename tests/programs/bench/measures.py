"""`python -m tests.programs.bench.measures`: delay, restart, idling and growth, and a page of their tables.

About half an hour on a machine that does nothing else.
"""

import subprocess
import sys
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

PAGE = Path(__file__).parent / "results" / "measures.md"
COMMANDS = {
    "delay": "From a deadline to the event that a read_committed reader sees.",
    "restart": "From kill -9 of all workers to all partitions checked again; nothing of the state was compacted.",
    "idle": "What a worker uses while nothing arrives but its own marks.",
    "growth": "Speed, memory and restore as rows, partitions and workers grow, and what the fitted model says.",
}
ARGUMENTS = {"growth": ["--write"]}
HEAD = """# Delay, restart, idling and growth

{day}, meldingsvakt {version}; made by `python -m tests.programs.bench.measures`.
"""


def page(sections: dict[str, str], day: str) -> str:
    """The page of what each command printed."""
    parts = [HEAD.format(day=day, version=version("meldingsvakt"))]
    for name, printed in sections.items():
        what = f"{COMMANDS[name]} `python -m tests.programs.bench.{name}`"
        parts.append(f"\n## {name.capitalize()}\n\n{what}\n\n{printed.strip()}\n")
    return "".join(parts)


def main() -> None:
    """Run the four and write the page. A command that fails ends it, and nothing is written."""
    printed = {
        name: subprocess.run(
            [sys.executable, "-m", f"tests.programs.bench.{name}", *ARGUMENTS.get(name, [])],
            stdout=subprocess.PIPE,
            text=True,
            check=True,
        ).stdout
        for name in COMMANDS
    }
    PAGE.write_text(page(printed, datetime.now(UTC).date().isoformat()), encoding="utf-8")
    print(PAGE)


if __name__ == "__main__":
    main()

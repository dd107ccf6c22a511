"""The bench's other environment, `.bench/venv`: what is installed there."""

import subprocess
from functools import cache

from tests.programs.bench.contender import OTHER_PYTHON


@cache
def other_version(package: str) -> str:
    """The version of a package there."""
    code = "import sys; from importlib.metadata import version; print(version(sys.argv[1]))"
    answer = subprocess.run([OTHER_PYTHON, "-c", code, package], capture_output=True, text=True, check=True)
    return answer.stdout.strip()

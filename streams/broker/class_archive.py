"""Kafka's classes as Java read and checked them once, kept for the next starts: these cost half of the CPU time."""

import hashlib
import shutil
import tempfile
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

SUFFIX = ".jsa"
# Java goes on without an archive that does not fit, and need not say so.
QUIET = "-Xlog:cds*=off"


class ClassArchive:
    """The archive of one Java and one class path, in the cache."""

    def __init__(self, java: Path, class_path: str, cache: Path) -> None:
        real = java.resolve()
        # Another Java or other jars have an archive of their own.
        of = f"{real} {real.stat().st_mtime_ns} {class_path}"
        self._cache, self._name = cache, hashlib.sha256(of.encode()).hexdigest()[:16]
        self._can_be_made = (real.parent.parent / "lib" / "server" / "classes.jsa").exists()  # what it builds upon
        self._kept = self._find()

    @property
    def to_be_made(self) -> bool:
        """True if there is none yet, and this Java can make one."""
        return self._can_be_made and self._kept is None

    def used(self) -> Sequence[str]:
        """Java's options to start with it; none where there is none."""
        return (f"-XX:SharedArchiveFile={self._kept}", QUIET) if self._kept else ()

    @staticmethod
    def written(draft: Path) -> Sequence[str]:
        """Java's options to write one at its orderly end."""
        return (f"-XX:ArchiveClassesAtExit={draft}", QUIET)

    def keep(self, draft: Path) -> None:
        """Put what Java has written into the cache, in one step; one that was killed has written nothing."""
        with suppress(OSError):  # a cache that cannot be written costs a second or two at the next start, no more
            if draft.exists():
                name = self._cache / f"{self._name}-{_digest(draft)}{SUFFIX}"
                with tempfile.NamedTemporaryFile(dir=self._cache, delete=False) as staged, draft.open("rb") as content:
                    shutil.copyfileobj(content, staged)
                Path(staged.name).replace(name)

    def _find(self) -> Path | None:
        """The file's name ends with its digest, so a damaged one is noticed and made again."""
        for file in self._cache.glob(f"{self._name}-*{SUFFIX}"):
            with suppress(OSError):
                if file.stem.endswith(_digest(file)):
                    return file
                file.unlink()
        return None


def _digest(file: Path) -> str:
    with file.open("rb") as content:
        return hashlib.file_digest(content, "sha256").hexdigest()

"""Write the lock file anew: `python -m streams.broker.pin_jars`, after changing KAFKA_VERSION."""

import hashlib
import tempfile
from pathlib import Path

from jgo.maven import Dependency, MavenContext

from streams.broker.pins import KAFKA_VERSION, LOCK_FILE

# Kafka's own archive adds the binding of its logging interface by hand, too: no artifact depends on it.
LOGGING = ("org.apache.logging.log4j", "log4j-slf4j-impl", "2.24.3")


def lines() -> list[str]:
    """Resolve Kafka and everything it needs at run time, and describe each file."""
    with tempfile.TemporaryDirectory() as staging:
        context = MavenContext(repo_cache=Path(staging), local_repos=[])
        kafka = context.project("org.apache.kafka", "kafka_2.13").at_version(KAFKA_VERSION).artifact()
        # Resolved together, the logging binding's own parent would choose Kafka's versions: it comes by itself.
        group, name, version = LOGGING
        binding = context.project(group, name).at_version(version).artifact()
        inputs, transitive = context.resolver.resolve([Dependency(kafka)])
        artifacts = [binding, *(dependency.artifact for dependency in [*inputs, *transitive])]
        return sorted(_line(artifact) for artifact in artifacts)


def _line(artifact: object) -> str:
    content = artifact.resolve().read_bytes()  # type: ignore[attr-defined]  # jgo exports no type for it
    names = (artifact.groupId, artifact.artifactId, artifact.version)  # type: ignore[attr-defined]
    return " ".join((*names, str(len(content)), hashlib.sha256(content).hexdigest()))


if __name__ == "__main__":
    header = f"# Apache Kafka {KAFKA_VERSION} and what it needs: group artifact version size sha256"
    Path(__file__).with_name(LOCK_FILE).write_text("\n".join([header, *lines(), ""]), encoding="utf-8")

"""Where the files of docker/ are, and how they are read."""

import re
from pathlib import Path
from typing import Any

import yaml

from streams.settings import KafkaSettings, Settings

ROOT = Path(__file__).parents[3]
DOCKER = ROOT / "docker"
KUBERNETES = DOCKER / "kubernetes"
SETTINGS = {f"KAFKA_{name.upper()}" for name in KafkaSettings.model_fields} | {
    f"MELDINGSVAKT_{name.upper()}" for name in Settings.model_fields
}
TAGGED = re.compile(r"^[a-z0-9./-]+:[a-z0-9._-]*[0-9]+\.[0-9]+[a-z0-9._-]*$")


def composed(name: str) -> dict[str, Any]:
    """A compose file, its anchors resolved."""
    found: dict[str, Any] = yaml.safe_load((DOCKER / name).read_text(encoding="utf-8"))
    return found


def documents(path: Path) -> list[dict[str, Any]]:
    """Every document of a YAML file."""
    return [each for each in yaml.safe_load_all(path.read_text(encoding="utf-8")) if each]


KAFKA_IMAGE: str = composed("compose.yaml")["services"]["kafka"]["image"]

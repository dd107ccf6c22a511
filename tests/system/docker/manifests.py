"""The Kubernetes files as the tests read them."""

from pathlib import Path
from typing import Any

from tests.system.docker.files import KUBERNETES, documents

STRIMZI = "kafka.strimzi.io/v1"
BASE, EXAMPLE = KUBERNETES / "base", KUBERNETES / "overlays" / "example"
HEARTBEAT = KUBERNETES / "components" / "heartbeat"
RESOURCES = [
    document
    for folder in (BASE, EXAMPLE, HEARTBEAT)
    for path in sorted(folder.glob("*.yaml"))
    if path.name != "kustomization.yaml" and path != HEARTBEAT / "worker.yaml"  # a part of one
    for document in documents(path)
]
WORKLOADS = {
    each["metadata"]["labels"]["app.kubernetes.io/component"]: each
    for each in RESOURCES
    if each["kind"] in ("StatefulSet", "Deployment")
}
PODS = {name: each["spec"]["template"]["spec"] for name, each in WORKLOADS.items()}
SETTINGS_MAP, VIEW_MAP = "meldingsvakt-settings", "meldingsvakt-view"


def kustomization(folder: Path) -> dict[str, Any]:
    """A folder's own file."""
    return documents(folder / "kustomization.yaml")[0]


def one(kind: str, name: str) -> dict[str, Any]:
    """The resource of the base that has this name."""
    return next(each for each in RESOURCES if each["kind"] == kind and each["metadata"]["name"] == name)


def literals(folder: Path, name: str = SETTINGS_MAP) -> dict[str, str]:
    """What a folder sets for all pods, or for those of a part."""
    generated = next(each for each in kustomization(folder)["configMapGenerator"] if each["name"] == name)
    return dict(each.split("=", 1) for each in generated["literals"])


def given_to(name: str) -> dict[str, str]:
    """The settings of a pod's container that are known before it runs."""
    container = PODS[name]["containers"][0]
    maps = [each["configMapRef"]["name"] for each in container["envFrom"]]
    own = {each["name"]: each["value"] for each in container["env"] if "value" in each}
    return {key: value for name in maps for key, value in literals(BASE, name).items()} | own

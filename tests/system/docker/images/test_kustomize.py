"""What kubectl makes of the Kubernetes files."""

import kubernetes_validate
import pytest
import yaml

from tests.system.docker.files import KUBERNETES
from tests.system.docker.images.stack import run


@pytest.mark.parametrize("folder", ["base", "overlays/example"])
def test_every_resource_that_kustomize_renders_is_valid(folder: str) -> None:
    rendered = list(yaml.safe_load_all(run(["kubectl", "kustomize", str(KUBERNETES / folder)])))
    assert len(rendered) > 20
    for each in rendered:
        if not each["apiVersion"].startswith("kafka.strimzi.io/"):
            kubernetes_validate.validate(each, "1.37", strict=True)


def test_the_example_changes_the_image_the_broker_and_the_policy() -> None:
    text = run(["kubectl", "kustomize", str(KUBERNETES / "overlays" / "example")])
    assert text.count("image: registry.example.org/meldingsvakt:0.1.0") == 2
    assert "KAFKA_BROKERS: kafka-kafka-bootstrap.kafka.svc:9093" in text
    assert "The policy that was decided on" in text
    assert "The organisations that were agreed on" in text
    assert "MELDINGSVAKT_VIEW_AUDIENCE: https://meldingsvakt.kommune.example/" in text


def test_the_component_gives_workers_a_heartbeat() -> None:
    text = run(["kubectl", "kustomize", str(KUBERNETES / "overlays" / "example")])
    containers = {
        each["metadata"]["name"]: each["spec"]["template"]["spec"]["containers"][0]
        for each in yaml.safe_load_all(text)
        if each["kind"] in ("StatefulSet", "Deployment")
    }
    given = {name: {each["name"] for each in container["env"]} for name, container in containers.items()}
    assert "MELDINGSVAKT_HEARTBEAT_URL" in given["meldingsvakt-worker"]
    assert "MELDINGSVAKT_INSTANCE_ID" in given["meldingsvakt-worker"]
    assert "MELDINGSVAKT_HEARTBEAT_URL" not in given["meldingsvakt-view"]

"""The Kubernetes files: valid by Kubernetes' own schemas, locked, and at one with the code."""

import re
from pathlib import Path
from typing import Any

import kubernetes_validate
import pytest
import yaml

from streams.kafka.topics import wanted_topics
from streams.policies import load_policy
from streams.settings import Settings
from tests.system.docker.files import SETTINGS
from tests.system.docker.manifests import (
    BASE,
    EXAMPLE,
    HEARTBEAT,
    PODS,
    RESOURCES,
    STRIMZI,
    VIEW_MAP,
    WORKLOADS,
    given_to,
    kustomization,
    literals,
    one,
)

# The oldest version that is still maintained, and the newest that we know.
VERSIONS = ("1.33", "1.37")


@pytest.mark.parametrize("version", VERSIONS)
def test_every_resource_is_valid(version: str) -> None:
    ours = [each for each in RESOURCES if each["apiVersion"] != STRIMZI]
    assert len({each["kind"] for each in ours}) == 6
    for each in ours:
        kubernetes_validate.validate(each, version, strict=True)


@pytest.mark.parametrize("folder", [BASE, EXAMPLE, HEARTBEAT])
def test_every_file_is_used_and_every_used_file_exists(folder: Path) -> None:
    read = kustomization(folder)
    named = {*read["resources"], *(patch["path"] for patch in read.get("patches", []))}
    named |= {name for each in read.get("configMapGenerator", []) for name in each.get("files", [])}
    assert all((folder / name).exists() for name in named)
    assert {path.name for path in folder.iterdir()} - {"kustomization.yaml"} == {n for n in named if "/" not in n}


@pytest.mark.parametrize("folder", [BASE, EXAMPLE])
def test_every_setting_exists(folder: Path) -> None:
    assert {*literals(folder), *literals(folder, VIEW_MAP)} <= SETTINGS
    for pod in PODS.values():
        assert {each["name"] for each in pod["containers"][0]["env"]} <= SETTINGS


@pytest.mark.parametrize("folder", [BASE, EXAMPLE])
def test_the_policy_is_one(folder: Path) -> None:
    load_policy(folder / "policy.toml")


@pytest.mark.parametrize("pod", PODS.values(), ids=PODS)
def test_every_pod_is_restricted(pod: dict[str, Any]) -> None:
    assert pod["automountServiceAccountToken"] is False
    assert pod["enableServiceLinks"] is False
    assert pod["securityContext"]["runAsNonRoot"] is True
    assert pod["securityContext"]["runAsUser"] == 10001
    assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    for container in pod["containers"]:
        assert container["securityContext"] == {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        }
        assert container["resources"]["limits"]["memory"]
        assert container["resources"]["requests"].keys() == {"cpu", "memory"}


@pytest.mark.parametrize("pod", PODS.values(), ids=PODS)
def test_every_pod_is_probed(pod: dict[str, Any]) -> None:
    container = pod["containers"][0]
    ports = {each["name"] for each in container["ports"]}
    for probe, path in (("startupProbe", "/livez"), ("livenessProbe", "/livez"), ("readinessProbe", "/readyz")):
        assert container[probe]["httpGet"]["path"] == path
        assert container[probe]["httpGet"]["port"] in ports


def test_the_ports_are_those_that_are_listened_on() -> None:
    settings = Settings()
    ports = {name: pod["containers"][0]["ports"][0]["containerPort"] for name, pod in PODS.items()}
    assert ports == {"worker": settings.http_port, "view": settings.view_port, "intake": settings.intake_port}


@pytest.mark.parametrize("pod", PODS.values(), ids=PODS)
def test_every_mounted_volume_exists_and_every_file_of_a_setting_lies_in_one(pod: dict[str, Any]) -> None:
    mounts = pod["containers"][0]["volumeMounts"]
    assert {each["name"] for each in mounts} == {each["name"] for each in pod["volumes"]}
    files = [value for name, value in literals(BASE).items() if name.endswith(("FILE", "POLICY"))]
    assert len(files) == 4
    for file in files:
        assert any(file.startswith(each["mountPath"] + "/") for each in mounts)


@pytest.mark.parametrize("name", PODS)
def test_log_lines_are_json(name: str) -> None:
    assert given_to(name)["MELDINGSVAKT_LOG_FORMAT"] == "json"


@pytest.mark.parametrize("name", PODS)
def test_prometheus_is_told_where_the_metrics_are(name: str) -> None:
    template = WORKLOADS[name]["spec"]["template"]
    port = template["spec"]["containers"][0]["ports"][0]["containerPort"]
    told = {"prometheus.io/scrape": "true", "prometheus.io/port": str(port), "prometheus.io/path": "/metrics"}
    assert template["metadata"]["annotations"] == told


def test_a_worker_is_the_member_of_the_group_that_its_pod_is_named_after() -> None:
    assert WORKLOADS["worker"]["kind"] == "StatefulSet"
    environment = {each["name"]: each for each in PODS["worker"]["containers"][0]["env"]}
    field = environment["MELDINGSVAKT_INSTANCE_ID"]["valueFrom"]["fieldRef"]["fieldPath"]
    assert field == "metadata.name"


def test_never_do_two_intakes_stand_side_by_side() -> None:
    """What a feed has still to deliver is remembered by the process that was told of it."""
    spec = WORKLOADS["intake"]["spec"]
    assert (spec["replicas"], spec["strategy"]) == (1, {"type": "Recreate"})


def test_a_worker_has_time_for_its_last_commit() -> None:
    assert PODS["worker"]["terminationGracePeriodSeconds"] > Settings().request_timeout.total_seconds() * 2


@pytest.mark.parametrize("name", PODS)
def test_each_pod_has_its_own_kafka_user(name: str) -> None:
    secrets = {each["secret"]["secretName"] for each in PODS[name]["volumes"] if "secret" in each}
    assert secrets == {f"meldingsvakt-{name}", "kafka-cluster-ca-cert"}
    assert one("KafkaUser", f"meldingsvakt-{name}")["spec"]["authentication"] == {"type": "tls"}


@pytest.mark.parametrize("name", WORKLOADS)
def test_what_selects_pods_finds_them(name: str) -> None:
    labels = WORKLOADS[name]["spec"]["template"]["metadata"]["labels"]
    for kind in ("Service", "PodDisruptionBudget", "NetworkPolicy"):
        for each in RESOURCES:
            spec = each.get("spec", {})
            selector = spec.get("podSelector", spec.get("selector", {}))
            wanted = selector.get("matchLabels", selector)
            if each["kind"] == kind and each["metadata"]["name"] == f"meldingsvakt-{name}":
                assert wanted.items() <= labels.items()
    assert one("PodDisruptionBudget", f"meldingsvakt-{name}")["spec"]["maxUnavailable"] == 1
    assert one("Service", f"meldingsvakt-{name}")["spec"]["ports"][0]["targetPort"] == "http"


def test_the_topics_are_those_that_the_checker_wants() -> None:
    made = {
        each["metadata"]["name"]: {
            "partitions": each["spec"]["partitions"],
            **{name: str(value).lower() for name, value in each["spec"]["config"].items() if name[0].islower()},
        }
        for each in RESOURCES
        if each["kind"] == "KafkaTopic"
    }
    settings = Settings()
    safe = {"min.insync.replicas": "2", "unclean.leader.election.enable": "false"}
    wanted = {
        topic.name: {
            "partitions": settings.partitions,
            **{name: value.lower() for name, value in (topic.required | topic.suggested | safe).items()},
        }
        for topic in wanted_topics(settings)
    }
    assert made == wanted


def test_strimzi_finds_what_is_for_it() -> None:
    theirs = [each for each in RESOURCES if each["apiVersion"] == STRIMZI]
    assert {each["kind"] for each in theirs} == {"KafkaTopic", "KafkaUser"}
    assert {each["metadata"]["labels"]["strimzi.io/cluster"] for each in theirs} == {"kafka"}
    for each in theirs:
        fields = (
            {"partitions", "replicas", "config"}
            if each["kind"] == "KafkaTopic"
            else {"authentication", "authorization"}
        )
        assert set(each["spec"]) == fields


def test_no_secret_is_among_them() -> None:
    assert "Secret" not in {each["kind"] for each in RESOURCES}
    assert not re.search("PASSWORD|TOKEN", yaml.safe_dump(RESOURCES))


def test_the_example_names_an_image_by_its_version() -> None:
    image = kustomization(EXAMPLE)["images"][0]
    assert image["name"] == PODS["worker"]["containers"][0]["image"] == PODS["view"]["containers"][0]["image"]
    assert re.fullmatch(r"\d+\.\d+\.\d+", str(image["newTag"]))

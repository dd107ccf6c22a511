"""Who gets in and what gets out: the view's tokens and the network policies of the Kubernetes files."""

from pathlib import Path
from typing import Any

import pytest

from streams.access.grants import grants_of
from streams.access.organisations import Mapping
from streams.settings import Settings
from tests.system.docker.files import SETTINGS, documents
from tests.system.docker.manifests import (
    BASE,
    EXAMPLE,
    HEARTBEAT,
    PODS,
    RESOURCES,
    WORKLOADS,
    given_to,
    kustomization,
    one,
)

INTERNAL = {"10.0.0.0/8", "100.64.0.0/10", "169.254.0.0/16", "172.16.0.0/12", "192.168.0.0/16", "fc00::/7", "fe80::/10"}


def test_the_view_listens_beyond_its_pod_because_it_asks_for_tokens(monkeypatch: pytest.MonkeyPatch) -> None:
    given = given_to("view")
    assert given["MELDINGSVAKT_VIEW_HOST"] == "0.0.0.0"
    assert given["MELDINGSVAKT_VIEW_JWKS"].startswith("https://")
    assert "MELDINGSVAKT_VIEW_UNPROTECTED" not in given
    monkeypatch.setenv("MELDINGSVAKT_VIEW_MAPPING", str(BASE / Path(given.pop("MELDINGSVAKT_VIEW_MAPPING")).name))
    for key, value in given.items():
        monkeypatch.setenv(key, value)
    grants = grants_of(Settings())
    assert grants.tokens is not None
    assert grants.mapping is not None
    assert grants.mapping.receivers_of("958935420")


def test_the_intake_listens_beyond_its_pod_because_it_asks_for_tokens(monkeypatch: pytest.MonkeyPatch) -> None:
    given = given_to("intake")
    assert given["MELDINGSVAKT_INTAKE_HOST"] == "0.0.0.0"
    assert "MELDINGSVAKT_INTAKE_UNPROTECTED" not in given
    monkeypatch.setenv("MELDINGSVAKT_VIEW_MAPPING", str(BASE / Path(given.pop("MELDINGSVAKT_VIEW_MAPPING")).name))
    for key, value in given.items():
        monkeypatch.setenv(key, value)
    grants = grants_of(Settings())
    assert grants.tokens is not None
    assert grants.mapping is not None
    names = [each for each in PODS["intake"]["containers"][0]["env"] if each["name"] == "MELDINGSVAKT_INSTANCE_ID"]
    assert names[0]["valueFrom"] == {"fieldRef": {"fieldPath": "metadata.name"}}, "two of one name end each other"


def test_the_view_finds_its_mapping_where_it_is_mounted() -> None:
    given, pod = given_to("view"), PODS["view"]
    path = Path(given["MELDINGSVAKT_VIEW_MAPPING"])
    (volume,) = (each["name"] for each in pod["containers"][0]["volumeMounts"] if each["mountPath"] == str(path.parent))
    sources = next(each["projected"]["sources"] for each in pod["volumes"] if each["name"] == volume)
    mounted = {source["configMap"]["name"] for source in sources}
    for folder in (BASE, EXAMPLE):
        made = {each["name"]: each for each in kustomization(folder)["configMapGenerator"]}
        assert made["meldingsvakt-organisations"]["files"] == [path.name]
        # Under a new name it could not be read again by a pod that runs.
        assert made["meldingsvakt-organisations"]["options"] == {"disableNameSuffixHash": True}
        assert Mapping(folder / path.name).receivers_of("958935420")
    assert mounted == {"meldingsvakt-policy", "meldingsvakt-organisations"}


def test_nothing_is_allowed_but_what_is_named() -> None:
    nothing = one("NetworkPolicy", "meldingsvakt-nothing")["spec"]
    assert nothing["policyTypes"] == ["Ingress", "Egress"]
    assert not {"ingress", "egress"} & set(nothing)
    for workload in WORKLOADS.values():
        labels = workload["spec"]["template"]["metadata"]["labels"]
        assert nothing["podSelector"]["matchLabels"].items() <= labels.items()
    for each in RESOURCES:
        if each["kind"] == "NetworkPolicy":
            for rule in each["spec"].get("egress", []) + each["spec"].get("ingress", []):
                assert rule.get("to") or rule.get("from"), each["metadata"]["name"]
                assert rule["ports"], each["metadata"]["name"]


def allowed(direction: str, component: str) -> set[tuple[str, int]]:
    """To or from whom a part's pods may speak, and by which port."""
    labels = WORKLOADS[component]["spec"]["template"]["metadata"]["labels"]
    return {
        (_peer(peer), port["port"])
        for each in RESOURCES
        # The overlay's Kafka is another one.
        if each["kind"] == "NetworkPolicy" and each not in documents(EXAMPLE / "kafka.yaml")
        if _selects(each["spec"]["podSelector"], labels)
        for rule in each["spec"].get(direction, [])
        for peer in rule["to" if direction == "egress" else "from"]
        for port in rule["ports"]
    }


def _selects(selector: dict[str, Any], labels: dict[str, str]) -> bool:
    assert {each["operator"] for each in selector.get("matchExpressions", [])} <= {"In"}
    return selector["matchLabels"].items() <= labels.items() and all(
        labels[each["key"]] in each["values"] for each in selector.get("matchExpressions", [])
    )


def _peer(peer: dict[str, Any]) -> str:
    if "ipBlock" in peer:
        return "the internet" if peer["ipBlock"]["cidr"] in ("0.0.0.0/0", "::/0") else "somewhere"
    labels = peer["podSelector"]["matchLabels"]
    return str(labels.get("app.kubernetes.io/name") or labels.get("k8s-app") or labels["strimzi.io/kind"])


def test_people_come_to_the_view_through_the_login_proxy_alone_and_prometheus_to_all() -> None:
    prometheus = {("prometheus", 8080), ("prometheus", 8081), ("prometheus", 8082)}
    assert allowed("ingress", "view") == prometheus | {("login-proxy", 8080)}
    assert allowed("ingress", "worker") == prometheus
    assert allowed("ingress", "intake") == prometheus | {("gateway", 8082)}


def test_only_keys_and_heartbeat_come_from_the_internet_and_nothing_inside_is_reached_by_the_way_to_it() -> None:
    kafka = {("Kafka", 9093), ("kube-dns", 53)}
    assert allowed("egress", "view") == kafka | {("the internet", 443)}
    assert allowed("egress", "intake") == kafka | {("the internet", 443)}
    assert allowed("egress", "worker") == kafka | {("the internet", 443)}
    outside = {
        each["metadata"]["name"]: {
            net for rule in each["spec"]["egress"] for to in rule["to"] for net in to["ipBlock"]["except"]
        }
        for each in RESOURCES
        if each["kind"] == "NetworkPolicy" and "ipBlock" in str(each)
    }
    assert outside == {"meldingsvakt-issuer": INTERNAL, "meldingsvakt-heartbeat": INTERNAL}


def test_the_heartbeat_is_a_component_that_gives_its_address_to_workers_by_a_secret() -> None:
    assert kustomization(HEARTBEAT)["kind"] == "Component"
    assert kustomization(EXAMPLE)["components"] == ["../../components/heartbeat"]
    assert not [each for each in documents(BASE / "networkpolicy.yaml") if "heartbeat" in each["metadata"]["name"]]
    (patch,) = documents(HEARTBEAT / "worker.yaml")
    assert patch["metadata"]["name"] == WORKLOADS["worker"]["metadata"]["name"]
    (container,) = patch["spec"]["template"]["spec"]["containers"]
    assert container["name"] == PODS["worker"]["containers"][0]["name"]
    (variable,) = container["env"]
    assert variable["name"] in SETTINGS
    assert "secretKeyRef" in variable["valueFrom"]

"""The rules that both compose files keep."""

import json
import re
import tomllib
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from streams.policies import load_policy
from tests.docker.files import DOCKER, SETTINGS, TAGGED, composed

SCHEMA = json.loads((Path(__file__).parent / "schema" / "compose-1.29.2.json").read_text(encoding="utf-8"))
NAMES = ("compose.yaml", "compose.secure.yaml")
PLAIN, SECURE = (composed(name)["services"] for name in NAMES)
# What the secure file adds to, and what it starts anew.
WHOLE = PLAIN | {name: service for name, service in SECURE.items() if name not in PLAIN}
OURS = [name for name, service in WHOLE.items() if service["image"].startswith("meldingsvakt:")]


@pytest.mark.parametrize("name", NAMES)
def test_compose_1_29_reads_it(name: str) -> None:
    read = {key: value for key, value in composed(name).items() if not key.startswith("x-")}
    jsonschema.Draft201909Validator(SCHEMA).validate(read)


@pytest.mark.parametrize("name", WHOLE)
def test_every_service_is_locked(name: str) -> None:
    service = WHOLE[name]
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert "no-new-privileges:true" in service["security_opt"]
    assert not service.get("privileged")
    assert {"mem_limit", "pids_limit"} <= set(service)
    if name != "certificates":  # it hands each key to its owner, without any network
        assert "cap_add" not in service
        assert "user" not in service


def test_the_job_that_makes_keys_has_no_network() -> None:
    assert SECURE["certificates"]["network_mode"] == "none"


@pytest.mark.parametrize("services", [PLAIN, SECURE])
def test_only_loopback_is_published(services: dict[str, Any]) -> None:
    ports = [port for service in services.values() for port in service.get("ports", [])]
    assert all(port.startswith("127.0.0.1:") for port in ports)


def test_kafka_and_the_workers_are_not_published_and_reach_no_internet() -> None:
    assert composed("compose.yaml")["networks"]["kafka"] == {"internal": True}
    for name in ("kafka", "topics", "worker-1", "worker-2"):
        assert PLAIN[name]["networks"] == ["kafka"]
        assert "ports" not in PLAIN[name]


@pytest.mark.parametrize("name", WHOLE)
def test_every_image_is_ours_or_pinned(name: str) -> None:
    image = WHOLE[name]["image"]
    assert image == "meldingsvakt:local" or TAGGED.match(image)


@pytest.mark.parametrize("name", OURS)
def test_every_setting_exists(name: str) -> None:
    given = {**PLAIN.get(name, {}).get("environment", {}), **SECURE.get(name, {}).get("environment", {})}
    assert {key for key in given if key.startswith(("KAFKA_", "MELDINGSVAKT_"))} <= SETTINGS


def test_no_password_stands_in_it() -> None:
    given = {
        key for services in (PLAIN, SECURE) for service in services.values() for key in service.get("environment", {})
    }
    assert not [key for key in given if re.search("PASSWORD|TOKEN|SECRET|CREDENTIAL|JAAS", key)]
    for path in DOCKER.rglob("*"):
        assert path.is_dir() or b"PRIVATE KEY--" not in path.read_bytes(), path


@pytest.mark.parametrize("services", [PLAIN, PLAIN | SECURE])
def test_what_a_service_waits_for_tells_when_it_is_there(services: dict[str, Any]) -> None:
    for service in services.values():
        for name, how in service.get("depends_on", {}).items():
            if how["condition"] == "service_healthy":
                assert "test" in WHOLE[name]["healthcheck"]
            if how["condition"] == "service_completed_successfully":
                assert "restart" not in WHOLE[name]


def test_each_key_is_mounted_by_its_owner_alone() -> None:
    mounts = {
        (volume.split(":")[0], name)
        for name, service in SECURE.items()
        for volume in service.get("volumes", [])
        if volume.startswith("secrets-") and name != "certificates"
    }
    owners = {"worker-1": "worker", "worker-2": "worker", "acls": "admin", "simulate": "simulator"}
    assert mounts == {(f"secrets-{owners.get(name, name)}", name) for _, name in mounts}
    assert {name for _, name in mounts} == {*SECURE} - {"certificates"}


def test_closed_kafka_refuses_whoever_has_no_certificate_or_no_right() -> None:
    kafka = SECURE["kafka"]["environment"]
    assert kafka["KAFKA_LISTENER_SECURITY_PROTOCOL_MAP"] == "CLIENTS:SSL,CONTROLLER:SSL"
    assert kafka["KAFKA_SSL_CLIENT_AUTH"] == "required"
    assert kafka["KAFKA_ALLOW_EVERYONE_IF_NO_ACL_FOUND"] == "false"
    assert kafka["KAFKA_AUTHORIZER_CLASS_NAME"].endswith("StandardAuthorizer")
    # The image would ask for keystores with passwords.
    assert "SSL://" not in PLAIN["kafka"]["environment"]["KAFKA_ADVERTISED_LISTENERS"]


def test_every_client_of_closed_kafka_shows_a_certificate() -> None:
    for name in set(OURS) - {"certificates"}:
        assert SECURE[name]["environment"]["KAFKA_SECURITY_PROTOCOL"] == "SSL"


@pytest.mark.parametrize("path", [DOCKER / "policy.toml", DOCKER / "kubernetes" / "base" / "policy.toml"])
def test_the_policy_is_one(path: Path) -> None:
    load_policy(path)
    assert tomllib.loads(path.read_text(encoding="utf-8"))["version"]


@pytest.mark.parametrize("services", [PLAIN, SECURE])
def test_everything_that_is_mounted_exists(services: dict[str, Any]) -> None:
    mounted = [volume for service in services.values() for volume in service.get("volumes", [])]
    own = [re.sub(r"^\$\{\w+:-(.*?)\}", r"\1", volume).split(":")[0] for volume in mounted]
    files = {name for name in own if name.startswith(".")}
    assert files
    assert all((DOCKER / name).exists() for name in files)


def test_prometheus_and_grafana_find_their_files_and_each_other() -> None:
    (configuration,) = (word for word in PLAIN["prometheus"]["command"] if word.startswith("--config.file="))
    assert (DOCKER / "prometheus" / configuration.rsplit("/", 1)[1]).exists()
    (folder,) = (v.split(":")[1] for v in PLAIN["grafana"]["volumes"] if v.startswith("./grafana/dashboards:"))
    (provider,) = composed("grafana/provisioning/dashboards/meldingsvakt.yaml")["providers"]
    assert provider["options"]["path"] == folder
    (source,) = composed("grafana/provisioning/datasources/prometheus.yaml")["datasources"]
    assert source["url"] == "http://prometheus:9090"
    targets = {
        target
        for job in composed("prometheus/prometheus.yaml")["scrape_configs"]
        for each in job["static_configs"]
        for target in each["targets"]
    }
    assert targets == {"worker-1:8081", "worker-2:8081", "view:8080"}

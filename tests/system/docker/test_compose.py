"""The rules that both compose files keep."""

import json
import re
import tomllib
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from streams.access.organisations import Mapping
from streams.access.scope import ReceiverScope
from streams.policies import load_policy
from tests.system.docker.files import DOCKER, SETTINGS, TAGGED, composed

SCHEMA = json.loads((Path(__file__).parent / "schema" / "compose-1.29.2.json").read_text(encoding="utf-8"))
NAMES = ("compose.yaml", "compose.secure.yaml")
PLAIN, SECURE = (composed(name)["services"] for name in NAMES)
# What the secure file adds to, and what it starts anew.
WHOLE = PLAIN | {name: service for name, service in SECURE.items() if name not in PLAIN}
# Jobs that hand each key to its owner, without any network.
KEY_MAKERS = {"certificates", "issuer"}
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
    if name not in KEY_MAKERS:
        assert "cap_add" not in service
        assert "user" not in service


@pytest.mark.parametrize("name", [*KEY_MAKERS, "token"])
def test_what_makes_or_uses_an_issuer_s_key_has_no_network(name: str) -> None:
    assert SECURE[name]["network_mode"] == "none"


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
        if volume.startswith("secrets-") and name not in KEY_MAKERS
    }
    owners = {
        "worker-1": "worker", "worker-2": "worker", "acls": "admin", "simulate": "simulator", "token": "issuer"
    }  # fmt: skip
    assert mounts == {(f"secrets-{owners.get(name, name)}", name) for _, name in mounts}
    assert {name for _, name in mounts} == {*SECURE} - KEY_MAKERS
    makers = {name: {v for v in SECURE[name]["volumes"] if v.startswith("secrets-issuer")} for name in KEY_MAKERS}
    assert makers == {"certificates": set(), "issuer": {"secrets-issuer:/run/issuer"}}


def test_closed_kafka_refuses_whoever_has_no_certificate_or_no_right() -> None:
    kafka = SECURE["kafka"]["environment"]
    assert kafka["KAFKA_LISTENER_SECURITY_PROTOCOL_MAP"] == "CLIENTS:SSL,CONTROLLER:SSL"
    assert kafka["KAFKA_SSL_CLIENT_AUTH"] == "required"
    assert kafka["KAFKA_ALLOW_EVERYONE_IF_NO_ACL_FOUND"] == "false"
    assert kafka["KAFKA_AUTHORIZER_CLASS_NAME"].endswith("StandardAuthorizer")
    # The image would ask for keystores with passwords.
    assert "SSL://" not in PLAIN["kafka"]["environment"]["KAFKA_ADVERTISED_LISTENERS"]


def test_every_client_of_closed_kafka_shows_a_certificate() -> None:
    for name in set(OURS) - KEY_MAKERS - {"token"}:
        assert SECURE[name]["environment"]["KAFKA_SECURITY_PROTOCOL"] == "SSL"


@pytest.mark.parametrize("part", ["view", "intake"])
def test_nobody_is_let_in_without_a_token_but_where_only_loopback_is_published(part: str) -> None:
    name = f"MELDINGSVAKT_{part.upper()}_UNPROTECTED"
    assert PLAIN[part]["environment"][name] == "true"
    assert SECURE[part]["environment"][name] == "false"
    # As bytes: what Python compiled of the image's programs lies beside them where they were imported before.
    files = [path for path in DOCKER.rglob("*") if path.is_file() and path.suffix not in {".md", ".pyc"}]
    others = [path for path in files if name.encode() in path.read_bytes()]
    assert {path.name for path in others} == set(NAMES)


@pytest.mark.parametrize("part", ["view", "intake"])
def test_the_secure_doors_ask_for_tokens_of_the_trial_issuer(part: str) -> None:
    view, token = SECURE[part], SECURE["token"]
    for setting in ("ISSUER", "AUDIENCE"):
        assert view["environment"][f"MELDINGSVAKT_VIEW_{setting}"].startswith("https://")
        assert token["environment"].items() <= view["environment"].items()
    assert "jwks:/run/jwks:ro" in view["volumes"]
    assert view["environment"]["MELDINGSVAKT_VIEW_JWKS"] == "/run/jwks/jwks.json"
    assert "jwks:/run/jwks" in SECURE["issuer"]["volumes"]
    mounted = {volume.split(":")[-2] for volume in view["volumes"]}
    assert view["environment"]["MELDINGSVAKT_VIEW_MAPPING"] in mounted


def test_the_example_of_organisations_is_a_mapping() -> None:
    mapping = Mapping(DOCKER / "secure" / "organisations.toml")
    assert mapping.receivers_of("958935420") == {ReceiverScope("0301")}


@pytest.mark.parametrize("name", ["worker-1", "worker-2", "view", "intake"])
def test_log_lines_are_json(name: str) -> None:
    assert PLAIN[name]["environment"]["MELDINGSVAKT_LOG_FORMAT"] == "json"


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
    assert targets == {"worker-1:8081", "worker-2:8081", "view:8080", "intake:8082"}

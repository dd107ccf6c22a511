"""What the ACLs allow is what the doctor says that is needed, in compose as in Kubernetes."""

import os
import subprocess
from collections import defaultdict
from itertools import pairwise
from pathlib import Path

import pytest

from streams.kafka.permissions import RIGHTS
from streams.settings import Settings
from tests.system.docker.files import DOCKER, KUBERNETES, documents

Rights = dict[str, dict[tuple[str, str, str], set[str]]]  # principal -> (kind, name, pattern) -> operations
SETTINGS = Settings()
OUTPUTS = {SETTINGS.output(name) for name in ("state", "coverage", "messages", "missing", "rejected", "access")}


def in_compose(folder: Path) -> Rights:
    """Run acls.sh with a command that only writes down how it was called."""
    recorder, record = folder / "kafka-acls", folder / "record"
    recorder.write_text(f'#!/bin/sh\necho "$@" >>{record}\n', encoding="utf-8")
    recorder.chmod(0o755)
    environment = {**os.environ, "KAFKA_ACLS": str(recorder), "BOOTSTRAP": "kafka:9092", "CLIENT": "client.properties"}
    subprocess.run(["sh", DOCKER / "secure" / "acls.sh"], env=environment, check=True, stdout=subprocess.DEVNULL)
    rights: Rights = defaultdict(lambda: defaultdict(set))
    for line in record.read_text(encoding="utf-8").splitlines():
        words = line.split()
        pairs = list(pairwise(words))
        told = {name: [value for word, value in pairs if word == name] for name in words}
        pattern = told.get("--resource-pattern-type", ["literal"])[0].removesuffix("ed")
        for option, kind in (("--topic", "topic"), ("--group", "group"), ("--transactional-id", "transactionalId")):
            for name in told.get(option, []):
                principal = told["--allow-principal"][0].removeprefix("User:")
                rights[principal][kind, name, pattern] |= set(told["--operation"])
    return rights


def in_kubernetes() -> Rights:
    """The rights of every KafkaUser, by the names that compose gives them."""
    return {
        user["metadata"]["name"].removeprefix("meldingsvakt-"): {
            (rule["resource"]["type"], rule["resource"]["name"], rule["resource"]["patternType"]): set(
                rule["operations"]
            )
            for rule in user["spec"]["authorization"]["acls"]
        }
        for user in documents(KUBERNETES / "base" / "kafkausers.yaml")
    }


@pytest.fixture(params=["compose", "kubernetes"])
def rights(request: pytest.FixtureRequest, tmp_path: Path) -> Rights:
    return in_compose(tmp_path) if request.param == "compose" else in_kubernetes()


@pytest.mark.parametrize("part", ["worker", "view", "decide", "intake"])
def test_each_part_may_do_what_it_needs_and_nothing_else(rights: Rights, part: str) -> None:
    assert rights[part] == {
        (
            "transactionalId" if right.kind == "transactional-id" else right.kind,
            right.name,
            "prefix" if right.prefixed else "literal",
        ): set(right.operations)
        for right in RIGHTS[part](SETTINGS)
    }


def test_nobody_else_may_write_state_or_fence_a_worker(rights: Rights) -> None:
    for principal in set(rights) - {"worker"}:
        for (kind, name, _), operations in rights[principal].items():
            assert kind != "transactionalId" or (principal, name) == ("intake", f"{SETTINGS.app_id}-intake-")
            if kind == "transactionalId":
                continue
            assert "Write" not in operations or name in {*SETTINGS.inputs, SETTINGS.output("access")}


def test_only_a_worker_and_no_reader_of_the_product_sees_inputs(rights: Rights) -> None:
    readers = {
        principal
        for principal, allowed in rights.items()
        for (_, name, _), operations in allowed.items()
        if name in SETTINGS.inputs and "Read" in operations
    }
    assert readers == {"worker"}


def test_each_producer_has_a_user_of_its_own(rights: Rights) -> None:
    for topic in SETTINGS.inputs:
        writers = {who for who, allowed in rights.items() if "Write" in allowed.get(("topic", topic, "literal"), ())}
        own = {SETTINGS.decisions: "decide", f"{SETTINGS.input_prefix}stored": "casesystem"}.get(topic, "portal")
        assert writers - {"simulator"} == {"worker", "intake", own}


def test_no_right_is_for_everything(rights: Rights) -> None:
    for allowed in rights.values():
        for (kind, name, pattern), operations in allowed.items():
            assert name != "*"
            assert not operations & {"All", "Alter", "AlterConfigs", "Delete", "ClusterAction"}
            assert kind != "topic" or pattern == "literal"


def test_compose_and_kubernetes_allow_the_same(tmp_path: Path) -> None:
    compose, kubernetes = in_compose(tmp_path), in_kubernetes()
    assert {name: compose[name] for name in kubernetes} == kubernetes
    # Strimzi makes the topics; the simulator is for trying.
    assert set(compose) - set(kubernetes) == {"topics", "simulator"}


def test_every_principal_gets_a_certificate_of_its_name(tmp_path: Path) -> None:
    script = (DOCKER / "secure" / "certificates.sh").read_text(encoding="utf-8")
    issued = {line.split()[1] for line in script.splitlines() if line.startswith("certificate ")}
    assert issued == {*in_compose(tmp_path), "kafka", "admin"}


def test_the_secure_stack_makes_only_topics_of_the_contract(tmp_path: Path) -> None:
    made = {name for (_, name, _), operations in in_compose(tmp_path)["topics"].items() if "Create" in operations}
    assert made == {*SETTINGS.inputs, *OUTPUTS}

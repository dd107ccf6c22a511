"""The job that makes the certificates, with the rights that compose gives it."""

from collections.abc import Iterator
from uuid import uuid4

import pytest

from tests.system.docker.files import DOCKER, composed
from tests.system.docker.images.stack import IMAGE, run

JOB = composed("compose.secure.yaml")["services"]["certificates"]
LOCKED = [
    "--read-only", "--tmpfs", "/tmp", "--network", JOB["network_mode"], "--user", JOB["user"],
    "--cap-drop", *JOB["cap_drop"], *(word for name in JOB["cap_add"] for word in ("--cap-add", name)),
    "--security-opt", *JOB["security_opt"], "-v", f"{DOCKER / 'secure'}:/secure:ro",
]  # fmt: skip


@pytest.fixture
def volume() -> Iterator[str]:
    name = f"mv-certificates-{uuid4().hex[:8]}"
    run(["docker", "volume", "create", name])
    yield name
    run(["docker", "volume", "rm", name])


def make(volume: str, days: int = 90) -> list[str]:
    """Whose certificates the job has made."""
    program, *words = JOB["entrypoint"]
    days_option = ["-e", f"CERTIFICATE_DAYS={days}", "--entrypoint", program]
    said = run(["docker", "run", "--rm", *LOCKED, "-v", f"{volume}:/secrets", *days_option, IMAGE, *words])
    return [line.removeprefix("a certificate for ").split(",")[0] for line in said.splitlines()]


def look(volume: str, script: str) -> str:
    """What a shell says that may read all of the volume."""
    return run(["docker", "run", "--rm", "-u", "0", "-v", f"{volume}:/s:ro", "--entrypoint", "sh", IMAGE, "-c", script])


def test_what_ends_soon_is_renewed_by_the_same_authority(volume: str) -> None:
    first = make(volume, days=20)
    before = look(volume, "cat /s/ca/ca.pem; cat /s/worker/tls.crt").split("-----BEGIN")
    assert make(volume) == first
    after = look(volume, "cat /s/ca/ca.pem; cat /s/worker/tls.crt").split("-----BEGIN")
    assert before[1] == after[1]
    assert before[2] != after[2]
    assert make(volume) == []


def test_each_key_is_readable_by_its_owner_alone(volume: str) -> None:
    principals = make(volume)
    modes = look(volume, "stat -c '%a %u %n' /s/*/tls.key /s/*/keystore.pem /s/ca/ca.key").splitlines()
    assert len(modes) == 2 * len(principals) + 1
    of_kafka = ("kafka", "admin", "portal", "casesystem", "consumer")
    owners = {name: "1000" if name in of_kafka else "10001" for name in principals}
    for line in modes:
        mode, owner, path = line.split()
        assert (mode, owner) == (("600", "0") if "/ca/" in path else ("400", owners[path.split("/")[2]]))


def test_every_certificate_is_the_authority_s_and_only_kafka_s_is_a_server_s(volume: str) -> None:
    principals = make(volume)
    script = "for each in /s/*/tls.crt; do openssl verify -CAfile /s/ca/ca.pem -purpose sslclient $each || exit 1; done"
    assert look(volume, script).count(": OK") == len(principals)
    servers = look(
        volume, "for e in /s/*/tls.crt; do openssl verify -CAfile /s/ca/ca.pem -purpose sslserver $e; done; true"
    )
    assert [line.split("/")[2] for line in servers.splitlines() if line.endswith(": OK")] == ["kafka"]

"""Both compose stacks, end to end: a report goes missing and is found again."""

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import jwt
import orjson
import pytest
from cryptography.hazmat.primitives.asymmetric import rsa

from tests.engine.world import sent_value, stored_value
from tests.system.docker.images.stack import BERGEN, Stack, bearer, eventually

only_secure = pytest.mark.parametrize("stack", ["secure"], indirect=True)
STACKS = {"plain": ["compose.yaml"], "secure": ["compose.yaml", "compose.secure.yaml"]}


@pytest.fixture(scope="module", params=STACKS)
def stack(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    with Stack(request.param, STACKS[request.param], tmp_path_factory.mktemp(request.param)) as stack:
        yield stack


def test_a_report_goes_missing_and_is_found_again_and_another_is_never_announced(stack: Stack) -> None:
    lost, kept = str(uuid4()), str(uuid4())
    stack.produce("sent", sent_value(lost, channel="SVARINN"), sent_value(kept))
    stack.produce("stored", stored_value(kept))
    missing = stack.wait_for(lost, "missing")
    noticed = (datetime.now(UTC) - datetime.fromisoformat(missing["alarm_at"])).total_seconds()
    print(f"missing in the view {noticed:.1f} s after its alarm_at")
    stack.produce("stored", stored_value(lost))
    stack.wait_for(lost, "recovered")
    stack.wait_for(kept, "stored")
    events = stack.announced(2)
    assert [(event["report_id"], event["type"]) for event in events] == [
        (lost, "no.meldingsvakt.report.missing.v1"),
        (lost, "no.meldingsvakt.report.recovered.v1"),
    ]
    assert events[0]["reason"] == "no_receipt"
    assert events[1]["missing_event_id"] == events[0]["event_id"]
    assert noticed < 30


def test_the_page_comes_with_all_that_it_needs(stack: Stack) -> None:
    page = stack.get("/en")
    assert page.status_code == 200
    files = re.findall(r'(?:href|src)="(/[^"]+\.(?:css|js|svg|woff2)[^"]*)"', page.text)
    assert files
    assert {stack.get(file).status_code for file in files} == {200}


def test_the_other_worker_takes_over_from_one_that_is_killed(stack: Stack) -> None:
    stack.kill("worker-1")
    lost = [str(uuid4()) for _ in range(24)]
    stack.produce("sent", *(sent_value(report_id, channel="SVARINN") for report_id in lost))
    for report_id in lost:
        stack.wait_for(report_id, "missing")
    stack.compose("start", "worker-1")


def test_every_container_is_locked(stack: Stack) -> None:
    for container in stack.containers():
        host, name = container["HostConfig"], container["Name"]
        assert host["ReadonlyRootfs"], name
        assert host["CapDrop"] == ["ALL"], name
        assert "no-new-privileges:true" in host["SecurityOpt"], name
        assert host["Memory"] > 0, name
        root = container["Config"]["User"].split(":")[0] in ("", "0")
        assert root == ("certificates" in name or "issuer" in name), name


def test_only_loopback_of_this_machine_reaches_it(stack: Stack) -> None:
    bindings = [
        binding["HostIp"]
        for container in stack.containers()
        for published in (container["HostConfig"]["PortBindings"] or {}).values()
        for binding in published
    ]
    assert bindings
    assert set(bindings) == {"127.0.0.1"}


def test_prometheus_sees_both_workers(stack: Stack) -> None:
    def up() -> bool | None:
        healthy = {target["scrapeUrl"] for target in stack.targets() if target["health"] == "up"}
        return True if {f"http://{name}:8081/metrics" for name in ("worker-1", "worker-2")} <= healthy else None

    eventually(up, "Prometheus scrapes both workers", 90)


def test_traffic_with_a_known_truth_can_be_played(stack: Stack) -> None:
    before = stack.reports()
    yesterday = datetime.now(UTC) - timedelta(days=1)
    stack.compose("run", "--rm", "-T", "simulate", "--start", yesterday.isoformat(), "--days", "1", "--reports", "1000")
    eventually(lambda: True if stack.reports() == before + 1000 else None, "the view shows a thousand reports more")


@only_secure
@pytest.mark.parametrize("path", ["/", "/en", "/api/v1/reports", "/api/v1/summary", "/reports/x"])
def test_nobody_is_let_in_without_a_token(stack: Stack, path: str) -> None:
    assert stack.get(path, headers={}).status_code == 401


@only_secure
def test_nobody_is_let_in_with_a_token_that_somebody_else_has_signed(stack: Stack) -> None:
    token = stack.token("national")
    claims = jwt.decode(token, options={"verify_signature": False})
    key = rsa.generate_private_key(65537, 2048)
    forged = jwt.encode(claims, key, "RS256", headers={"kid": jwt.get_unverified_header(token)["kid"]})
    assert stack.get("/api/v1/reports", bearer(token)).status_code == 200
    assert stack.get("/api/v1/reports", bearer(forged)).status_code == 401


@only_secure
def test_health_and_metrics_need_no_token(stack: Stack) -> None:
    assert {stack.get(path, headers={}).status_code for path in ("/livez", "/readyz", "/metrics")} == {200}


@only_secure
def test_an_organisation_sees_its_own_receiver_only_and_who_looked_is_recorded(stack: Stack) -> None:
    oslo, bergen = str(uuid4()), str(uuid4())
    stack.produce("sent", sent_value(oslo), sent_value(bergen, receiver={"municipality": "4601"}))
    for report_id in (oslo, bergen):
        stack.wait_for(report_id, "pending")
    own = bearer(stack.token("own", "sql", organisation=BERGEN))
    assert stack.get(f"/api/v1/reports/{bergen}", own).status_code == 200
    assert stack.get(f"/api/v1/reports/{oslo}", own).status_code == 404
    listed = stack.get("/api/v1/reports?limit=1000", own).json()["reports"]
    assert {report["municipality"] for report in listed} == {"4601"}
    rows = stack.ask("SELECT DISTINCT municipality_today FROM reports", own).json()["rows"]
    assert rows == [["4601"]]
    looks = {(one["subject"], one["organisation"], one["action"]) for one in stack.looks(bergen)}
    assert ("trial", BERGEN, "read_report") in looks
    assert BERGEN not in {one["organisation"] for one in stack.looks(oslo)}


def test_log_lines_are_json(stack: Stack) -> None:
    for service in ("worker-1", "worker-2", "view"):
        said = stack.compose("logs", "--no-color", service).splitlines()
        lines = [line.partition(" | ")[2] for line in said if " | " in line]
        assert lines, service
        assert all({"time", "level", "message"} <= set(orjson.loads(line)) for line in lines), service


@only_secure
def test_nobody_writes_what_the_acls_do_not_allow(stack: Stack) -> None:
    value = sent_value(str(uuid4()))
    line = f"{value['report_id']}|{orjson.dumps(value).decode()}\n"
    for producer, topic in (("portal", "missing"), ("portal", "stored"), ("casesystem", "decision")):
        said = stack.refused("run", "--rm", "-T", producer, "--topic", f"reports.{topic}", given=line)
        assert f"TopicAuthorizationException: Not authorized to access topics: [reports.{topic}]" in said


@only_secure
def test_nobody_reads_what_the_acls_do_not_allow(stack: Stack) -> None:
    consumer = [
        "--bootstrap-server=kafka:9092",
        "--consumer.config=/secure/client.properties",
        "--group=consumer-trial",
    ]
    entry = "--entrypoint=/opt/kafka/bin/kafka-console-consumer.sh"
    said = stack.refused(
        "run", "--rm", "-T", entry, "consumer", *consumer, "--topic=reports.state", "--timeout-ms=8000"
    )
    assert "TopicAuthorizationException: Not authorized to access topics: [reports.state]" in said


@only_secure
def test_kafka_speaks_to_nobody_without_a_certificate(stack: Stack) -> None:
    said = stack.refused("run", "--rm", "-T", "-e", "KAFKA_SECURITY_PROTOCOL=PLAINTEXT", "topics")
    assert said.startswith("exit code 2")
    said = stack.refused(
        "run", "--rm", "-T", "--entrypoint=sh", "topics", "-c",
        "(sleep 2; echo) | openssl s_client -connect kafka:9092 -CAfile /run/kafka/ca.pem -verify_return_error",
    )  # fmt: skip
    assert "Verify return code: 0 (ok)" in said
    assert "alert certificate required" in said


@only_secure
def test_a_second_start_keeps_every_certificate_and_the_issuer_s_key(stack: Stack) -> None:
    assert "a certificate for" not in stack.compose("run", "--rm", "-T", "certificates")
    assert stack.compose("run", "--rm", "-T", "issuer") == ""

"""The least rights, as data."""

import os
import subprocess
import sys

import orjson

from streams.kafka.permissions import RIGHTS, Right, consumer_rights, topics_rights, view_rights, worker_rights
from streams.kafka.topics import wanted_topics
from streams.settings import Settings

SETTINGS = Settings(app_id="mine", input_prefix="in.")
TRANSACTIONS = {("transactional-id", "mine-"), ("transactional-id", "mine-intake-")}


def may(rights: list[Right], operation: str) -> set[str]:
    return {right.name for right in rights if operation in right.operations}


def test_nobody_may_do_anything_on_all_topics_or_all_groups() -> None:
    for rights in RIGHTS.values():
        for right in rights(SETTINGS):
            assert not right.prefixed or (right.kind, right.name) in TRANSACTIONS
            assert right.operations <= {"Read", "Write", "Create", "Describe", "DescribeConfigs"}


def test_only_the_one_who_makes_topics_may_make_them() -> None:
    assert may(topics_rights(SETTINGS), "Create") == {topic.name for topic in wanted_topics(SETTINGS)}
    for name, rights in RIGHTS.items():
        assert name == "topics" or not may(rights(SETTINGS), "Create")


def test_the_worker_reads_no_announcements_and_the_view_writes_only_who_looked() -> None:
    assert may(worker_rights(SETTINGS), "Read") == {
        "in.sent", "in.receipt", "in.stored", "in.decision", "mine.state", "mine.coverage", "mine"
    }  # fmt: skip
    assert may(view_rights(SETTINGS), "Write") == {"mine.access"}
    assert may(view_rights(SETTINGS), "Read") == {"mine.state", "mine.missing", "mine.coverage"}


def test_the_intake_writes_what_others_say_and_reads_no_report() -> None:
    rights = RIGHTS["intake"](SETTINGS)
    assert may(rights, "Write") == {*SETTINGS.inputs, "mine.access", "mine-intake-"}
    assert may(rights, "Read") == {"mine.messages", "mine.coverage"}


def test_a_consumer_reads_the_announcements_in_its_own_group_and_nothing_else() -> None:
    assert may(consumer_rights(SETTINGS, "case-system"), "Read") == {"mine.missing", "case-system"}
    assert may(consumer_rights(SETTINGS), "Write") == set()


def test_the_doctor_lists_them_without_asking_kafka() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "streams.cli", "doctor", "--rights", "--json"],
        env=os.environ | {"MELDINGSVAKT_APP_ID": "mine"},
        capture_output=True,
        check=True,
        timeout=60,
    )
    lines = [orjson.loads(line) for line in done.stdout.splitlines()]
    assert {line["part"] for line in lines} == set(RIGHTS)
    assert {
        "part": "worker",
        "kind": "transactional-id",
        "name": "mine-",
        "pattern": "prefixed",
        "operations": "Write",
    } in lines


def test_who_may_read_or_write_may_describe() -> None:
    assert Right("topic", "t", frozenset({"Write"})).holding() == {"Write", "Describe"}
    assert Right("topic", "t", frozenset({"DescribeConfigs"})).holding() == {"DescribeConfigs"}

"""The index follows the topic, and a million ids are less than 200 MB."""

import subprocess
import sys
from uuid import UUID

from streams.intake.message_index import MessageIndex
from streams.records.messages import message_record
from streams.records.record import BareRecord

A, B = str(UUID(int=1)), str(UUID(int=2))


def record(message_id: str, report_id: str, *, known: bool = True) -> BareRecord:
    """As the worker writes it."""
    written = message_record("reports.messages", 0, message_id, report_id, known=known)
    return BareRecord(0, 0, 0, written.key, written.value, ())


def test_a_message_tells_of_its_report() -> None:
    index = MessageIndex()
    index.take([record("m-1", A), record("m-2", B)])
    assert index.reports(["m-1", "m-2", "m-3"]) == {"m-1": A, "m-2": B}


def test_a_message_that_two_reports_claim_tells_of_none_until_one_gives_it_up() -> None:
    index = MessageIndex()
    index.take([record("m-1", A), record("m-1", B), record("m-1", A)])
    assert index.reports(["m-1"]) == {}
    index.take([record("m-1", A, known=False)])
    assert index.reports(["m-1"]) == {"m-1": B}


def test_what_is_erased_is_forgotten_and_the_last_word_counts() -> None:
    index = MessageIndex()
    index.take([record("m-1", A, known=False), record("m-1", A), record("m-2", B), record("m-2", B, known=False)])
    index.take([record("m-3", B, known=False)])
    assert index.reports(["m-1", "m-2", "m-3"]) == {"m-1": A}
    assert len(index) == 1


def test_a_key_that_is_not_the_checkers_is_nobodys() -> None:
    index = MessageIndex()
    index.take(
        [BareRecord(0, 0, 0, key, b"{}", ()) for key in (b"", b"m-1", b"m-1/report", b"m\xff/" + A.encode(), None)]
    )
    assert len(index) == 1
    assert index.reports(["m-1"]) == {}


A_MILLION = """
import resource
from uuid import UUID
from streams.intake.message_index import MessageIndex
from streams.records.record import BareRecord
def peak():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
before, index = peak(), MessageIndex()
for begin in range(0, 1_000_000, 2_000):
    keys = [f"{UUID(int=n * 7919)}/{UUID(int=n)}".encode() for n in range(begin, begin + 2_000)]
    index.take([BareRecord(0, 0, 0, key, b"{}", ()) for key in keys])
assert len(index) == 1_000_000
assert index.reports([str(UUID(int=7919 * 999_999))]) == {str(UUID(int=7919 * 999_999)): str(UUID(int=999_999))}
print(peak() - before)
"""


def test_a_million_ids_take_less_than_two_hundred_megabytes() -> None:
    done = subprocess.run([sys.executable, "-c", A_MILLION], capture_output=True, text=True, check=True, timeout=120)
    assert float(done.stdout) < 200, done.stdout

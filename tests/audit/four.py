"""Four reports that are all stored in time, as exports to be damaged; and an audit of such exports."""

import csv
import json
from pathlib import Path

from tests.audit.running import Result, audit

IDS = [f"{digit * 8}-0000-4000-8000-{digit * 12}" for digit in "1234"]
A, B, C, D = IDS
MESSAGES = [f"{digit * 8}-aaaa-4000-8000-{digit * 12}" for digit in "5678"]
COVERS = 'covers = { receivers = "all", from = 2022-01-01T00:00:00Z, to = 2022-06-01T00:00:00Z }\n'


def sents(messages: list[str] = MESSAGES) -> list[str]:
    return ["report_id,message_id,sent_at,municipality,channel,case_system,note"] + [
        f"{one},{message},2022-03-0{day}T10:00:00Z,4601,FIKS_IO,UKJENT,a"
        for day, (one, message) in enumerate(zip(IDS, messages, strict=True), start=1)
    ]


def proofs() -> list[str]:
    return ["report_id,stored_at,municipality,note"] + [
        f"{one},2022-03-0{day}T10:05:00Z,4601,a" for day, one in enumerate(IDS, start=1)
    ]


def by_messages(messages: list[str] = MESSAGES, town: str = "4601") -> list[str]:
    return ["message_id,stored_at,municipality,note"] + [
        f"{one},2022-03-0{day}T10:05:00Z,{town},a" for day, one in enumerate(messages, start=1)
    ]


def result(
    folder: Path,
    sent: list[str],
    stored: list[str],
    suffix: str = "csv",
    *,
    portal: list[str] | None = None,
    covers: str = COVERS,
    more: str = "",
) -> Result:
    """An audit of these lines, which cover everybody. `more`: of the mapping of what was stored."""
    mapping = ""
    for kind, lines in {"sent": sent, "stored": stored, "portal": portal}.items():
        if lines is None:
            continue
        content = "\n".join(lines if suffix == "csv" else map(json.dumps, csv.DictReader(lines)))
        (folder / f"{kind}.{suffix}").write_text(content + "\n", encoding="utf-8")
        mapping += f'[[source]]\nkind = "{kind}"\nfiles = ["{kind}.{suffix}"]\n' + (covers + more) * (kind == "stored")
    (folder / "audit.toml").write_text(mapping, encoding="utf-8")
    return audit(folder, "--mapping", folder / "audit.toml", "--until", "2022-06-01T00:00:00Z")

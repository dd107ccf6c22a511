"""Damages sources, audits them, and says where the audit lost, invented or called wrong what it should not."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from random import Random
from typing import Any, NamedTuple

from streams.audit.request import Files, asked_for
from streams.audit.run import audit
from streams.audit.workspace import Work
from streams.errors import ConfigurationError
from streams.settings import Settings
from streams.sources.ids import SHORTEST_WORD
from tests.audit.damage.good import POLICY, UNTIL, Layout, Report, Source, lines_of, mapping, reports, sources, write
from tests.audit.damage.kinds import LINES, MOVED, VALUES, WIDE

SHARE = 0.5  # of the lines of a file, where damages do not reach beyond their own


class Damage(NamedTuple):
    """What was done to a line, and what stands there now."""

    kind: str
    source: str
    layout: Layout
    left: bytes

    def names(self, report_id: str) -> bool:
        """Whether the report's id can still be read there by anybody."""
        # Half of an escape is no digit of an id.
        text = self.left.lower().replace(b"\0", b"").replace(rb"\ufffd", b"?")
        return report_id.encode() in text or report_id.replace("-", "").encode() in text

    def holds_an_end(self, message_id: str) -> bool:
        """Whether enough of a message's id is left on the first line for its proof to find it."""
        first = self.left.partition(b"\n")[0].replace(b"\0", b"")
        return len(message_id) < SHORTEST_WORD or any(
            end.encode() in first for end in (message_id[:SHORTEST_WORD], message_id[-SHORTEST_WORD:])
        )

    def holds_any(self, one: Report) -> bool:
        """Whether anything is left of the ids by which the report could be found."""
        text = self.left.lower().replace(b"\0", b"")
        ids = [name for name in (one.report_id, one.message_id.lower()) if name]
        return not text.strip() or any(
            name[at : at + 5].encode() in text for name in ids for at in range(len(name) - 4)
        )


class Played(NamedTuple):
    """How many lines were damaged, of how many it was told all the same, and what is wrong.

    `wide`: only one line of a file was, by what may reach further.
    """

    damaged: int
    kept: int
    wrong: list[str]
    wide: bool


Verdicts = Mapping[str, tuple[str, str | None]]


def play(folder: Path, seed: int, count: int) -> Played:
    """Damage about half of the lines of one world, or one line where a damage may reach further; and audit it."""
    folder.mkdir(exist_ok=True)
    rng = Random(seed)
    known = reports(rng, count)
    made = sources(rng, known)
    wide = rng.random() < 0.5
    done: dict[str, Damage] = {}
    for source in made:
        content = _damaged(rng, source, done, wide=wide)
        write(folder, source, content)
    (folder / "audit.toml").write_text(mapping(made), encoding="utf-8")
    (folder / "policy.toml").write_text(POLICY, encoding="utf-8")
    try:
        found, (sent, accounted) = _audited(folder)
    except ConfigurationError as error:
        return Played(len(done), 0, [f"seed {seed}: {error} ({_said(done)})"], wide)
    wrong = [f"seed {seed}: {one}" for one in _wrong(known, done, found)]
    if sent != accounted:
        wrong.append(f"seed {seed}: {sent} were sent, and {accounted} are accounted for")
    kept = sum(found.get(one.report_id, ("", ""))[0] == one.fate for one in known if one.report_id in done)
    return Played(len(done), kept, wrong, wide)


def _damaged(rng: Random, source: Source, done: dict[str, Damage], *, wide: bool) -> bytes | None:
    """The text of a source with some of its lines damaged; None for Parquet, whose values are."""
    kinds = LINES[source.layout.suffix]
    free = [number for number, one in enumerate(source.about) if one.report_id not in done]
    chosen = {number for number in free if rng.random() < SHARE}
    by_line: dict[int, str] = {}
    if wide and kinds.keys() & WIDE:
        chosen = {rng.choice(free)}
        by_line = dict.fromkeys(chosen, rng.choice(sorted(kinds.keys() & WIDE)))
    elif kinds:
        local = sorted(kinds.keys() - WIDE)
        by_line = {number: rng.choice(local) for number in chosen if rng.random() < 0.5}
        # A message's id in the place of a report's is one: nobody could tell.
        chosen -= {
            number for number, kind in by_line.items() if kind in MOVED and "-" in source.about[number].message_id
        }
    changed = {number: _spoil(rng, source, number) for number in sorted(chosen - by_line.keys())}
    lines = lines_of(source) if kinds else []
    head = len(lines) - len(source.rows) if kinds else 0
    for number in sorted(chosen):
        kind = by_line.get(number)
        if kind is not None:
            lines[head + number] = kinds[kind](rng, lines[head + number], source.layout)
        left = lines[head + number] if kinds else repr(source.rows[number]).encode()
        if number in changed:
            left += b" " + changed[number][1].encode("utf-8", "replace")
        done[source.about[number].report_id] = Damage(kind or changed[number][0], source.kind, source.layout, left)
    return b"".join(lines) if kinds else None


def _spoil(rng: Random, source: Source, number: int) -> tuple[str, str]:
    """Damage one value of a row; gives the kind and what stands there now."""
    row = source.rows[number]
    column = rng.choice([name for name in row if name in VALUES])
    kind = rng.choice(sorted(VALUES[column]))
    row[column] = VALUES[column][kind](rng, row[column])
    return f"{column}: {kind}", row[column]


def _audited(folder: Path) -> tuple[Verdicts, tuple[int, int]]:
    """What the audit says of each report; how many were sent, and how many are accounted for."""
    asked = asked_for(Files({}, folder / "audit.toml"), None, Settings(), policy=folder / "policy.toml", until=UNTIL)
    work = Work(folder / "work", "damage")
    work.open()
    audit(work, asked)
    rows = work.connection.sql("SELECT report_id, status, untold FROM verdicts").fetchall()
    books: Any = work.connection.sql(
        "SELECT sum(sent), sum(stored + missing + recovered + pending + unproven + undetermined) FROM books"
    ).fetchall()[0]
    work.remove()
    return {report_id: (status, untold) for report_id, status, untold in rows}, books


def _wrong(known: list[Report], done: Mapping[str, Damage], found: Verdicts) -> Iterator[str]:
    for one in known:
        damage = done.get(one.report_id)
        status, untold = found.get(one.report_id, ("gone", None))
        if not may_be(one, damage, status, untold):
            yield f"a report that is {one.fate} is {status}; {_told(damage)}"
    # Where nothing on a line tells which of its ids is the report's, each is kept.
    messages = {one.message_id for one in known if one.report_id in done and done[one.report_id].source == "sent"}
    for report_id in found.keys() - {one.report_id for one in known}:
        if report_id in messages and found[report_id] == ("undetermined", "sent_unreadable"):
            continue
        yield f"{report_id} is {found[report_id][0]}, and was never there ({_said(done)})"


def may_be(one: Report, damage: Damage | None, status: str, untold: str | None) -> bool:
    """Whether a verdict is the truth, or owns that it cannot be told."""
    if status == one.fate or (status == "undetermined" and untold is not None):
        return True
    if status == "stored" and one.fate == "recovered":
        return True  # it is; only whether in time was not told
    if damage is None:
        return False
    if damage.source == "sent" and not damage.names(one.report_id):
        return status == ("gone" if one.stored_at is None else "unexpected") or (
            status == "gone" and one.stored_at is not None
        )
    # Nothing is left of an id, or of a message's less than six letters, as where a newline broke it.
    lost = not (damage.holds_any(one) if damage.source == "stored" else damage.holds_an_end(one.message_id))
    if lost and one.stored_at is not None:
        return status == "missing"
    # A word for nothing in place of the only id: that line is a proof of nobody, as of what came by letter.
    return status == "missing" and damage.kind == "message_id: nothing" and damage.source == "stored"


def _told(damage: Damage | None) -> str:
    if damage is None:
        return "its own lines are whole"
    return f"{damage.source}.{damage.layout.name}, {damage.kind}: {damage.left[:300]!r}"


def _said(done: Mapping[str, Damage]) -> str:
    return ", ".join(sorted({f"{one.source}.{one.layout.name}: {one.kind}" for one in done.values()}))

"""What the demo tells while it plays: each thing once, in the month that it is."""

from typing import Any

from streams.commands.demo_story import Seen, Teller
from streams.core.events import MISSING_TYPE, RECOVERED_TYPE
from streams.simulation.verdict import Watched


def _event(report: str, type_: str = MISSING_TYPE, episode: int = 1) -> tuple[float, dict[str, Any]]:
    receiver = {"municipality": "4601"}
    return 0.0, {
        "type": type_, "report_id": report, "receiver": receiver, "episode": episode, "reason": "receipted_not_stored",
    }  # fmt: skip


def test_each_thing_is_news_once() -> None:
    seen = Seen([], Watched())
    teller = Teller(seen, 100)
    assert list(teller.news(0)) == []
    seen.events.extend([_event("a"), _event("b")])
    (lost,) = teller.news(50)
    assert lost.endswith(
        ": a report is received and never stored, in Bergen. In truth nobody noticed for over two years."
    )
    assert list(teller.news(51)) == []
    seen.events.append(_event("a", episode=2))
    seen.rows.see("c", "undetermined")
    again, silent = teller.news(60)
    assert "is lost again, in Bergen" in again
    assert "falls silent" in silent
    seen.events.append(_event("b", RECOVERED_TYPE))
    seen.rows.see("c", "stored")
    found, speaks = teller.news(70)
    assert "is found after all, in Bergen" in found
    assert "speaks again" in speaks


def test_one_line_tells_how_it_stands_in_less_than_80_columns() -> None:
    seen = Seen([_event(str(number)) for number in range(63)], Watched())
    seen.events.append(_event("0", RECOVERED_TYPE))
    for number in range(57):
        seen.rows.see(f"silent {number}", "undetermined")
    line = Teller(seen, 100).now(100, 14.4)
    assert line.split(": ")[1] == "62 missing in 1 municipalities, 57 cannot be told, 14 s left"
    assert len(line) < 78

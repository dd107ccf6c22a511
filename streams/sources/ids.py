"""Ids as they stand in files: what is none though it looks like one, and what can be made out on a broken line."""

import re
from collections.abc import Iterable
from typing import NamedTuple

from schemas.common import canonical_report_id

# What programs write where there is no value. Two reports that carry such a word share no message.
NOTHING = frozenset({
    "", "-", "--", "?", "#n/a", "#n/a n/a", "#na", "<na>", "<null>", "(null)", "[null]", "\\n", "n/a", "n.a.", "na",
    "nan", "-nan", "nat", "nil", "none", "null", "ukjent", "undefined", "unknown", "1.#ind", "-1.#ind", "1.#qnan",
    "-1.#qnan",
})  # fmt: skip
NO_UUIDS = ("00000000-0000-0000-0000-000000000000", "ffffffff-ffff-ffff-ffff-ffffffffffff")
# Numbers that a spreadsheet, or a column of floats, has robbed of digits: in powers of ten, with decimals beyond what a
# float holds, or with nothing but zeros behind the fifteenth digit.
ROUNDED = r"^[0-9]+[.][0-9]+[eE][+-]?[0-9]+$|^[0-9]+[eE][+][0-9]+$|^[0-9]{16,}[.]0+$|^[0-9]{15}00+$"
# Text that could be any of them, for a first look at whole columns.
NO_ID = "|".join([
    ROUNDED, "^(?i:" + "|".join([*sorted(re.escape(word) for word in NOTHING), *NO_UUIDS]) + ")$",
])  # fmt: skip
SHORTEST_WORD = 6  # letters of what may be a part of a message's id, or hold one
SHORTEST_SCRAP = 8  # digits: fewer in a row stand in many ids
MOST_WORDS_A_LINE = 500  # of a line: one that is longer than any record has no more to say

_ROUNDED = re.compile(ROUNDED)
# With its hyphens it is seen even where what stood between it and its neighbours is gone.
_UUID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}|(?<![0-9a-f])[0-9a-f]{32}(?![0-9a-f])")
_INVISIBLE = re.compile("[\0-\x08\x0b\x0c\x0e-\x1f\x7f\u00ad\u200b-\u200f\u2060]")
_JOINTS = re.compile(r"[-{}\s]+")
_HEX = re.compile(r"[0-9a-f]+")
_WORD = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:+-]{0,63}")


class Legible(NamedTuple):
    """What can be made out on a line in which something is wrong, so that its report is not lost sight of.

    `reports`: ids, `certain` if they stand where a report's id should. `words`: what may be a message's id, or a state.
    `scraps`: digits in a row that may be what is left of a report's id, where no whole one is there; one that is empty
    where nothing can be read at all.
    """

    reports: tuple[str, ...] = ()
    certain: bool = False
    words: tuple[str, ...] = ()
    scraps: tuple[str, ...] = ()


def is_nothing(text: str) -> bool:
    """Whether it is a word for no value, or the id that stands for none."""
    return text.strip().lower() in NOTHING or canonical_report_id(text) in NO_UUIDS


def is_rounded(text: str) -> bool:
    """Whether it is a number that has lost digits, so that other numbers look the same."""
    return _ROUNDED.match(text) is not None


def visible(text: str) -> str:
    """Text without what nobody sees: control characters, blanks without width; a byte-order mark began a file."""
    return _INVISIBLE.sub("", text.replace("\ufeff", " "))


def made_out(line: str, where: Iterable[str] = ()) -> Legible:
    """What stands on a line. `where`: what stands where a report's id should."""
    seen, places = visible(line), [visible(place) for place in where]
    certain = uuids_in(*places)
    found = certain or uuids_in(seen)
    scraps = () if found else tuple(dict.fromkeys(scrap for text in places or [seen] for scrap in scraps_of(text)))
    if not (found or scraps) and (seen != line or "\ufffd" in line):
        scraps = ("",)
    words = (*_WORD.findall(seen)[:MOST_WORDS_A_LINE], *found)
    return Legible(found, bool(certain), tuple(dict.fromkeys(words)), scraps)


def scraps_of(text: str) -> Iterable[str]:
    """What may be left of a report's id: digits in a row, or a few of them that are all there is."""
    joined = _JOINTS.sub("", visible(text).lower())
    runs = _HEX.findall(joined)
    if runs == [joined]:
        return runs
    return [run for run in runs if len(run) >= SHORTEST_SCRAP]


def uuids_in(*texts: str) -> tuple[str, ...]:
    """The report ids that stand in some texts, as the key has them."""
    found = (canonical_report_id(one) for text in texts for one in _UUID.findall(text.lower()))
    return tuple(dict.fromkeys(one for one in found if one is not None and one not in NO_UUIDS))


def besides_uuids(text: str) -> tuple[str, ...]:
    """The words of a text that are no report's id and no part of how ids are written."""
    return tuple(word for word in re.findall(r"\w+", _UUID.sub(" ", text.lower())) if word not in ("urn", "uuid"))

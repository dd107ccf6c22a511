"""The kinds of damage: to a value, to a record of CSV, to a line of JSON, to a file as a whole."""

import json
import re
from collections.abc import Callable
from random import Random
from typing import Any

from tests.audit.damage.good import Layout

Row = dict[str, Any]
Value = Callable[[Random, str], str]
Line = Callable[[Random, bytes, Layout], bytes]


def _at(rng: Random, text: Any, first: int = 0) -> int:
    """A place within a text."""
    return rng.randrange(first, max(first + 1, len(text)))


def _put(rng: Random, text: str, what: str) -> str:
    place = _at(rng, text)
    return text[:place] + what + text[place:]


def _replaced(rng: Random, text: str, what: str) -> str:
    place = _at(rng, text)
    return text[:place] + what + text[place + 1 :]


# Of a report's id. Those in the first are still legible.
LEGIBLE_ID: dict[str, Value] = {
    "capitals": lambda _, text: text.upper(),
    "braces": lambda _, text: f"{{{text}}}",
    "urn": lambda _, text: f"urn:uuid:{text}",
    "no hyphens": lambda _, text: text.replace("-", ""),
    "blanks around": lambda _, text: f"  {text} ",
    "a no-break space": lambda _, text: f"\u00a0{text}",
    "a byte-order mark": lambda _, text: f"\ufeff{text}",
    "a blank without width": lambda rng, text: _put(rng, text, "\u200b"),
    "a soft hyphen": lambda rng, text: _put(rng, text, "\u00ad"),
    "a control character": lambda rng, text: _put(rng, text, "\x02"),
    "kept as text by Excel": lambda _, text: f'="{text}"',
    "kept as text by a quote": lambda _, text: f"'{text}",
    "in quotes of its own": lambda _, text: f'"{text}"',
    "with a prefix": lambda _, text: f"ID: {text}",
    "twice": lambda _, text: f"{text} {text}",
    "in a link": lambda _, text: f"https://portal.example/{text}",
}
ILLEGIBLE_ID: dict[str, Value] = {
    "an O for a nought": lambda _, text: text[:4] + "O" + text[5:],
    "an l for a one": lambda rng, text: _replaced(rng, text, "l"),
    "a question mark": lambda rng, text: _replaced(rng, text, "?"),
    "a replacement character": lambda rng, text: _replaced(rng, text, "\ufffd"),
    "a letter too many": lambda rng, text: _put(rng, text, "g"),
    "a digit lost": lambda rng, text: _replaced(rng, text, ""),
    "a long dash": lambda _, text: text.replace("-", "\u2013"),
    "blanks between groups": lambda _, text: text.replace("-", " "),
    "cut": lambda rng, text: text[: _at(rng, text, 1)],
    "begun too late": lambda rng, text: text[_at(rng, text, 1) :],
    "an ellipsis": lambda _, text: text[:12] + "...",
    "stars in its middle": lambda _, text: text[:9] + "****" + text[13:],
}
MESSAGE: dict[str, Value] = {
    "rounded": lambda _, text: _rounded(text),
    "rounded to the end": lambda _, text: text[:15] + "0" * (len(text) - 15) if text.isdecimal() else _rounded(text),
    "a float": lambda _, text: repr(float(text)) if text.isdecimal() else text,
    "a blank within": lambda rng, text: _put(rng, text, " "),
    "nothing": lambda rng, _: rng.choice(("NA", "NaN", "nan", "None", "null", "-", "N/A", "")),
    "cut short": lambda rng, text: text[: _at(rng, text, 1)] + "#",
    "a stroke": lambda rng, text: _put(rng, text, "/"),
    "blanks about": lambda _, text: f" {text}\u00a0",
    "marked": lambda _, text: f"\ufeff{text}",
}
TIME: dict[str, Value] = {
    "emptied": lambda _, text: "",
    "a word": lambda _, text: "yesterday",
    "NaT": lambda _, text: "NaT",
    "month first": lambda _, text: f"{text[5:7]}/{text[8:10]}/{text[:4]} {text[11:16]}",
    "two digits": lambda _, text: text[2:],
    "a day in February": lambda _, text: f"2022-02-30{text[10:]}",
    "hour 24": lambda _, text: f"{text[:10]}T24:00:00Z",
    "epoch": lambda _, text: "1970-01-01T00:00:00Z",
    "never": lambda _, text: "9999-12-31T23:59:59Z",
    "a serial number": lambda _, text: "44622,4375",
    "milliseconds": lambda _, text: "1646215500000",
    "an O in it": lambda _, text: text.replace("0", "O", 1),
    "cut in its middle": lambda rng, text: text[: _at(rng, text[:13], 5)],
    "a wrong zone": lambda _, text: f"{text[:-1]}+99:00",
    "a blank for the T": lambda _, text: text.replace("T", " "),
    "an offset": lambda _, text: text.replace("Z", "+00"),
    "an offset behind a blank": lambda _, text: text.replace("Z", " +00:00"),
    "seven decimals": lambda _, text: text.replace("Z", ".0000000 +00:00"),
    "UTC in words": lambda _, text: text.replace("Z", " UTC"),
    "the zone twice": lambda _, text: text.replace("Z", "Z[UTC]"),
    "small letters": lambda _, text: text.lower(),
    "years before": lambda _, text: f"2018{text[4:]}",
}
TOWN: dict[str, Value] = {
    "without its nought": lambda _, text: text.lstrip("0"),
    "with decimals": lambda _, text: f"{text.lstrip('0')}.0",
    "a name": lambda _, text: f"{text} Oslo",
    "five digits": lambda _, text: f"{text}0",
    "an O in the number": lambda _, text: text.replace("0", "O", 1) if "0" in text else "O301",
    "foreign digits": lambda _, text: "٠٣٠١",
    "unknown": lambda _, text: "-",
}
WORD: dict[str, Value] = {
    "a name in place of a code": lambda _, text: "Visma Familia",
    "small": lambda _, text: text.lower(),
    "other letters": lambda _, text: "FIKS_ÆØÅ",
    "very long": lambda _, text: text * 30,
    "gone": lambda _, text: "",
}
NOTE: dict[str, Value] = {
    "an id of its own": lambda rng, _: f"see {rng.getrandbits(64):016x}",
    "a formula": lambda _, text: "=HYPERLINK(1)",
    "half a surrogate": lambda _, text: "\ud800",
    "line separators": lambda _, text: "a\u2028b\x85c\x0bd\x0ce",
    "many lines": lambda rng, _: 'lorem; ipsum, "dolor"\n' * rng.randrange(1, 3000),
    "a carriage return": lambda _, text: "a\rb",
    "emoji": lambda _, text: "🙂" * 9,
    "a backslash at its end": lambda _, text: "C:\\temp\\",
}
VALUES: dict[str, dict[str, Value]] = {
    "report_id": LEGIBLE_ID | ILLEGIBLE_ID, "message_id": MESSAGE, "sent_at": TIME, "stored_at": TIME,
    "municipality": TOWN, "channel": WORD, "case_system": WORD, "evidence": WORD, "note": NOTE,
}  # fmt: skip


def _rounded(text: str) -> str:
    return f"{float(text):.5E}" if text.isdecimal() else text


def _cells(line: bytes, layout: Layout) -> list[bytes]:
    """The cells with their quotes."""
    cells = [b""]
    for piece in line.rstrip(b"\n").split(layout.delimiter.encode()):
        if cells[-1].count(b'"') & 1:
            cells[-1] += layout.delimiter.encode() + piece
        else:
            cells.append(piece)
    return cells[1:]


def _joined(cells: list[bytes], layout: Layout) -> bytes:
    return layout.delimiter.encode().join(cells) + b"\n"


def _with(change: Callable[[Random, list[bytes]], Any]) -> Line:
    """A change to a line's cells, in place."""

    def changed(rng: Random, line: bytes, layout: Layout) -> bytes:
        cells = _cells(line, layout)
        change(rng, cells)
        return _joined(cells, layout)

    return changed


def _each(change: Callable[[bytes], bytes]) -> Line:
    """A change to every cell of a line."""
    return lambda _, line, layout: _joined([change(cell) for cell in _cells(line, layout)], layout)


def _within(what: bytes, first: int = 0) -> Line:
    """Something put between any two bytes."""

    def put(rng: Random, line: bytes, _: Layout) -> bytes:
        place = rng.randrange(first, len(line))
        return line[:place] + what + line[place:]

    return put


def _swap(rng: Random, cells: list[bytes]) -> None:
    one = rng.randrange(len(cells))
    cells[one - 1], cells[one] = cells[one], cells[one - 1]


def _shift(_: Random, cells: list[bytes]) -> None:
    cells.insert(0, b"")
    cells.pop()


def _other_delimiter(rng: Random, line: bytes, layout: Layout) -> bytes:
    return line.replace(layout.delimiter.encode(), rng.choice((b";", b",", b"\t", b"|", b"^", b"  ")))


RECORD: dict[str, Line] = {
    "a delimiter at its end": _with(lambda _, cells: cells.append(b"")),
    "a delimiter at its beginning": _with(lambda _, cells: cells.insert(0, b"")),
    "an empty cell too many": _with(lambda rng, cells: cells.insert(rng.randrange(len(cells)), b"")),
    "text in a cell too many": _with(lambda rng, cells: cells.insert(rng.randrange(len(cells) + 1), b" second")),
    "three cells too many": _with(lambda _, cells: cells.extend([b"x"] * 3)),
    "the last cell gone": _with(lambda _, cells: cells.pop()),
    "cells glued": _with(lambda rng, cells: cells.__setitem__(slice(0, 2), [b"".join(cells[:2])])),
    "cells exchanged": _with(_swap),
    "shifted by one": _with(_shift),
    "another delimiter": _other_delimiter,
    "all in quotes": _each(lambda cell: b'"' + cell.strip(b'"') + b'"'),
    "in quotes as one": lambda _, line, __: b'"' + line.rstrip(b"\n").replace(b'"', b'""') + b'"\n',
    "in single quotes": _each(lambda cell: b"'" + cell + b"'"),
    "blanks around delimiters": _each(lambda cell: b" " + cell + b" "),
    "a quote at its beginning": lambda _, line, __: b'"' + line,
    "a quote at its end": lambda _, line, __: line.rstrip(b"\n") + b'"\n',
    "a quote anywhere": _within(b'"'),
    "quotes behind backslashes": _with(lambda _, cells: cells.__setitem__(-1, b'"said \\"hello\\", and; left|\t"')),
    "a note that never ends": _with(lambda _, cells: cells.__setitem__(-1, b'"b')),
    "bytes of another encoding": _with(lambda _, cells: cells.__setitem__(-1, b"bl\xe5\x81\xff")),
    "half a surrogate in bytes": _with(lambda _, cells: cells.__setitem__(-1, b"\xed\xa0\x80")),
    "a NUL anywhere": _within(b"\0"),
    "NULs between its letters": lambda _, line, __: b"".join(bytes((each, 0)) for each in line.rstrip(b"\n")) + b"\n",
    "nothing but NULs": lambda _, line, __: b"\0" * len(line.rstrip(b"\n")) + b"\n",
    "a byte-order mark before it": lambda _, line, __: b"\xef\xbb\xbf" + line,
    "made a comment": lambda _, line, __: b"#" + line,
    "twice": lambda _, line, __: line * 2,
    "twice, the second cut": lambda _, line, __: line + line[: len(line) // 2].replace(b"\n", b" ") + b"\n",
    "a delimiter anywhere": lambda rng, line, layout: _within(layout.delimiter.encode())(rng, line, layout),
    "a newline anywhere": _within(b"\n", 1),
    "a carriage return anywhere": _within(b"\r", 1),
    "empty lines around it": lambda _, line, __: b"\n\n" + line + b"\n",
    "a total below it": lambda _, line, layout: line + _joined([b"Total", b"4"], layout),
    "a remark below it": lambda _, line, __: line + b"(4 rows affected)\n",
    "glued to the next": lambda _, line, __: line.rstrip(b"\n"),
    "as JSON": lambda _, line, layout: json.dumps(_cells(line, layout), default=bytes.decode).encode() + b"\n",
}  # fmt: skip


def _name(old: str, new: str) -> Line:
    return lambda _, line, __: re.sub(old.encode(), new.encode(), line, count=1)


OBJECT: dict[str, Line] = {
    "cut at its end": lambda rng, line, _: line[: -rng.randrange(2, 20)] + b"\n",
    "no comma": _name(", ", " "),
    "no colon": _name('": "', '" "'),
    "a comma too many": _name("}", ",}"),
    "a comma behind it": lambda _, line, __: line.rstrip(b"\n") + b",\n",
    "a brace too many": lambda _, line, __: line.rstrip(b"\n") + b"}\n",
    "a brace too few": lambda _, line, __: line.replace(b"}", b"", 1),
    "no brace at its beginning": lambda _, line, __: line[1:],
    "single quotes": lambda _, line, __: line.replace(b'"', b"'"),
    "names without quotes": lambda _, line, __: re.sub(rb'"(\w+)":', rb"\1:", line),
    "curly quotes": lambda _, line, __: line.replace(b'"', "”".encode()),
    "a quote anywhere": _within(b'"', 1),
    "a backslash anywhere": _within(b"\\", 1),
    "a bracket before it": lambda _, line, __: b"[" + line,
    "in brackets": lambda _, line, __: b"[" + line.rstrip(b"\n") + b"]\n",
    "a comment behind it": lambda _, line, __: line.rstrip(b"\n") + b" // checked\n",
    "NaN": _name('"u[0-9]+"', "NaN"),
    "an id as a name's value twice": _name('"unit"', '"note"'),
    "a name in capitals": _name('"report_id"', '"Report_ID"'),
    "a name misspelt": _name('"report_id"', '"reportid"'),
    "an id in a list": lambda _, line, __: re.sub(rb'("report_id": )("[^"]*")', rb"\1[\2]", line),
    "an id in an object": lambda _, line, __: re.sub(rb'("report_id": )("[^"]*")', rb'\1{"value": \2}', line),
    "an id without quotes": lambda _, line, __: re.sub(rb'("report_id": )"([^"]*)"', rb"\1\2", line),
    "an id of null": _name('"message_id": "', '"x": "'),
    "a time as a number": lambda _, line, __: re.sub(rb'(_at": )"[^"]*"', rb"\g<1>1646215500", line),
    "a town as a number": lambda _, line, __: re.sub(rb'"0*(\d+)"', rb"\1", line, count=1),
    "a receiver as text": lambda _, line, __: re.sub(rb'"receiver": \{[^}]*\}', b'"receiver": "Oslo"', line),
    "JSON in a string": lambda _, line, __: json.dumps(line.decode("utf-8", "replace").rstrip("\n")).encode() + b"\n",
    "in an envelope": lambda _, line, __: b'{"payload": ' + line.rstrip(b"\n") + b', "schema": {}}\n',
    "escapes in capitals": lambda _, line, __: line.replace(b"0", b"\\u0030"),
    "deep nesting": lambda _, line, __: line.rstrip(b"}\n") + b', "x": ' + b"[" * 5000 + b"]" * 5000 + b"}\n",
    "a control character anywhere": _within(b"\x01", 1),
    "another encoding": lambda _, line, __: re.sub(rb'"u[0-9]+"', b'"bl\xe5"', line),
    "half a surrogate in it": lambda _, line, __: re.sub(rb'"u[0-9]+"', rb'"\\ud800"', line),
    "a byte-order mark before it": lambda _, line, __: b"\xef\xbb\xbf" + line,
    "NULs between its letters": RECORD["NULs between its letters"],
    "nothing but NULs": RECORD["nothing but NULs"],
    "a NUL anywhere": _within(b"\0", 1),
    "twice": RECORD["twice"],
    "two on a line": lambda _, line, __: line.rstrip(b"\n") * 2 + b"\n",
    "over several lines": lambda _, line, __: line.replace(b", ", b",\n "),
    "broken by a newline": _within(b"\n", 1),
    "glued to the next": RECORD["glued to the next"],
    "an empty line before it": lambda _, line, __: b"\n" + line,
    "as CSV": lambda _, line, __: b",".join(re.findall(rb': "([^"]*)"', line)) + b"\n",
}  # fmt: skip


# What may reach beyond its own line: only one of these is done to a file at a time.
WIDE = frozenset({
    "a quote at its beginning", "a quote at its end", "a quote anywhere", "a note that never ends", "in quotes as one",
    "quotes behind backslashes", "glued to the next", "all in quotes", "twice, the second cut",
})  # fmt: skip
# What may put a cell in another one's place.
MOVED = frozenset({"cells exchanged", "shifted by one", "an id as a name's value twice"})
LINES: dict[str, dict[str, Line]] = {"csv": RECORD, "ndjson": OBJECT, "parquet": {}}

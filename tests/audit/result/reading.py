"""What a browser makes of a page: its tables, its links, its text."""

from html.parser import HTMLParser
from pathlib import Path


class Reading(HTMLParser):
    """The page's text by table, line and cell."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.tables: dict[str, list[list[str]]] = {}
        self.links: list[str] = []
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str]] = []
        self.text = ""
        self._section, self._inside = "", ""
        self._rows: list[list[str]] = []
        self.feed(path.read_text(encoding="utf-8"))

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Tables belong to their section, the first one under its name."""
        found = {name: value or "" for name, value in attrs}
        self.tags.append(tag)
        self.attributes += found.items()
        self._inside = tag
        if tag == "section":
            self._section = found.get("aria-labelledby", "")
        elif tag == "table":
            self._rows = []
            self.tables.setdefault(self._section, self._rows)
        elif tag == "tr":
            self._rows.append([])
        elif tag in ("td", "th"):
            self._rows[-1].append("")
        elif tag == "a":
            self.links.append(found["href"])

    def handle_endtag(self, tag: str) -> None:
        """What comes after a style or a table is neither's."""
        self._inside = ""
        if tag == "table":
            self._rows = []

    def handle_data(self, data: str) -> None:
        """Into the last cell, and into the whole."""
        if self._inside in ("style", "title"):
            return
        self.text += data.replace("\xa0", " ").replace("\xad", "")
        if self._rows and self._rows[-1]:
            self._rows[-1][-1] += data.strip().replace("\xa0", " ")


def heading(path: Path) -> str:
    """The first heading as it is read."""
    text = path.read_text(encoding="utf-8").replace("\xa0", " ").replace("\xad", "")
    return text.split("<h1", 1)[1].split("</h1>", 1)[0].rsplit("<span>", 1)[1].removesuffix("</span>")

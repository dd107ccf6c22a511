"""Text that would do harm, and what is looked for in a page."""

from collections.abc import Iterator
from html.parser import HTMLParser

ADDRESSES = ("javascript:", "data:", "vbscript:")
HOSTILE = (
    "<script hostile>alert(1)</script>",
    "\"><img src=x onerror='alert(1)' hostile>",
    "' hostile='1' x='",
    '" hostile="1',
    "javascript:alert(1)//<b hostile>",
    "</title></style></textarea><b hostile>",
    "{{ 7 * 7 }}<b hostile>{% raw %}",
    "&lt;b hostile&gt;<!--",
)


def suspects(page: str) -> Iterator[str]:
    """Elements that no template of ours makes."""
    for tag, attributes in Elements(page).found:
        handlers = [name for name in attributes if name.startswith("on") or name == "hostile"]
        addresses = [attributes.get(name) or "" for name in ("href", "src", "action", "formaction")]
        foreign = tag in ("img", "iframe", "object", "embed", "base", "style") or (
            tag == "script" and not (attributes.get("src") or "").startswith("/static/")
        )
        if handlers or foreign or any(one.strip().lower().startswith(ADDRESSES) for one in addresses):
            yield f"{tag} {attributes}"


class Elements(HTMLParser):
    """What a browser would make of a page."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Remember it."""
        self.found.append((tag, dict(attrs)))

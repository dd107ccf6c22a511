"""Why a query was not answered, in one sentence for the analyst who wrote it."""

import re
from typing import Literal

Kind = Literal["syntax", "not_allowed", "too_slow", "too_large", "failed"]

PREFIX = re.compile(r"^(?:TransactionContext Error: )?([A-Z][A-Za-z ]*?) Error: ")
# What is said of these is about the query; of all others it may be about the machine: files, threads, internals.
SPEAKING = frozenset(
    {"Binder", "Catalog", "Conversion", "Invalid Input", "Invalid Type", "Mismatch Type", "Out of Range", "Parser"}
)
SENTENCE_CHARACTERS = 400  # characters of a database's message that are passed on


class Refused(Exception):
    """A query that is not answered, and what to do. `position`: where in the text, counted in characters."""

    def __init__(self, kind: Kind, sentence: str, position: int | None = None) -> None:
        super().__init__(sentence)
        self.kind: Kind = kind
        self.position = position


def too_slow(seconds: float) -> Refused:
    """The watchdog ended it."""
    return Refused(
        "too_slow", f"The query took longer than {seconds:g} s and was stopped: narrow it by time or municipality."
    )


def too_large(what: str) -> Refused:
    """It would take too much memory, for the reason that is given."""
    return Refused("too_large", f"{what}: select fewer columns, filter, or aggregate.")


def explained(message: str, seconds: float) -> Refused:
    """An error of DuckDB in our words: its hints are kept, its internals are not."""
    found = PREFIX.match(message)
    name = found[1] if found else ""
    if name == "INTERRUPT":
        return too_slow(seconds)
    if name == "Out of Memory":
        return too_large("The query needs more memory than it may have")
    if found is None or name not in SPEAKING:
        return Refused("failed", "The database could not answer this query: write it more simply, or tell an operator.")
    return Refused("syntax" if name == "Parser" else "failed", _sentence(message[found.end() :]))


def _sentence(text: str) -> str:
    """The first paragraphs, without the quoted line, lists of signatures and settings that nobody may change."""
    text = text.partition("\nLINE ")[0].partition("\n\tCandidate functions")[0]
    text = re.split(r'\bUse "?SET |\bSee also |\bFor more information', text, maxsplit=1)[0]
    kept = " ".join(text.split())
    return kept if len(kept) <= SENTENCE_CHARACTERS else kept[:SENTENCE_CHARACTERS] + "…"

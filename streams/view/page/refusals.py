"""What cannot be shown, in the reader's words: a heading, what to do, and which field it is about."""

from typing import NamedTuple

from streams.presentation.words import Words
from streams.problems import Problem

# What a person sees beside the field of a form, or in a heading, for the parameters of an address.
_LABELS = {
    "q": "list.receiver_search", "day_from": "list.sent_from", "day_to": "list.sent_to", "order": "list.order",
    "sort": "list.order", "case_system_version": "words.version", "flag": "words.flags", "query": "sql.label",
} | {
    name: f"words.{name}"
    for name in (
        "status", "reason", "receiver", "district", "unit", "channel", "case_system", "form", "receipt", "feed",
        "alarm", "outcome",
    )
}  # fmt: skip
_DAYS = ("day_from", "day_to")
_HEADINGS = {"unknown-report": "error.no_report", "not-found": "error.no_page"}
# Kinds of the same advice; what is in none of them is not known before it happens, and is shown as it is.
_ADVICE = {
    "not-found": "error.not_found",
    "counts-only": "error.counts_only",
    "bad-cursor": "error.bad_cursor",
    "method-not-allowed": "error.not_found",
    "cross-site": "error.cross_site",
    "question-too-long": "error.too_long",
    "body-too-large": "error.too_long",
    "access-not-recorded": "error.not_recorded",
    "no-token": "error.no_token",
    "keys-unavailable": "error.try_again",
    "too-many-requests": "error.too_much",
    "too-many-queries": "error.too_much",
    "too-many-files": "error.too_much",
    "too-many-open-pages": "error.too_much",
    "no-scope": "error.no_access",
    "no-receiver": "error.no_access",
    "no-sql": "error.no_access",
}
# These were said in the reader's words where they came up.
_TOLD = ("unknown-report", "month-refused")


class ToldProblem(NamedTuple):
    """What a page says of a problem; `foreign`: the detail is in English, whatever the reader's language."""

    heading: str
    detail: str
    foreign: bool = False


def told(words: Words, problem: Problem) -> ToldProblem:
    """The problem as the reader understands it."""
    heading = words(_HEADINGS.get(problem.kind, "error.heading"))
    field = problem.errors[0].where if problem.errors else ""
    if problem.kind in _TOLD:
        return ToldProblem(heading, problem.detail)
    if problem.kind == "unknown-parameter":
        return ToldProblem(heading, words("error.unknown_field", field=field))
    if problem.kind in ("invalid-parameter", "unknown-order"):
        advice = words("error.day") if field in _DAYS else words("error.go_back")
        name = words(_LABELS[field]) if field in _LABELS else field
        return ToldProblem(heading, f"{words('error.unreadable_field', field=name)} {advice}")
    if problem.kind in _ADVICE:
        return ToldProblem(heading, words(_ADVICE[problem.kind]))
    return ToldProblem(heading, problem.detail, foreign=words.language != "en")

"""The answer in sentences that claim no more than the sources show."""

from streams.audit.result.summary import AuditSummary
from streams.presentation.words import SHARED, Language, Words

FILES: dict[Language, str] = {"nb": "rapport.html", "nn": "rapport-nynorsk.html", "en": "report.html"}


def words_of(language: Language) -> Words:
    """The page's own words and the audit's."""
    return Words(language, packages=(*SHARED, "streams.audit.result"))


def answer(words: Words, summary: AuditSummary) -> str:
    """The first sentence: how many are missing, of how many, and what is not known of the others.

    Where something is missing it says for how many it cannot be told. Where nothing is, it names everything that is not
    proven stored: "none is missing" is easily read as "all are stored".
    """
    if summary.sent == 0:
        return words("answer.nothing_sent")
    of = _said(words, "answer.of", summary.sent)
    missing, undetermined = summary.terms["missing"], summary.terms["undetermined"]
    if missing == 0:
        parts = [words("answer.none" if undetermined == 0 else "answer.none_found", of=of)]
        rest: tuple[str, ...] = ("undetermined", "pending", "unproven", "erased")
    else:
        number = 2 if missing is None else missing
        lacking = words(
            "answer.missing_one" if number == 1 else "answer.missing_many",
            count=words("answer.some") if missing is None else words.number(missing), of=of,
        )  # fmt: skip
        where = summary.receivers_with_missing
        parts = [lacking + (words.count("answer.at", where) if where else "")]
        rest = ("undetermined",)
    parts += [_said(words, f"answer.{term}", summary.terms[term]) for term in rest if summary.terms[term] != 0]
    return "; ".join(parts) + "."


def found_again(words: Words, summary: AuditSummary) -> str | None:
    """How many were recovered, where any were and the number may be said."""
    if not summary.terms["recovered"]:
        return None
    said = [words.count("answer.recovered", summary.terms["recovered"])]
    said += [words.count("answer.confirmed_late", summary.confirmed_late)] if summary.confirmed_late else []
    return " ".join(said)


def period(words: Words, summary: AuditSummary, *, by_month: bool = False) -> str:
    """When the reports were sent, and until when it is known what became of them."""
    first, last = summary.first_sent_at, summary.last_sent_at
    if first is None or last is None:
        return f"{words('answer.period_unknown')} {words('answer.until', time=words.time(summary.until))}"
    said = [words.month(time.astimezone(words.zone)) if by_month else words.time(time) for time in (first, last)]
    sent = words("answer.period", first=said[0], last=said[1])
    return f"{sent} {words('answer.until', time=words.time(summary.until))}"


def clock(words: Words, summary: AuditSummary) -> str:
    """By which times it was judged."""
    judged = summary.by_event_time
    if judged == 0:
        return words("answer.by_arrival")
    if judged is None or summary.sent is None:
        return words("answer.by_event_time_mixed")
    if judged >= summary.sent:
        return words("answer.by_event_time")
    return words("answer.by_event_time_some", count=words.number(judged), sent=words.number(summary.sent))


def balance(words: Words, summary: AuditSummary) -> str:
    """Whether the books balance."""
    if summary.difference == 0:
        return words("books.balanced")
    if summary.difference is None:
        return words("books.unbalanced_hidden")
    return words("books.unbalanced", count=words.number(abs(summary.difference)))


def unexpected(words: Words, summary: AuditSummary) -> str:
    """What was stored and never seen as sent."""
    if summary.unexpected == 0:
        return words("books.unexpected_none")
    return _said(words, "books.unexpected", summary.unexpected)


def _said(words: Words, key: str, count: int | None) -> str:
    return words(f"{key}_hidden") if count is None else words.count(key, count)


def refused(words: Words, reason: str) -> str:
    """Why a record could not be read: `stage:reason`, and `:field` where there is one, as rejects.csv has it."""
    _, _, told = reason.partition(":")
    why, _, field = (told or reason).partition(":")
    text = words.code("reject", why or None)
    return f"{text} ({field})" if field else text

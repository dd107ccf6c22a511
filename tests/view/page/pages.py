"""Every page by its address, and the rules that they are held to."""

PAGES = (
    "/", "/reports", "/reports?q=zzzz", "/reports?status=missing&reason=rejected", "/reports/{lied}",
    "/reports/{stored-0}", "/reports/nothing", "/find?q=ber", "/find?q=zzzz", "/find?q=Oslø", "/receivers",
    "/receivers?q=zzzz", "/receivers/4601", "/receivers/4601/{month}", "/trends", "/confirmation", "/books", "/sql",
    "/sql?query=SELECT+*+FROM+missing_now", "/sql?query=DROP+TABLE+reports", "/accessibility", "/nowhere",
)  # fmt: skip
# One page of each template, but for a statement: this checker began a moment ago, and each of its months is refused.
TEMPLATES = (
    "/", "/reports", "/reports/{lied}", "/receivers", "/receivers/4601", "/receivers/4601/{month}", "/confirmation",
    "/books", "/sql?query=SELECT+*+FROM+missing_now", "/accessibility", "/nowhere", "/find?q=ber", "/trends",
)  # fmt: skip

RULES = {
    "runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"],
    "rules": {"target-size": {"enabled": True}},  # of WCAG 2.2: axe asks it on demand only
}

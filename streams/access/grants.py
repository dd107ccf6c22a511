"""How far somebody reaches: by the scopes of the token, and by the receivers that the organisation acts for."""

from http import HTTPStatus
from typing import NamedTuple

from streams.access.organisations import Mapping
from streams.access.scope import COUNTS, EVERYTHING, Reach, ReceiverScope
from streams.access.tokens import Tokens, Visitor, tokens_of
from streams.problems import Problem
from streams.settings import Settings

NATIONAL = "national"


class Grants(NamedTuple):
    """`tokens` is None where nobody is asked for one, `mapping` where no organisation has rows of its own."""

    settings: Settings
    tokens: Tokens | None
    mapping: Mapping | None

    @property
    def unnamed(self) -> Reach:
        """What everybody sees where nobody is asked for a token."""
        return EVERYTHING if self.settings.view_rows else COUNTS

    def reach(self, visitor: Visitor, wanted: str | None) -> Reach:
        """How far these scopes reach, the widest first; `wanted` leaves out one's own. Raises Problem if nowhere."""
        prefix, rows = self.settings.view_scopes, self.settings.view_rows
        sql = f"{prefix}sql" in visitor.scopes
        scopes = {name for name in ("own", "aggregates", NATIONAL) if prefix + name in visitor.scopes}
        if NATIONAL in scopes:
            return Reach(rows, None, sql)
        if "own" in scopes and wanted != NATIONAL:
            return Reach(rows, self.receivers(visitor), sql)
        if "aggregates" in scopes:
            return Reach(rows=False, sql=sql)
        raise Problem(
            "no-scope",
            f"The token has no scope for this: ask the issuer for {prefix}own, {prefix}aggregates or {prefix}national.",
            status=HTTPStatus.FORBIDDEN,
        )

    def receivers(self, visitor: Visitor) -> frozenset[ReceiverScope]:
        """Those that the visitor's organisation acts for. Raises Problem where there are none."""
        found = self.mapping.receivers_of(visitor.organisation) if self.mapping and visitor.organisation else None
        if not found:
            raise Problem(
                "no-receiver",
                "The organisation that the token acts for is not in the mapping: ask who runs this to add it.",
                status=HTTPStatus.FORBIDDEN,
            )
        return found

    def feeds(self, visitor: Visitor) -> frozenset[str]:
        """Those in whose names the visitor's organisation may deliver."""
        return self.mapping.feeds_of(visitor.organisation) if self.mapping and visitor.organisation else frozenset()


def grants_of(settings: Settings) -> Grants:
    """By the settings. Raises ConfigurationError in one sentence."""
    tokens = tokens_of(settings)
    return Grants(settings, tokens, Mapping(settings.view_mapping) if settings.view_mapping else None)

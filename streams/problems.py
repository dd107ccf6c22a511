"""What went wrong, for programs and people: RFC 9457 problem documents that say what to do."""

from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any, NoReturn

from pydantic import BaseModel, Field

MEDIA_TYPE = "application/problem+json"
_TYPE = "urn:meldingsvakt:problem:"


class Fault(BaseModel):
    """One thing that is wrong with a request."""

    where: str = Field(description="The parameter or field that it is about.")
    detail: str = Field(description="What is wrong with it.")


class ProblemDocument(BaseModel):
    """RFC 9457: a problem, machine-readable by `type`, with what to do in `detail`."""

    type: str = Field(description="A stable name of the kind of problem (a URN).")
    title: str
    status: int
    detail: str
    errors: list[Fault] | None = None


class Problem(Exception):
    """A request that cannot be answered as asked. `kind` is the stable name, `detail` says what to do."""

    status = HTTPStatus.INTERNAL_SERVER_ERROR

    def __init__(self, kind: str, detail: str, *where: str, status: HTTPStatus | None = None) -> None:
        super().__init__(detail)
        self.kind, self.detail = kind, detail
        self.status = status or self.status
        self.errors = [Fault(where=name, detail=detail) for name in where] or None

    def document(self) -> ProblemDocument:
        """As it is sent."""
        return ProblemDocument(
            type=f"{_TYPE}{self.kind}",
            title=self.status.phrase,
            status=self.status.value,
            detail=self.detail,
            errors=self.errors,
        )


class BadRequest(Problem):
    """The request itself must be changed."""

    status = HTTPStatus.BAD_REQUEST


class NotFound(Problem):
    """There is no such thing, or it is none of the asker's business."""

    status = HTTPStatus.NOT_FOUND


def invalid_request(errors: Sequence[Mapping[str, Any]], openapi: str = "/api/v1/openapi.json") -> Problem:
    """What FastAPI found wrong with parameters and bodies; input values are not repeated."""
    found = {_where(error): error for error in errors}  # once each, whatever else it was tried as
    faults = [Fault(where=where, detail=_detail(error)) for where, error in found.items()]
    unknown = [where for where, error in found.items() if error["type"] == "extra_forbidden"]
    if unknown:
        kind = "unknown-parameter"
        detail = f"There is no parameter {unknown[0]}: {openapi} lists those that there are."
    else:
        first = faults[0]
        kind, detail = "invalid-parameter", f"{first.where or 'The request'} cannot be read: {first.detail}."
    problem = Problem(kind, detail, status=HTTPStatus.UNPROCESSABLE_ENTITY)
    problem.errors = faults
    return problem


def _where(error: Mapping[str, Any]) -> str:
    """The parameter or field; not what else is in its place, as the kind of value that was tried."""
    return next((part for part in error["loc"][1:] if isinstance(part, str)), "")


def _detail(error: Mapping[str, Any]) -> str:
    if error["type"] in ("time", "time_range"):
        return "write a time with a zone, as 2026-01-31T12:00:00Z"
    return str(error["msg"])


def not_found(what: str) -> NoReturn:
    """Raise that something is not there."""
    raise NotFound("not-found", f"There is no {what} here: it may be misspelt, or was erased after its keeping time.")

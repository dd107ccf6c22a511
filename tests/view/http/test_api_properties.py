"""Whatever it is asked, the API answers as its description says, and never fails."""

from collections.abc import Iterator
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings

from streams.view.http.application import application
from streams.view.services import Desk
from tests.described import CHECKS, described_by_itself, hold_to_description
from tests.examples import examples
from tests.view.conftest import desk_with, failed
from tests.view.filled import fill

PATHS = [
    "/reports", "/reports.{suffix}", "/reports/{report_id}", "/announcements", "/announcements.{suffix}", "/events",
    "/summary", "/confirmation-times", "/coverage", "/books", "/statements/{municipality}/{month}", "/sql.{suffix}",
]  # fmt: skip


@pytest.fixture(scope="module")
def full() -> Iterator[Desk]:
    """A desk over played reports."""
    desk = desk_with()
    fill(desk)
    yield desk
    desk.answers.close()
    desk.store.close()


@pytest.fixture(scope="module")
def described(full: Desk) -> Any:
    """The application by its own description."""
    app = application(full, failed)
    return described_by_itself(app)


def test_every_route_is_asked(described: Any) -> None:
    assert set(described) == {f"/api/v1{path}" for path in (*PATHS, "/sql")}


@examples(5, 150)
@pytest.mark.parametrize("mode", list(schemathesis.GenerationMode))
@pytest.mark.parametrize("path", PATHS)
def test_no_request_fails_and_every_answer_is_as_described(described: Any, path: str, mode: Any, examples: int) -> None:
    operation = described[f"/api/v1{path}"]["GET"]
    if mode.is_negative and path in ("/coverage", "/books"):
        return  # there is nothing to get wrong
    hold_to_description(operation, mode, examples)


@examples(20, 1_000)
def test_no_sql_fails_and_every_answer_is_as_described(described: Any, examples: int) -> None:
    @settings(max_examples=examples, deadline=None, database=None, suppress_health_check=list(HealthCheck))
    @given(case=described["/api/v1/sql"]["POST"].as_strategy())
    def ask(case: Any) -> None:
        case.validate_response(case.call(), checks=CHECKS)

    ask()

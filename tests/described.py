"""Requests made from an API's own description, and its answers held against that."""

from typing import Any

import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from tests.view.serving import Unlived

CHECKS = [not_a_server_error, status_code_conformance, content_type_conformance, response_schema_conformance]


def described_by_itself(app: Any) -> Any:
    """An application by its own description."""
    schema = schemathesis.openapi.from_dict(app.openapi())
    schema.app = Unlived(app)
    return schema


def hold_to_description(operation: Any, mode: Any, examples: int) -> None:
    """Ask an operation so many times: no request fails, and every answer is as described."""

    @settings(
        max_examples=examples,
        deadline=None,
        database=None,
        phases=(Phase.explicit, Phase.generate),
        suppress_health_check=list(HealthCheck),
    )
    @given(case=operation.as_strategy(generation_mode=mode))
    def ask(case: Any) -> None:
        case.validate_response(case.call(), checks=CHECKS)

    ask()

"""Whatever it is asked, the intake answers as its description says, and never fails."""

import json
import re
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from streams.intake.application import application
from tests.examples import examples
from tests.intake.door import desk_and_kept, failed
from tests.view.serving import Unlived

CHECKS = [not_a_server_error, status_code_conformance, content_type_conformance, response_schema_conformance]
PATHS = [
    ("/proofs", "POST"), ("/lists", "POST"), ("/feeds/{feed}/marks", "POST"), ("/feeds/{feed}", "GET"),
    ("/sent", "POST"), ("/receipts", "POST"), ("/decisions", "POST"),
]  # fmt: skip


@pytest.fixture(scope="module")
def described() -> Any:
    """The application by its own description, over a desk that commits whatever it is given."""
    desk, _ = desk_and_kept()
    app = application(desk, failed)
    schema = schemathesis.openapi.from_dict(app.openapi())
    schema.app = Unlived(app)
    return schema


def test_every_route_is_asked(described: Any) -> None:
    """And its description refers to nothing that is not there."""
    schemas = described.raw_schema["components"]["schemas"]
    references = set(re.findall(r'"\$ref": "([^"]+)"', json.dumps(described.raw_schema)))
    assert references <= {f"#/components/schemas/{name}" for name in schemas}
    assert set(described) == {f"/intake/v1{path}" for path, _ in PATHS}


@examples(5, 150)
@pytest.mark.parametrize("mode", list(schemathesis.GenerationMode))
@pytest.mark.parametrize(("path", "method"), PATHS)
def test_no_request_fails_and_every_answer_is_as_described(
    described: Any, path: str, method: str, mode: Any, examples: int
) -> None:
    operation = described[f"/intake/v1{path}"][method]

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

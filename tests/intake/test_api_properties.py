"""Whatever it is asked, the intake answers as its description says, and never fails."""

import json
import re
from typing import Any

import pytest
import schemathesis

from streams.intake.application import application
from tests.described import described_by_itself, hold_to_description
from tests.examples import examples
from tests.intake.door import desk_and_kept, failed

PATHS = [
    ("/proofs", "POST"), ("/lists", "POST"), ("/feeds/{feed}/marks", "POST"), ("/feeds/{feed}", "GET"),
    ("/sent", "POST"), ("/receipts", "POST"), ("/decisions", "POST"),
]  # fmt: skip


@pytest.fixture(scope="module")
def described() -> Any:
    """The application by its own description, over a desk that commits whatever it is given."""
    desk, _ = desk_and_kept()
    app = application(desk, failed)
    return described_by_itself(app)


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
    hold_to_description(operation, mode, examples)

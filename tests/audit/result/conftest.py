"""Results on disk."""

from pathlib import Path
from typing import Any

import pytest

from streams.audit.result.folder import Options, write_result
from streams.audit.schema import Audited
from tests.audit.result.stock import few, many


def written(audited: Audited, out: Path, **options: Any) -> Path:
    """The folder of a result."""
    write_result(audited, out, options=Options()._replace(**options))
    return out


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The result of a few reports, with a file a receiver."""
    return written(few(), tmp_path_factory.mktemp("small") / "result", per_receiver=True)


@pytest.fixture(scope="module")
def large(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The result of three years."""
    return written(many(), tmp_path_factory.mktemp("large") / "result")


@pytest.fixture(scope="module")
def published(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The result of three years for open publication."""
    return written(many(), tmp_path_factory.mktemp("published") / "result", suppress_small=True)

"""How many random examples a test tries: a few each time, many in the long run."""

import pytest


def examples(few: int, many: int) -> pytest.MarkDecorator:
    """The test takes `examples`: few of them in `make test`, many in `make test-long`."""
    return pytest.mark.parametrize("examples", [few, pytest.param(many, marks=pytest.mark.long)])

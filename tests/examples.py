"""How much a test tries: little in `make test`, much in `make test-long`, which CI runs as well."""

from collections.abc import Iterable
from types import FunctionType
from typing import Any

import pytest
from hypothesis import is_hypothesis_test, settings

# Random examples of what is written with @given, as a share of those that it says, and how many are tried at the least:
# the rest is in `make test-long`.
FEW = 8
AT_LEAST = 4
_SETTINGS = "_hypothesis_internal_use_settings"


def examples(few: int, many: int) -> pytest.MarkDecorator:
    """The test takes `examples`: few of them in `make test`, many in `make test-long`."""
    return pytest.mark.parametrize("examples", [few, pytest.param(many, marks=pytest.mark.long)])


def first(few: int, every: Iterable[Any]) -> list[Any]:
    """The values of a parameter: the first few in `make test`, the others in `make test-long`."""
    values = list(every)
    others = [one if isinstance(one, tuple) else (one,) for one in values[few:]]
    return [*values[:few], *(pytest.param(*one, marks=pytest.mark.long) for one in others)]


def with_few_examples(items: Iterable[pytest.Item]) -> None:
    """Every test that is written with @given tries fewer examples than it says."""
    # Hypothesis marks its tests after this is asked for: so ask it which are its own.
    for test in {item.obj for item in items if isinstance(item, pytest.Function) and is_hypothesis_test(item.obj)}:
        if not isinstance(test, FunctionType):
            continue  # a machine says how many steps it takes, and is one test
        said = getattr(test, _SETTINGS, None) or settings.default
        assert said is not None
        few = max(said.max_examples // FEW, min(AT_LEAST, said.max_examples))
        setattr(test, _SETTINGS, settings(said, max_examples=few))

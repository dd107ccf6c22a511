"""What runs: the project and every distribution that it needs, without the tools of its developers."""

import importlib.metadata
from collections.abc import Iterator
from functools import cache

from packaging.requirements import Requirement
from packaging.utils import NormalizedName, canonicalize_name

PROJECT = canonicalize_name("meldingsvakt")
EXTRAS = frozenset({"java"})


@cache
def running(extras: frozenset[str] = EXTRAS) -> dict[NormalizedName, importlib.metadata.Distribution]:
    """Every distribution that is needed on this machine, by normalised name; the project itself is not among them."""
    found: dict[NormalizedName, importlib.metadata.Distribution] = {}
    looked_at: set[tuple[NormalizedName, frozenset[str]]] = set()
    waiting = [(PROJECT, extras)]
    while waiting:
        asked = waiting.pop()
        if asked in looked_at:
            continue
        looked_at.add(asked)
        name, wanted = asked
        found[name] = importlib.metadata.distribution(name)
        waiting += _needed(found[name], wanted)
    del found[PROJECT]
    return dict(sorted(found.items()))


def _needed(
    distribution: importlib.metadata.Distribution, extras: frozenset[str]
) -> Iterator[tuple[NormalizedName, frozenset[str]]]:
    for line in distribution.requires or ():
        requirement = Requirement(line)
        marker = requirement.marker
        if marker is None or any(marker.evaluate({"extra": extra}) for extra in ("", *extras)):
            yield canonicalize_name(requirement.name), frozenset(requirement.extras)

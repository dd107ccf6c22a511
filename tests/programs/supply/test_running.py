"""What is found to run is what the image's lock file says: by name and version, on this machine."""

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tests.programs.supply.running import running
from tests.programs.supply.sbom import ROOT


def test_what_runs_is_what_the_image_s_lock_file_says() -> None:
    lines = (ROOT / "docker" / "requirements.lock").read_text(encoding="utf-8").splitlines()
    locked = [
        Requirement(line.removesuffix("\\")) for line in lines if "==" in line and not line.startswith((" ", "#"))
    ]
    here = {
        canonicalize_name(one.name): str(one.specifier).removeprefix("==")
        for one in locked
        if one.marker is None or one.marker.evaluate()
    }
    assert len(here) > 30
    assert {name: distribution.version for name, distribution in running(frozenset()).items()} == here

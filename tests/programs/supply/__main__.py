"""`python -m tests.programs.supply sbom` writes the bill of materials, `… licences` prints the licences."""

import sys

from tests.programs.supply.licences import licence_of
from tests.programs.supply.running import running
from tests.programs.supply.sbom import ROOT, bill, fault_of

TARGET = ROOT / "dist" / "sbom.cdx.json"


def main() -> None:
    """Do the one that is asked for."""
    match sys.argv[1:]:
        case ["sbom"]:
            text = bill()
            if (fault := fault_of(text)) is not None:
                sys.exit(f"The bill of materials is not valid CycloneDX, and was not written: {fault}")
            TARGET.parent.mkdir(exist_ok=True)
            TARGET.write_text(text, encoding="utf-8")
            print(TARGET.relative_to(ROOT))
        case ["licences"]:
            for name, distribution in running().items():
                print(f"{name}=={distribution.version}: {licence_of(distribution)}")
        case _:
            sys.exit("Say sbom or licences.")


if __name__ == "__main__":
    main()

"""`python -m tests.audit.damage`: many damaged lines, and what an audit made of them."""

import argparse
import sys
import tempfile
import time
from pathlib import Path

from tests.audit.damage.several import several

STEP = 5_000


def main() -> int:
    """Damage and audit; 1 if anything is wrong."""
    parser = argparse.ArgumentParser(prog="python -m tests.audit.damage", description=__doc__)
    parser.add_argument("--histories", type=int, default=100_000, help="how many damaged lines (100000)")
    parser.add_argument("--seed", type=int, default=int(time.time()), help="the first seed; printed")
    parser.add_argument("--reports", type=int, default=400, help="reports in one audit (400)")
    parser.add_argument("--mistakes", type=int, default=1, help="end after so many audits with mistakes (1)")
    asked = parser.parse_args()
    print(f"first seed {asked.seed}")
    damaged = kept = mistaken = 0
    seed = asked.seed
    while damaged < asked.histories and mistaken < asked.mistakes:
        with tempfile.TemporaryDirectory() as folder:
            least = min(STEP, asked.histories - damaged)
            told = several(Path(folder), seed, damaged=least, most=STEP, reports=asked.reports)
        damaged, kept, seed = damaged + told.damaged, kept + told.kept, told.next_seed
        mistaken += bool(told.wrong)
        for one in told.wrong[:5]:
            print(one)
        print(f"{damaged} damaged, {kept} of them told all the same, {mistaken} audits with mistakes", flush=True)
    return 1 if mistaken else 0


if __name__ == "__main__":
    sys.exit(main())

"""The page: medians, the worst mistakes, and a line for everything that a reader must know."""

from pathlib import Path

from tests.programs.bench.contender import Contender, Job
from tests.programs.bench.measure import Cores, Sample, spent
from tests.programs.bench.report import Setup, fractions, number, page, rows, table
from tests.programs.bench.running import RunOutcome
from tests.programs.bench.truth import Mistakes


class Named(Contender):
    """A contender that is never started."""

    settings, why_wrong = "setting=1", "it guesses"

    def __init__(self, name: str) -> None:
        self.name, self.label = name, name.capitalize()

    def version(self) -> str:
        return "1.0"

    def command(self, job: Job) -> list[str]:
        raise NotImplementedError


CHECKER, PEER = Named("checker"), Named("peer")
SETUP = Setup("2026-01-01", "a machine", "pinned", "a broker", 3, 4, 1000, 1)


def outcome(contender: str, seconds: float, lost: int = 0, *, finished: bool = True) -> RunOutcome:
    wrong = Mistakes(10, lost, 0, 0, 0)
    return RunOutcome(contender, 1000, 1000, 1.0, seconds, seconds, seconds / 2, 0.1, 50_000_000, finished, wrong)


def test_a_figure_is_the_median_of_its_rounds_and_a_mistake_the_worst() -> None:
    (row,) = rows([PEER], [outcome("peer", 1.0), outcome("peer", 10.0, lost=3), outcome("peer", 2.0)])
    assert row.rate == 500
    assert row.cpu_per_million == 1000
    assert row.mistakes == Mistakes(10, 3, 0, 0, 0)


def test_the_quickest_comes_first_and_ours_is_bold() -> None:
    found = rows([CHECKER, PEER], [outcome("checker", 1.0), outcome("peer", 0.5)])
    assert [row.name for row in found] == ["peer", "checker"]
    assert table(found).splitlines()[3].startswith("| **Checker** | 1 000 | ")


def test_every_line_of_the_table_has_as_many_cells() -> None:
    unannounced = outcome("peer", 1.0)._replace(mistakes=None)
    lines = table(rows([CHECKER, PEER], [outcome("checker", 1.0), unannounced])).splitlines()
    assert len({line.count("|") for line in lines}) == 1


def test_one_that_did_not_finish_says_so() -> None:
    assert "Peer (did not finish)" in table(rows([PEER], [outcome("peer", 1.0, finished=False)]))


def test_ours_is_told_as_a_fraction_of_the_others() -> None:
    found = rows([CHECKER, PEER], [outcome("checker", 2.0), outcome("peer", 1.0)])
    assert fractions(found) == ["The checker's events/s are 0.50 of Peer."]


def test_the_page_explains_mistakes_and_names_settings_and_what_was_left_out() -> None:
    contenders = [CHECKER, PEER]
    found = rows(contenders, [outcome("checker", 1.0), outcome("peer", 1.0, lost=1)])
    text = page(SETUP, contenders, found, ["Quix was left out."], "plot.svg")
    assert "Why Peer is wrong where it is: it guesses." in text
    assert "Why Checker" not in text
    assert "Quix was left out." in text
    assert "- **Peer** (1.0): reads sent and stored; setting=1." in text
    assert "2026-01-01; a machine; pinned; a broker" in text


def test_numbers_have_groups_of_three() -> None:
    assert [number(1.4), number(1234567)] == ["1", "1 234 567"]


def test_cpu_time_is_taken_from_the_nearest_samples() -> None:
    samples = [Sample(float(second), second * 0.5, 0) for second in range(10)]
    assert spent(samples, 1.9, 6.2) == 2.0
    assert spent([], 1.0, 2.0) == 0.0


def test_a_machine_with_one_core_is_not_pinned_and_says_so() -> None:
    assert Cores(None, None).told().startswith("not pinned")
    assert Cores(0, 1).told() == "pinned: broker and bench on core 0, the contender on core 1"


def test_a_job_names_its_output_after_itself() -> None:
    assert Job("b", "p.", "app", 4, Path()).output == "app.out"

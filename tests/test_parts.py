"""The parts of `make test` and `make test-long`: all of them run, every test is in one, every folder has a budget."""

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from tests.broker.conftest import gone, wait_until
from tests.budget import budgets, folder_of
from tests.examples import AT_LEAST, FEW
from tests.parts import counted

ROOT = Path(__file__).parent.parent
TARGETS = ("test", "test-long")
MAKEFILE = """
lint:
\t@echo all is well
broken:
\t@echo '=========== 1 failed, 2 passed, 1 skipped in 0.01s ==========='; exit 1
tests:
\t@echo '========= 3 passed, 4 deselected in 61.01s (0:01:01) =========='
slow:
\t@echo $$$$; sleep 60
"""


@pytest.fixture
def makefile(tmp_path: Path) -> Path:
    """A folder with parts that pass and one that fails."""
    (tmp_path / "Makefile").write_text(MAKEFILE)
    return tmp_path


def parts(folder: Path, *arguments: str) -> "subprocess.Popen[str]":
    """The command, over that Makefile."""
    command = [sys.executable, "-m", "tests.parts", *arguments]
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    environment.pop("MAKEFLAGS", None)
    return subprocess.Popen(command, cwd=folder, env=environment, stdout=subprocess.PIPE, text=True)


def test_every_part_runs_even_if_one_fails_and_the_last_line_tells_all(makefile: Path) -> None:
    with parts(makefile, "broken", "tests", "--beside", "lint") as process:
        said, _ = process.communicate(timeout=30)
    assert process.returncode == 1
    assert said.index("1 failed, 2 passed") < said.index("3 passed, 4 deselected") < said.index("all is well")
    last = said.splitlines()[-1]
    assert last.startswith("=== 1 failed, 5 passed, 4 deselected, 1 skipped in ")
    assert last.endswith("lint passed (0 s), broken FAILED (0 s), tests passed (0 s) ===")


def test_all_parts_that_pass_pass_together(makefile: Path) -> None:
    with parts(makefile, "lint", "tests") as process:
        said, _ = process.communicate(timeout=30)
    assert process.returncode == 0
    assert said.splitlines()[-1].startswith("=== 3 passed, 4 deselected in ")


def test_a_part_beside_that_fails_fails_the_whole(makefile: Path) -> None:
    with parts(makefile, "tests", "--beside", "broken") as process:
        said, _ = process.communicate(timeout=30)
    assert process.returncode == 1
    assert "broken FAILED" in said.splitlines()[-1]


def test_who_ends_it_ends_its_parts(makefile: Path) -> None:
    with parts(makefile, "slow") as process:
        assert process.stdout is not None
        shell = int(process.stdout.readline())
        process.terminate()
        process.communicate(timeout=30)
    assert process.returncode == 143
    assert wait_until(lambda: gone(shell))


def test_only_the_last_summary_of_a_part_counts() -> None:
    lines = ["==== 9 failed in 1.00s ====\n", "==== 1 passed, 2 errors in 3.00s ====\n", "= warnings summary =\n"]
    assert counted(lines) == {"passed": 1, "error": 2}
    assert counted(["Success: no issues found in 592 source files\n"]) == {}


def _words(part: str) -> list[str]:
    """The arguments of the pytest that a target of the Makefile runs."""
    said = subprocess.run(["make", "-n", "-o", ".venv/.installed", part], cwd=ROOT, capture_output=True, check=True)
    words = shlex.split(said.stdout.decode(), comments=True)
    return words[words.index("pytest") + 1 :]


def _chosen(words: list[str], marks: set[str]) -> bool:
    """Whether a test with these marks is run."""
    expression = words[words.index("-m") + 1]
    return bool(eval(expression, {name: name in marks for name in ("long", "alone")}))


@pytest.mark.parametrize("marks", [set(), {"alone"}, {"long"}, {"long", "alone"}])
def test_every_test_is_in_one_part(marks: set[str]) -> None:
    parts_ = {part: _words(part) for part in ("test-most", "test-alone", "test-long-most", "test-long-alone")}
    (chosen,) = [part for part, words in parts_.items() if _chosen(words, marks)]
    assert chosen.startswith("test-long") == ("long" in marks)
    for words in parts_.values():
        left_out = [word for word in words if word.startswith(("--ignore", "--deselect", "-k", "tests"))]
        assert left_out == ["--ignore=tests/system/docker/images"]


def test_the_parts_are_made_by_both_commands() -> None:
    made = {target: (ROOT / "Makefile").read_text().split(f"\n{target}: ")[1].split("\n")[1] for target in TARGETS}
    assert made["test"].endswith("--beside check test-most test-alone")
    assert made["test-long"].endswith("test-long-most test-long-examples test-long-alone")


TRIES = f"""
from hypothesis import given, settings, strategies as st
TRIED = []
@given(st.integers())
@settings(max_examples=40)
def test_it(number): TRIED.append(number)
def test_so_many_were_tried(): assert 0 < len(TRIED) <= {max(40 // FEW, AT_LEAST)}
"""


def test_fewer_examples_are_tried_at_first_and_all_of_them_in_the_long_run(tmp_path: Path) -> None:
    """As in a run: Hypothesis' own plugin marks its tests after ours was asked."""
    (tmp_path / "pytest.ini").write_text("[pytest]")
    (tmp_path / "conftest.py").write_text(
        "from tests.examples import with_few_examples as pytest_collection_modifyitems"
    )
    (tmp_path / "test_it.py").write_text(TRIES)
    environment = os.environ | {"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1", "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "-p", "_hypothesis_pytestplugin"]
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
    assert "2 passed" in done.stdout, done.stdout + done.stderr
    makefile = (ROOT / "Makefile").read_text()
    assert re.findall(r"^(\S+): export TEST_FEW_EXAMPLES", makefile, re.MULTILINE) == ["test-most"]
    words = _words("test-long-examples")
    assert words[words.index("-m") + 1] == "hypothesis and not long"


GROUPING = """
import pytest
from pathlib import Path
from tests.groups import FILE, Groups, write
def pytest_configure(config):
    for name in ("long", "kafka"):
        config.addinivalue_line("markers", f"{name}: {name}")
    if not hasattr(config, "workerinput"):
        config.pluginmanager.register(Groups())
@pytest.hookimpl(tryfirst=True)
def pytest_collection_finish(session):
    if hasattr(session.config, "workerinput"):
        write(Path(session.config.workerinput[FILE]), session.items)
"""
GROUPED = """
import pytest, time
pytestmark = [{marks}]
@pytest.mark.parametrize("number", range(6))
def test_it(number): time.sleep(0.1)
"""


def test_what_belongs_together_runs_in_one_process(tmp_path: Path) -> None:
    (tmp_path / "pytest.ini").write_text("[pytest]")
    (tmp_path / "conftest.py").write_text(GROUPING)
    together, kafka, long = 'pytest.mark.xdist_group("together")', "pytest.mark.kafka", "pytest.mark.long"
    marks = {"one": together, "two": f"{kafka}, {together}", "three": kafka, "four": "", "five": long}
    for name, some in marks.items():
        (tmp_path / f"test_{name}.py").write_text(GROUPED.format(marks=some))
    environment = os.environ | {"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1", "PYTHONPATH": str(ROOT)}
    words = _words("test-most")
    many = words[words.index("-n") :]
    command = [sys.executable, "-m", "pytest", "-v", "-p", "no:cacheprovider", "-p", "xdist", *many]
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    ran = set(re.findall(r"\[(gw\d)\] .* PASSED test_(\w+)\.py", done.stdout))
    by_module = {name: {process for process, module in ran if module == name} for name in marks}
    assert by_module["one"] == by_module["two"]
    assert [len(by_module[name]) for name in marks] == [1, 1, 1, 1, int(many[1])], "what is long is spread"


def test_every_folder_of_tests_has_a_budget() -> None:
    modules = [path for path in (ROOT / "tests").rglob("test_*.py") if path != Path(__file__)]
    with_long = [path for path in modules if re.search(r"mark\.long|from tests\.examples import", path.read_text())]
    for run, some in (("test", [Path(__file__), *modules]), ("long", with_long)):
        assert {name for of, name in budgets() if of == run} == {folder_of(str(one.relative_to(ROOT))) for one in some}


CONFTEST = """
from tests.budget import Budgets, Runs
def pytest_configure(config):
    config.addinivalue_line("markers", "long: long")
    config.pluginmanager.register(Runs())
    if not hasattr(config, "workerinput"):
        config.pluginmanager.register(Budgets({("test", "quick"): %s, ("long", "quick"): 100}))
"""
TESTS = """
import pytest, time
def test_short(): time.sleep(0.2)
@pytest.mark.long
def test_long(): time.sleep(0.1)
"""


def run_with(folder: Path, allowed: float, *options: str, no_skips: str = "") -> "subprocess.CompletedProcess[str]":
    """Run a short and a long test of one folder, with a budget for the short one."""
    quick = folder / "tests" / "quick"
    quick.mkdir(parents=True)
    (folder / "pytest.ini").write_text("[pytest]")
    (folder / "conftest.py").write_text(CONFTEST % allowed)
    (quick / "test_it.py").write_text(TESTS)
    alone = {"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}  # they take longer than the tests
    environment = os.environ | alone | {"PYTHONPATH": str(ROOT), "TEST_NO_SKIPS": no_skips}
    command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", *options]
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False, timeout=60)


@pytest.mark.parametrize("processes", [(), ("-p", "xdist", "-n", "2")])
@pytest.mark.parametrize("root", ["project", "long"])
def test_seconds_are_shown_by_folder_and_run(tmp_path: Path, root: str, processes: tuple[str, ...]) -> None:
    done = run_with(tmp_path / root, 50, *processes)
    assert done.returncode == 0, done.stdout
    assert re.search(r"^quick +long +0\.[1-9] s of  100 s$", done.stdout, re.MULTILINE), done.stdout
    assert re.search(r"^quick +test +0\.[2-9] s of   50 s$", done.stdout, re.MULTILINE), done.stdout


@pytest.mark.parametrize(("allowed", "no_skips", "code"), [(0.15, "1", 0), (0.01, "", 0), (0.01, "1", 1)])
def test_only_far_over_its_budget_and_where_nothing_may_be_skipped_a_folder_fails_the_run(
    tmp_path: Path, allowed: float, no_skips: str, code: int
) -> None:
    done = run_with(tmp_path, allowed, no_skips=no_skips)
    assert done.returncode == code, done.stdout
    assert re.search(r"^quick +test .*  OVER$", done.stdout, re.MULTILINE), done.stdout

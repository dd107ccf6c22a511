"""The trial issuer of the secure stack: its tokens are those that the view takes."""

import importlib.util
import json
import os
import stat
from pathlib import Path
from types import ModuleType

import pytest

from streams.access.jwks import Keys
from streams.access.tokens import BadToken, Tokens, Visitor
from tests.system.docker.files import DOCKER, composed

ENVIRONMENT = composed("compose.secure.yaml")["services"]["token"]["environment"]


@pytest.fixture
def issuer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """The script, with folders of this test in place of the volumes."""
    spec = importlib.util.spec_from_file_location("issuer", DOCKER / "secure" / "issuer.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    for name in ("KEY", "JWKS"):
        path = tmp_path / name / getattr(module, name).name
        path.parent.mkdir()
        monkeypatch.setattr(module, name, path)
    monkeypatch.setattr(module, "MELDINGSVAKT_IMAGE", os.getuid())
    for name, value in ENVIRONMENT.items():
        monkeypatch.setenv(name, value)
    return module


def tokens(issuer: ModuleType) -> Tokens:
    """What the view holds a token against."""
    return Tokens(
        ENVIRONMENT["MELDINGSVAKT_VIEW_ISSUER"],
        ENVIRONMENT["MELDINGSVAKT_VIEW_AUDIENCE"],
        frozenset({"RS256"}),
        Keys(str(issuer.JWKS)),
    )


async def test_the_view_takes_its_tokens(issuer: ModuleType) -> None:
    issuer.make_keys()
    token = issuer.token(["own", "sql"], "958935420", "trial", 60)
    assert await tokens(issuer).visitor(token) == Visitor(
        "trial", "958935420", frozenset({"meldingsvakt:own", "meldingsvakt:sql"})
    )


async def test_its_tokens_end(issuer: ModuleType) -> None:
    issuer.make_keys()
    with pytest.raises(BadToken, match="has expired"):
        await tokens(issuer).visitor(issuer.token(["own"], "958935420", "trial", -1))


async def test_a_second_start_keeps_the_key(issuer: ModuleType) -> None:
    issuer.make_keys()
    token = issuer.token(["own"], "958935420", "trial", 60)
    issuer.make_keys()
    assert (await tokens(issuer).visitor(token)).organisation == "958935420"


def test_the_key_is_for_one_user_and_everybody_reads_only_its_public_half(issuer: ModuleType) -> None:
    issuer.make_keys()
    assert stat.S_IMODE(issuer.KEY.stat().st_mode) == 0o400
    assert stat.S_IMODE(issuer.JWKS.stat().st_mode) == 0o444
    (public,) = json.loads(issuer.JWKS.read_text(encoding="utf-8"))["keys"]
    assert set(public) == {"kty", "key_ops", "n", "e", "kid", "alg", "use"}


def test_without_a_key_it_says_what_to_do(issuer: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.argv", ["issuer.py", "token", "own", "--organisation", "958935420"])
    with pytest.raises(SystemExit, match="start the stack first"):
        issuer.main()

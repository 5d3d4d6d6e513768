"""What every test stands on: a home, a store and a person of its own, nobody else's settings."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings

from tests import room, scheduling

ROOT = Path(__file__).parent.parent

# The same examples every time: a red test is red again. Campaigns roam freely.
settings.register_profile("repeatable", derandomize=True, database=None, deadline=None)
settings.load_profile("repeatable")


def pytest_sessionstart(session: pytest.Session) -> None:
    """Say once that the disk is too full, instead of letting a thousand tests fail."""
    if not hasattr(session.config, "workerinput"):
        said = room.lacking(session.config, Path(tempfile.gettempdir()))
        if said:
            pytest.exit(said, returncode=pytest.ExitCode.USAGE_ERROR)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with what takes longest."""
    scheduling.longest_first(items)


@pytest.hookimpl(optionalhook=True)  # of pytest-xdist
def pytest_xdist_make_scheduler(config: pytest.Config, log: object) -> scheduling.ByUnit:
    """Let one worker run all that shares a server, a kernel or an environment."""
    return scheduling.ByUnit(config, log)


@pytest.fixture(autouse=True, scope="session")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Give the session a home folder of its own, with a git identity in it.

    Package caches stay where they are: they hold nothing but public files,
    and filling them anew would take minutes.
    """
    folder = tmp_path_factory.mktemp("home")
    (folder / ".gitconfig").write_text("[user]\n\tname = Ada Tester\n\temail = ada@example.org\n")
    cache = Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache"))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("UV_CACHE_DIR", os.environ.get("UV_CACHE_DIR", str(cache / "uv")))
        patch.setenv("HOME", str(folder))
        patch.setenv("MLOPS_STORE", str(folder / "store"))
        patch.setenv("GIT_CONFIG_NOSYSTEM", "1")
        patch.setenv("MLOPS_SIGN", "0")  # rows are counted in many tests; tests/signing has it on
        patch.setenv("JUPYTER_PLATFORM_DIRS", "1")
        # Some images set the last one; every process would compile all that it imports.
        for name in ("XDG_CACHE_HOME", "XDG_CONFIG_HOME", "XDG_DATA_HOME", "IPYTHONDIR",
                     "PYTHONDONTWRITEBYTECODE"):  # fmt: skip
            patch.delenv(name, raising=False)
        for name in ("GIT_AUTHOR_NAME", "GIT_AUTHOR_EMAIL", "GIT_DIR", "JPY_SESSION_NAME"):
            patch.delenv(name, raising=False)
        yield folder


@pytest.fixture(autouse=True)
def store_folder(
    request: pytest.FixtureRequest,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Path]:
    """Give each test an empty store, which is also what ``MLOPS_STORE`` names.

    It stays for whoever wants to know why the test failed.
    """
    folder, failed = tmp_path_factory.mktemp("store") / "store", request.session.testsfailed
    monkeypatch.setenv("MLOPS_STORE", str(folder))
    yield folder
    if request.session.testsfailed == failed:
        shutil.rmtree(folder.parent, ignore_errors=True)

from __future__ import annotations

import re
from pathlib import Path

import platformdirs
import pytest

from py_mlops.errors import InputError
from py_mlops.records import Author
from py_mlops.store.address import TeamAddress, parse
from py_mlops.workspace import find_author, now, open_workspace, read_settings


@pytest.fixture
def alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home without any setting; return the settings file that may be written."""
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("MLOPS_STORE", raising=False)
    monkeypatch.delenv("MLOPS_CACHE", raising=False)
    for name in ("JUPYTERHUB_USER", "MLOPS_AUTHOR"):
        monkeypatch.delenv(name, raising=False)
    path = platformdirs.user_config_path("py-mlops") / "settings.toml"
    assert path.is_relative_to(tmp_path)
    path.parent.mkdir(parents=True)
    return path


def test_the_nearest_word_on_the_store_wins(alone: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The argument before the environment, before the settings, before the default."""
    assert read_settings().store == str(platformdirs.user_data_path("py-mlops") / "store")
    alone.write_text('store = "~/shared"\ncache = "/big/cache"\nignore = ["*.tmp"]\n')
    assert read_settings().store == str(Path.home() / "shared")
    assert read_settings().cache == Path("/big/cache")
    assert read_settings().ignore == ("*.tmp",)
    monkeypatch.setenv("MLOPS_STORE", "/from/environment")
    assert read_settings().store == "/from/environment"
    assert read_settings(Path("/given")).store == "/given"


@pytest.mark.parametrize(
    "text", ["stoer = '/x'", "store = 1", "ignore = 'x'", "store = [", "\x00", "store = '\\xff"]
)
def test_a_setting_that_cannot_be_meant_is_an_error(alone: Path, text: str) -> None:
    """A misspelt setting is told with the file's name, not passed over."""
    alone.write_text(text)
    with pytest.raises(InputError, match=re.escape(str(alone))):
        read_settings()


def test_observing_is_switched_by_setting_and_variable(
    alone: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is on by default; the environment comes before the settings, and must be a yes or a no."""
    assert read_settings().observe
    alone.write_text("observe = false\n")
    assert not read_settings().observe
    monkeypatch.setenv("MLOPS_OBSERVE", "Yes")
    assert read_settings().observe
    monkeypatch.setenv("MLOPS_OBSERVE", "sometimes")
    with pytest.raises(InputError, match="MLOPS_OBSERVE"):
        read_settings()


def test_the_vault_is_switched_by_setting_and_variable(
    alone: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Wheels of everything are kept only where that is asked for."""
    assert not read_settings().vault
    alone.write_text("vault = true\n")
    assert read_settings().vault
    monkeypatch.setenv("MLOPS_VAULT", "0")
    assert not read_settings().vault
    monkeypatch.setenv("MLOPS_VAULT", "some")
    with pytest.raises(InputError, match="MLOPS_VAULT"):
        read_settings()


def test_reading_settings_makes_no_folder(alone: Path) -> None:
    """Only who opens a workspace makes a store."""
    settings = read_settings()
    assert not Path(settings.store).exists()
    assert not settings.cache.exists()
    opened = open_workspace()
    assert opened.store.folder.is_dir()
    assert opened.store.folder == Path(settings.store)
    opened.store.close()
    assert alone.parent.is_dir()


def test_the_author_is_known_as_well_as_can_be_and_says_how(
    alone: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Login name, unverified; then git; then what one says oneself; then the Hub."""
    assert find_author().source == "unverified"
    (alone.parents[2] / ".gitconfig").write_text("[user]\n\tname = Ann\n\temail = a@example.org\n")
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(alone.parents[2] / ".gitconfig"))
    assert find_author() == Author(name="Ann", email="a@example.org", source="git")
    monkeypatch.setenv("MLOPS_AUTHOR", "Bob <bob@example.org>")
    assert find_author() == Author(name="Bob", email="bob@example.org", source="environment")
    monkeypatch.setenv("MLOPS_AUTHOR", "<only@example.org>")
    assert find_author().name == "only@example.org"
    monkeypatch.setenv("JUPYTERHUB_USER", "carla")
    assert find_author() == Author(name="carla", email=None, source="jupyterhub")


def test_a_machine_without_git_still_knows_somebody(
    alone: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The login name, marked as nobody's word but the machine's."""
    monkeypatch.setenv("PATH", str(alone.parent))
    author = find_author()
    assert (author.source, author.email) == ("unverified", None)
    assert author.name


def test_the_present_moment_is_written_as_records_want_it() -> None:
    """UTC with microseconds, so that texts sort as times do."""
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z", now())
    assert now() <= now()


def test_a_teams_store_is_one_text_or_a_table(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """The table's two parts make the same address as the one text, which children inherit."""
    monkeypatch.delenv("MLOPS_STORE", raising=False)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    table = '[store]\nledger = "postgresql://db/mlops?sslmode=require"\nblobs = "s3://b/p?x=1&y"\n'
    (tmp_path / "py-mlops").mkdir()
    (tmp_path / "py-mlops" / "settings.toml").write_text(table)
    address = read_settings().store
    place = parse(address)
    assert isinstance(place, TeamAddress)
    assert (str(place.ledger), place.blobs) == (
        "postgresql://db/mlops?sslmode=require",
        "s3://b/p?x=1&y",
    )
    monkeypatch.setenv("MLOPS_STORE", address)
    assert read_settings().store == address

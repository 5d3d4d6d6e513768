from __future__ import annotations

from pathlib import Path

import pytest

from py_mlops.environment import uv
from py_mlops.errors import EnvironmentFailure


def test_uv_runs_and_its_output_is_returned(tmp_path: Path) -> None:
    """The program answers, and what it prints can be had."""
    answer = uv.run(["--version"], folder=tmp_path, output=True)
    assert answer.ok
    assert answer.output.startswith(b"uv ")


def test_a_failure_is_told_line_by_line(tmp_path: Path) -> None:
    """What uv complains about is passed on as it comes and returned at the end."""
    lines: list[str] = []
    answer = uv.run(["pip", "install", "-r", "absent.txt"], folder=tmp_path, line=lines.append)
    assert not answer.ok
    assert any("absent.txt" in line for line in lines)
    assert "absent.txt" in answer.error


def test_an_interruption_stops_uv(tmp_path: Path) -> None:
    """When the caller is interrupted while uv works, uv is ended too."""

    def interrupt(_: str) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        uv.run(["pip", "install", "-r", "absent.txt"], folder=tmp_path, line=interrupt)


def test_only_the_users_index_settings_reach_uv(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where packages come from is the user's choice; settings that change versions are dropped."""
    for name in ("UV_DEFAULT_INDEX", "UV_INDEX_CORP_PASSWORD", "UV_CACHE_DIR", "HTTPS_PROXY"):
        monkeypatch.setenv(name, "kept")
    for name in ("UV_PRERELEASE", "UV_OVERRIDE", "UV_NO_BINARY", "VIRTUAL_ENV", "PYTHONPATH"):
        monkeypatch.setenv(name, "dropped")
    seen = uv.surroundings()
    assert seen["UV_DEFAULT_INDEX"] == seen["UV_INDEX_CORP_PASSWORD"] == seen["HTTPS_PROXY"]
    assert "dropped" not in seen.values()
    assert seen["UV_PYTHON_DOWNLOADS"] == "never"


def test_passwords_do_not_come_back(tmp_path: Path) -> None:
    """A password in an index address does not appear in what uv is quoted with."""
    (tmp_path / "list.txt").write_text("six @ https://me:secret@127.0.0.1:9/six-1.0-bad.whl\n")
    answer = uv.run(["pip", "compile", "--offline", "list.txt"], folder=tmp_path)
    assert not answer.ok
    assert "secret" not in answer.error


@pytest.mark.parametrize(
    ("value", "told"), [("1", True), ("true", True), ("0", False), ("", False)]
)
def test_the_users_wish_to_stay_offline_is_seen(
    monkeypatch: pytest.MonkeyPatch, value: str, *, told: bool
) -> None:
    """The setting UV_OFFLINE means what it means to uv."""
    monkeypatch.setenv("UV_OFFLINE", value)
    assert uv.told_offline() is told


def test_a_missing_uv_is_said_with_the_way_to_get_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without uv's program the error says how to install it."""
    monkeypatch.setattr("uv.find_uv_bin", lambda: str(tmp_path / "absent"))
    with pytest.raises(EnvironmentFailure) as caught:
        uv.run(["--version"], folder=tmp_path)
    assert "pip install" in caught.value.hint

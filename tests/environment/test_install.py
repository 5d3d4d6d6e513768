from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from py_mlops.environment.install import install
from py_mlops.environment.installed import installed
from py_mlops.environment.pylock import Entry
from py_mlops.errors import EnvironmentFailure
from py_mlops.progress import Progress, silent

SIX = Entry(
    "six", "1.16.0", "six-1.16.0-py2.py3-none-any.whl",
    "8abb2f1d86890a2dfb989f9a77cfcfd3e47c2a354b01111771326f8aa26e0254", wheel=True,
)  # fmt: skip
HASHED = ["--no-deps", "--require-hashes", "--only-binary", ":all:"]


@pytest.fixture
def target(bare: Any) -> Path:
    """An empty environment."""
    folder: Path = bare.folder
    (folder / ".lists").mkdir()
    return folder


def test_progress_is_told(
    target: Path, bare: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A package that must be fetched is installed, and the steps are told meanwhile."""
    monkeypatch.setenv("UV_CACHE_DIR", str(tmp_path / "empty"))
    said: list[Progress] = []
    install("wheels", [SIX.requirement], HASHED, target, said.append)
    assert [one.name for one in installed([str(bare.site)])] == ["six"]
    assert said[0] == Progress("environment", "Installing 1 package", 0, 1)
    assert any("nstalled" in step.text for step in said[1:-1])
    assert said[-1].done == said[-1].total == 1


def test_other_bytes_are_not_installed(target: Path, bare: Any) -> None:
    """A wheel whose bytes are not the recorded ones is refused by name."""
    wrong = SIX._replace(sha256="0" * 64)
    with pytest.raises(EnvironmentFailure, match="six"):
        install("wheels", [wrong.requirement], HASHED, target, silent)
    assert installed([str(bare.site)]) == []


def test_a_package_that_cannot_be_found_is_named(target: Path) -> None:
    """A package unknown to the index is named, with a hint about indexes."""
    unknown = SIX._replace(name="zz-unheard-of")
    with pytest.raises(EnvironmentFailure, match="zz-unheard-of") as caught:
        install("wheels", [SIX.requirement, unknown.requirement], HASHED, target, silent)
    assert "UV_INDEX" in caught.value.hint


@pytest.mark.usefixtures("unreachable")
def test_an_index_out_of_reach_is_said(target: Path) -> None:
    """When nothing can be fetched, the error speaks of the index, not of the package."""
    with pytest.raises(EnvironmentFailure, match="could not be reached") as caught:
        install("wheels", [SIX.requirement], HASHED, target, silent)
    assert "network" in caught.value.hint

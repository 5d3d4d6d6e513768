from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from py_mlops.environment.install import install
from py_mlops.environment.installed import installed
from py_mlops.environment.pylock import Entry
from py_mlops.errors import EnvironmentFailure
from py_mlops.progress import Progress, Report, silent

SIX = Entry(
    "six", "1.16.0", "six-1.16.0-py2.py3-none-any.whl",
    "8abb2f1d86890a2dfb989f9a77cfcfd3e47c2a354b01111771326f8aa26e0254", wheel=True,
)  # fmt: skip


def install_into(folder: Path, *entries: Entry, report: Report = silent) -> None:
    """Install some wheels of the index into an environment in which there is nothing."""
    install(
        [entry.requirement for entry in entries], folder,
        into=["--python", folder / "bin" / "python"],
        fresh=lambda: None, own_cache=None, compiling=False, report=report,
    )  # fmt: skip


@pytest.fixture
def target(bare: Any) -> Path:
    """An empty environment."""
    folder: Path = bare.folder
    return folder


def test_progress_is_told(
    target: Path, bare: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A package that must be fetched is installed, and the steps are told meanwhile."""
    monkeypatch.setenv("UV_CACHE_DIR", str(tmp_path / "empty"))
    said: list[Progress] = []
    install_into(target, SIX, report=said.append)
    assert [one.name for one in installed([str(bare.site)])] == ["six"]
    assert said[0] == Progress("environment", "Installing 1 package", 0, 1)
    assert any("nstalled" in step.text for step in said[1:-1])
    assert said[-1].done == said[-1].total == 1


def test_other_bytes_are_not_installed(target: Path, bare: Any) -> None:
    """A wheel whose bytes are not the recorded ones is refused by name."""
    wrong = SIX._replace(sha256="0" * 64)
    with pytest.raises(EnvironmentFailure, match="six"):
        install_into(target, wrong)
    assert installed([str(bare.site)]) == []


def test_a_package_that_cannot_be_found_is_named(target: Path) -> None:
    """A package unknown to the index is named, with a hint about indexes."""
    unknown = SIX._replace(name="zz-unheard-of")
    with pytest.raises(EnvironmentFailure, match="zz-unheard-of") as caught:
        install_into(target, SIX, unknown)
    assert "UV_INDEX" in caught.value.hint


@pytest.mark.usefixtures("unreachable")
def test_an_index_out_of_reach_is_said(target: Path) -> None:
    """When nothing can be fetched, the error speaks of the index, not of the package."""
    with pytest.raises(EnvironmentFailure, match="could not be reached") as caught:
        install_into(target, SIX)
    assert "network" in caught.value.hint

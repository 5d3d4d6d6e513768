"""Environments of old Pythons and with packages of every kind come back without any network."""

from __future__ import annotations

import shutil
import sys
import tempfile
from pathlib import Path
from typing import Any

import pytest

from campaigns.environments import CASES, SLICE, NotCovered, Outcome, attempt, ordinary_user


@pytest.fixture(scope="module")
def outcomes(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """Give what came of a case, tried once."""
    known: dict[str, Outcome | None] = {}

    def of(name: str) -> Outcome | None:
        if name not in known:
            try:
                known[name] = attempt(CASES[name], tmp_path_factory.mktemp("environment"))
            except NotCovered as reason:
                sys.stdout.write(f"not covered: {reason}\n")
                known[name] = None
        outcome = known[name]
        if outcome is not None and not outcome.offline:
            sys.stdout.write("not covered: no network namespaces here; uv was told to be offline\n")
        return outcome

    return of


@pytest.mark.parametrize("name", SLICE)
def test_an_environment_comes_back_from_the_vault(outcomes: Any, name: str) -> None:
    """With the environment, uv's cache and the network gone, a bundle reproduces identically."""
    outcome = outcomes(name)
    if outcome is None:
        return
    assert outcome.reproduction["level"] == "identical", outcome.reproduction
    environment = outcome.snapshot["environment"]
    assert environment["interpreter"]["version"] == CASES[name].python
    for one in environment["distributions"]:
        assert one["kept"] or (one["source"] == "conda" and environment["conda"]["kept"])
    assert not [text for text in outcome.holes if "No wheel" in text]
    axes = {axis["name"]: axis for axis in outcome.reproduction["axes"]}
    assert axes["environment"]["state"] == ("different" if CASES[name].own else "same")


def test_every_kind_of_package_is_recorded(outcomes: Any) -> None:
    """Editable with commit and changes, version control by commit, unknown repacked; %pip told."""
    outcome = outcomes("own")
    if outcome is None:
        return
    found = {one["name"]: one for one in outcome.snapshot["environment"]["distributions"]}
    kinds = {"zz-tree": ("editable", "built"), "zz-control": ("vcs", "repacked"),
             "zz-unheard": ("unknown", "repacked"), "ipykernel": ("index", "index")}  # fmt: skip
    for name, kind in kinds.items():
        assert (found[name]["source"], found[name]["kept"]["how"]) == kind
    assert len(found["zz-tree"]["tree"]["commit"]) == 40
    assert found["zz-tree"]["tree"]["diff"]["size"] > 0
    assert found["zz-control"]["origin"].startswith("git+file:")
    assert len(found["zz-control"]["origin"].rpartition("@")[2]) == 40
    assert (found["six"]["version"], found["six"]["loaded"]) == ("1.17.0", "1.16.0")
    (restart,) = [text for text in outcome.holes if text.startswith("six 1.17.0 was installed")]
    assert "1.16.0 was loaded" in restart
    axes = {axis["name"]: axis for axis in outcome.reproduction["axes"]}
    assert any("six as it was loaded" in line for line in axes["environment"]["details"])


def test_an_ordinary_user_without_that_patch_does_the_same() -> None:
    """Somebody without root's files and Pythons takes the nearest patch, which is said."""
    folder = Path(tempfile.mkdtemp(prefix="environment-"))  # pytest's own nobody else may enter
    folder.chmod(0o755)
    try:
        outcome = attempt(CASES["small"], folder, ordinary_user())
    except NotCovered as reason:
        sys.stdout.write(f"not covered: {reason}\n")
        return
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    assert outcome.reproduction["level"] == "identical", outcome.reproduction
    axes = {axis["name"]: axis for axis in outcome.reproduction["axes"]}
    rebuilt = outcome.reproduction["environment"]["interpreter"]["version"]
    if rebuilt != CASES["small"].python:
        assert axes["environment"]["state"] == "close"
        assert f"Python {rebuilt} instead of 3.11.7" in axes["environment"]["text"]
    assert "no network" in axes["isolation"]["text"]

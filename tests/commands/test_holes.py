from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
import pytest

from py_mlops.commands.snapshots.holes import session_holes
from py_mlops.records import Blob, Hole, Program
from py_mlops.records.handover import Handover
from tests.handovers import a_model, executed, handover
from tests.store.samples import digest, snapshot

BLOB = Blob(digest=digest("b"), size=1)
MODEL: dict[str, Any] = {"name": "flowers", "model": "clf", "metrics": [], "holdout": None}


def holes(tmp_path: Path, *, saved: bool = True, **parts: Any) -> list[Hole]:
    """Return the holes of a session; its notebook is saved unless told otherwise."""
    said = msgspec.convert(handover(tmp_path, **parts), Handover)
    program: Program = msgspec.structs.replace(
        snapshot(history=BLOB, lock=BLOB).program, saved=BLOB if saved else None
    )
    return session_holes(said, program)


def test_a_session_that_was_watched_whole_has_none(tmp_path: Path) -> None:
    """Nothing is said where there is nothing to say."""
    assert holes(tmp_path) == []


def test_cells_that_nobody_watched_block_and_are_counted(tmp_path: Path) -> None:
    """What they read is unknown; one cell is one cell."""
    early = executed(1, "x = 1") | {"watched": False}
    [one] = holes(tmp_path, cells=[early, executed(2, "y = 2")])
    assert one.text.startswith("1 cell ran before the extension was loaded")
    assert (one.kind, one.cell, one.blocking) == ("data", 1, True)
    assert "%load_ext py_mlops" in one.hint
    [two] = holes(tmp_path, cells=[early, executed(2, "y = 2") | {"watched": False}])
    assert two.text.startswith("2 cells ran")


def test_a_model_without_held_out_inputs_says_what_is_lost(tmp_path: Path) -> None:
    """It stops nobody, but a rerun is judged by less."""
    [one] = holes(tmp_path, request=MODEL, model=a_model())
    assert (one.kind, one.blocking) == ("holdout", False)
    assert "--holdout" in one.hint


@pytest.mark.parametrize("kind", ["model", "holdout"])
def test_what_could_not_be_serialised_is_told_in_the_kernels_words(
    tmp_path: Path, kind: str
) -> None:
    """A model that is no file, answers that could not be had: the reason is kept."""
    spec = {"shape": [1], "dtype": "float64", "columns": []}
    broken: dict[str, Any] = {
        "model": a_model() | {"artifacts": [], "problem": "It holds a lock."},
        "holdout": {
            "variable": "X", "spec": spec, "file": "", "predictions": [],
            "problem": "It holds a lock.",
        },
    }  # fmt: skip
    request = MODEL | {"holdout": "X"}
    [one] = holes(tmp_path, request=request, **{kind: broken[kind]})
    assert (one.kind, one.text, one.blocking) == (kind, "It holds a lock.", False)


@pytest.mark.parametrize(("entry", "count"), [("notebook", 1), ("headless", 1), ("console", 0)])
def test_a_notebook_that_was_never_saved_is_told(tmp_path: Path, entry: str, count: int) -> None:
    """A console has none to save."""
    found = holes(tmp_path, saved=False, entry=entry)
    assert [one.kind for one in found] == ["program"] * count

"""Snapshots of notebooks that nobody expects, compared: an answer in bounds, or a sentence."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

from py_mlops.workspace import open_workspace
from tests import handovers
from tests.panels.conftest import Panels

MOST = 24 * 1024 * 1024
"""No answer is larger, whatever it is about."""


def cell(source: str, **more: Any) -> dict[str, Any]:
    """Return a code cell without an id."""
    return {
        "cell_type": "code", "metadata": {}, "outputs": [], "execution_count": None,
        "source": source,
    } | more  # fmt: skip


def printed(letter: str) -> dict[str, Any]:
    """Return an output of 50 MB."""
    return {"output_type": "stream", "name": "stdout", "text": f"{letter * 99}\n" * 500_000}


NOTEBOOK: dict[str, Any] = {"nbformat": 4, "nbformat_minor": 4, "metadata": {}}
OLD = {"nbformat": 3, "nbformat_minor": 0, "metadata": {"name": ""}}
PAIRS: dict[str, tuple[Any, ...]] = {
    "large": tuple(NOTEBOOK | {"cells": [cell("f()", outputs=[printed(one)])]} for one in "ab"),
    "many": tuple(
        NOTEBOOK | {"cells": [cell(f"{name} = {n} * {n}") for n in range(2000)]} for name in "xy"
    ),
    "double": tuple(
        NOTEBOOK | {"nbformat_minor": 5, "cells": [cell(f"{one} = 1", id="a")] * 3} for one in "xy"
    ),
    "old": tuple(
        OLD | {"worksheets": [{"metadata": {}, "cells": [
            cell("", language="python", input=[f"print {name}"], prompt_number=1)
        ]}]} for name in "xy"
    ),
}  # fmt: skip


@pytest.mark.parametrize("kind", PAIRS)
def test_compared(panels: Panels, tmp_path: Path, kind: str) -> None:
    """Two snapshots of such a notebook are compared within bounds, and each can be opened."""
    taken = []
    with pytest.MonkeyPatch.context() as patch:
        for name in ("MLOPS_STORE", "MLOPS_CACHE", "MLOPS_AUTHOR", "HOME"):
            patch.setenv(name, panels.environment.get(name, os.environ.get(name, "")))
        workspace = open_workspace()
        for place, content in enumerate(PAIRS[kind]):
            said = handovers.a_project(tmp_path / f"{place}")
            said["request"]["name"] = kind
            Path(said["notebook"]).write_text(json.dumps(content))
            taken.append(
                handovers.take(workspace, tmp_path / f"h{place}", said, model=handovers.MODEL)
            )
        workspace.store.close()
    a, b = taken
    found = panels.ask(f"/snapshots/{b}")
    assert found["summary"]["problem"] == ""
    compared = panels.ask("/compare/notebook", a=a, b=b)
    assert compared["changed"] > 0
    assert len(json.dumps(compared)) < MOST
    assert compared["cut"] == (kind == "large")
    assert panels.ask("/compare", a=a, b=b)["figures"] == []

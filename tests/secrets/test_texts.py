from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import msgspec
import pytest

from py_mlops.errors import NotTrusted
from py_mlops.records.handover import Handover
from py_mlops.secrets.scan import Finding, Scan
from py_mlops.secrets.texts import notebook_texts, refusal, scan_snapshot
from tests.handovers import executed, handover
from tests.secrets.clean import notebook

SECRET = "hunter" + "2x"
LINE = f"password = '{SECRET}'"
NOTHING: dict[str, Any] = {"nbformat": 4, "cells": [], "metadata": {}}


def seen(folder: Path, **parts: Any) -> Handover:
    """Return a handover, decoded."""
    said = handover(folder, **parts) if "cells" in parts else handover(folder, cells=[], **parts)
    return msgspec.json.decode(json.dumps(said), type=Handover)


def places(found: Scan) -> list[str]:
    """Return where something was found."""
    return [one.place for one in found.findings]


def test_everything_a_session_keeps(tmp_path: Path) -> None:
    """Code, outputs, errors, commands and parameters are looked through, each by its name."""
    cells = [executed(1, f"x = 1\n{LINE}", f"{LINE}\n"), executed(2, "x = 2")]
    cells[1]["error"] = f"OperationalError: postgresql://ada:{SECRET}@db/shop"
    handed = seen(
        tmp_path,
        cells=cells,
        commands=[{"cell": 2, "text": f"curl -u ada:{SECRET} https://example.org"}],
        parameters={"db_password": SECRET, "depth": 3},
    )
    assert places(scan_snapshot(handed, None, [])) == [
        "cell [1], line 2",
        "what cell [1] showed, line 1",
        "the error of cell [2], line 1",
        "a command of cell [2], line 1",
        "the parameter db_password, line 1",
    ]


def test_modules_and_requests(tmp_path: Path) -> None:
    """Loose modules, queries and request lines are looked through too."""
    answer = {"key": "0" * 64, "occurrence": 0, "file": "", "size": 0, "problem": ""}
    query = {"kind": "sql", "source": "postgresql://db:5432/shop", "cell": 4,
             "request": f"CREATE USER ada IDENTIFIED BY '{SECRET}'"}  # fmt: skip
    request = {"kind": "http", "source": "https://example.org", "cell": 5,
               "request": f"GET https://ada:{SECRET}@example.org/x"}  # fmt: skip
    found = scan_snapshot(
        seen(tmp_path, answers=[answer | query, answer | request]),
        None,
        [("/project/connect.py", f"import db\n{LINE}\n".encode() + b"\xff\xfe")],
    )
    assert places(found) == [
        "a query of cell [4], line 1",
        "a request of cell [5], line 1",
        "/project/connect.py, line 2",
    ]


def test_the_saved_notebook(tmp_path: Path) -> None:
    """Cells of every type, all text among their outputs, and the notebook's metadata."""
    content = {
        "nbformat": 4,
        "metadata": {"note": LINE},
        "cells": [
            {"cell_type": "markdown", "source": ["# Title\n", f"`{LINE}`"]},
            {"cell_type": "code", "source": LINE, "outputs": [
                {"output_type": "stream", "text": [f"{LINE}\n"]},
                {"output_type": "display_data", "data": {"text/html": f"<b>{LINE}</b>",
                 "image/png": LINE, "application/json": {"password": SECRET}}},
                {"output_type": "error", "traceback": ["x", LINE]},
            ]},
        ],
    }  # fmt: skip
    assert places(scan_snapshot(seen(tmp_path), content, [])) == [
        "the saved notebook's cell 1, line 2",
        "the saved notebook's cell 2, line 1",
        "the output of the saved notebook's cell 2, line 1",
        "the output of the saved notebook's cell 2, line 2",
        "the saved notebook's metadata, line 2",
    ]


def test_an_old_notebook(tmp_path: Path) -> None:
    """Format 3 keeps its cells in worksheets and its code elsewhere; both are looked through."""
    old = {"nbformat": 3, "worksheets": [{"cells": [{"input": LINE, "outputs": [{"text": LINE}]}]}]}
    assert len(scan_snapshot(seen(tmp_path), old, []).findings) == 2


@pytest.mark.parametrize(
    "content", [{}, {"cells": 1}, {"cells": [1, {"source": 2, "outputs": [[], {"data": 3}]}]}]
)
def test_a_broken_notebook(content: dict[str, Any]) -> None:
    """What is no notebook holds no texts."""
    assert [text.text for text in notebook_texts(content) if text.text] == []


def test_clean_notebooks(tmp_path: Path) -> None:
    """Of 120 notebooks full of digests, ids, images and tables at most five in a hundred flag."""
    handed = seen(tmp_path)
    flagged = {
        number: [str(one) for one in found.findings]
        for number in range(120)
        if (found := scan_snapshot(handed, notebook(number), [])).findings
    }
    assert len(flagged) <= 0.05 * 120, flagged


def test_the_refusal() -> None:
    """The error names up to twelve places and both ways on, and never the secret."""
    found = [Finding(f"cell [{n}], line 1", "Password", "…") for n in range(14)]
    error = refusal(Scan(findings=found))
    assert isinstance(error, NotTrusted)
    assert "cell [11], line 1: Password …; and 2 more." in error.message
    assert "--allow-secret REASON" in error.hint
    assert "environment" in error.hint
    one = refusal(Scan(findings=found[:1]))
    assert one.message == (
        "Nothing was stored: this looks like a secret. cell [0], line 1: Password …."
    )

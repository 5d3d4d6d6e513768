"""A notebook of which only the prints tell, and that prints something else each time it runs."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.projects import mlops, write_notebook

TRAINED = "sum(range(10))"
DRAWN = "import os\nprint('run', os.urandom(4).hex() + 'x', 'came to', 45)"
BETTER = "import os\nprint(os.urandom(4).hex() + 'x', 0.9 if os.path.lexists({0!r}) else 0.5)"


@pytest.mark.parametrize(("cell", "level"), [(DRAWN, "within tolerance"), (BETTER, "different")])
def test_what_changes_by_itself_is_told_from_what_has_changed(
    tmp_path: Path, cell: str, level: str
) -> None:
    """A second rerun shows which words are drawn anew; a score that was better once counts."""
    marker = tmp_path / "marker"
    marker.symlink_to("nowhere")
    notebook = write_notebook(tmp_path / "p" / "n.ipynb", [TRAINED, cell.format(str(marker))])
    ran = mlops("run", notebook, "--json", MLOPS_STORE=str(tmp_path / "store"))
    assert ran.code == 0, ran.err
    marker.unlink()
    ended = mlops("reproduce", ran.value[0]["id"], "--json", MLOPS_STORE=str(tmp_path / "store"))
    assert ended.value["level"] == level, ended.value
    varies = "changes each time it runs" in ended.value["reason"]
    assert varies == (level == "within tolerance")

"""A file that a notebook writes to and does not close."""

from __future__ import annotations

from pathlib import Path

from tests.live import LiveKernel
from tests.projects import mlops


def test_a_file_that_is_still_open_is_taken_whole(kernel: LiveKernel, tmp_path: Path) -> None:
    """What was written so far is in the snapshot, and its rerun is no different."""
    kernel.run("%load_ext py_mlops")
    kernel.run("scores = open('scores.csv', 'w')\n_ = scores.write('fold,score\\n1,0.5\\n')")
    assert "captured" in kernel.run("%mlops snapshot open")
    assert (tmp_path / "scores.csv").read_text() == "fold,score\n1,0.5\n"
    ended = mlops("reproduce", "open", "--json").value
    assert ended["level"] in {"identical", "equivalent"}, ended

"""The tour that the README promises, from the first snapshot to the refusal."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parent.parent


def test_the_tour_comes_out_as_the_readme_says() -> None:
    """Snapshot, loss, upgrade, an identical rerun, then the altered byte refused by name."""
    tour = subprocess.run(
        [sys.executable, ROOT / "examples" / "tour.py"],
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )
    assert tour.returncode == 0, tour.stdout + tour.stderr
    said = tour.stdout.split("── ")
    assert "captured" in said[1]
    assert "identical" in said[3]
    assert "cannot" in said[4]
    assert "data/digits.csv" in said[4]
    assert "all as written" in said[5]

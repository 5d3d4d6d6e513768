"""The environments that ``make kernels`` has made, in which py-mlops is not installed."""

from __future__ import annotations

from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent.parent
PLACE = ROOT / ".venv-kernels"
VERSIONS = ("3.8", "3.9", "3.10", "3.11", "3.12", "3.13")


def python_of(name: str) -> str:
    """Return the interpreter of an environment; say that it is not covered where there is none."""
    if not (PLACE / name / ".installed").exists():
        pytest.skip(
            f"not covered: {name}, this machine has no such Python, or `make kernels` to do"
        )
    return str(PLACE / name / "bin" / "python")

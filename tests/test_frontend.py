"""The panel's build is the same everywhere: exact versions, no registry, built into the sdist."""

from __future__ import annotations

import json
import re
from pathlib import Path

import hatch_build

ROOT = Path(__file__).parent.parent


def test_lock_names_no_registry() -> None:
    """The lock of the panel's libraries holds versions and digests, and no address."""
    lock = (ROOT / "yarn.lock").read_text()
    assert re.search(r"^  checksum: [0-9a-f]{64,}$", lock, re.MULTILINE)
    assert not re.findall(r"https?://\S+", lock)


def test_same_version() -> None:
    """The panel has the version of the package that it is part of."""
    version = re.search(r'__version__ = "(.+)"', (ROOT / "py_mlops" / "__init__.py").read_text())
    assert version
    assert json.loads((ROOT / "package.json").read_text())["version"] == version[1]


def test_only_a_distribution_carries_it_built(tmp_path: Path) -> None:
    """A checkout builds the panel anew; what a source distribution carries is taken as it is."""
    (tmp_path / "labextension").mkdir()
    (tmp_path / "labextension" / "package.json").write_text("{}")
    assert not hatch_build.carries_panel(tmp_path)
    (tmp_path / "PKG-INFO").write_text("")
    assert hatch_build.carries_panel(tmp_path)

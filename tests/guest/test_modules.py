from __future__ import annotations

import importlib
import sys
import types
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from py_mlops.guest import places
from py_mlops.guest.modules import loose_modules


@pytest.fixture
def found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[str, str]]:
    """Import modules of every kind and return the loose ones below the folder."""
    (tmp_path / "loose_one.py").write_text("")
    (tmp_path / "loose_package").mkdir()
    (tmp_path / "loose_package/__init__.py").write_text("from . import part")
    (tmp_path / "loose_package/part.py").write_text("")
    (tmp_path / "loose_namespace").mkdir()
    (tmp_path / "loose_namespace/inner.py").write_text("")
    (tmp_path / "lib/site-packages").mkdir(parents=True)
    (tmp_path / "lib/site-packages/loose_installed.py").write_text("")
    with zipfile.ZipFile(tmp_path / "archive.zip", "w") as archive:
        archive.writestr("loose_zipped.py", "")
    for folder in (tmp_path, tmp_path / "archive.zip", tmp_path / "lib/site-packages"):
        monkeypatch.syspath_prepend(str(folder))
    names = ["loose_one", "loose_package", "loose_namespace.inner", "loose_installed"]
    for name in [*names, "loose_zipped"]:
        importlib.import_module(name)
    broken = types.ModuleType("loose_broken")
    broken.__dict__["__getattr__"] = lambda _name: 1 / 0
    sys.modules.update({"loose_broken": broken, "loose_object": object()})  # type: ignore[dict-item]  # as some libraries do
    modules = loose_modules([str(tmp_path), *places.prefixes()])
    yield {item["module"]: item["path"] for item in modules if "loose_" in item["module"]}
    for name in [name for name in sys.modules if name.startswith("loose_")]:
        del sys.modules[name]


def test_loose_modules(found: dict[str, str], tmp_path: Path) -> None:
    """Modules, packages and parts of namespaces beside the notebook are found, nothing else."""
    assert found == {
        "loose_namespace.inner": str(tmp_path / "loose_namespace/inner.py"),
        "loose_one": str(tmp_path / "loose_one.py"),
        "loose_package": str(tmp_path / "loose_package/__init__.py"),
        "loose_package.part": str(tmp_path / "loose_package/part.py"),
    }


def test_ourselves() -> None:
    """Our own modules are no part of anyone's program."""
    assert not [m for m in loose_modules([]) if m["module"].partition(".")[0] == "py_mlops"]

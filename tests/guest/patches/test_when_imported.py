from __future__ import annotations

import importlib
import importlib.util
import sys
from pathlib import Path
from types import ModuleType

import pytest

from py_mlops.guest.patches import CLIENTS
from py_mlops.guest.patches.when_imported import failures, when_imported


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a folder that modules are imported from."""
    monkeypatch.syspath_prepend(str(tmp_path))
    return tmp_path


def write(folder: Path, name: str, text: str = "value = 1\n") -> list[ModuleType]:
    """Write a module, and return the list of its patchings."""
    (folder / f"{name}.py").write_text(text)
    importlib.invalidate_caches()
    seen: list[ModuleType] = []
    when_imported(name, seen.append)
    return seen


def test_it_runs_after_the_module_was_executed(folder: Path) -> None:
    """The patch gets the finished module, once, before the import statement ends."""
    seen = write(folder, "wi_plain")
    assert seen == []
    module = importlib.import_module("wi_plain")
    assert seen == [module]
    assert module.value == 1


def test_it_runs_at_once_on_what_is_imported(folder: Path) -> None:
    """A module that is there already is patched at once."""
    write(folder, "wi_there")
    module = importlib.import_module("wi_there")
    seen: list[ModuleType] = []
    when_imported("wi_there", seen.append)
    assert seen == [module]


def test_the_loader_is_the_one_of_an_ordinary_import(folder: Path) -> None:
    """Nobody can tell from the module or its specification that it was followed."""
    write(folder, "wi_loader")
    (folder / "wi_ordinary.py").write_text("value = 1\n")
    followed = importlib.import_module("wi_loader")
    ordinary = importlib.import_module("wi_ordinary")
    for module in (followed, ordinary):
        assert module.__spec__ is not None
        assert module.__loader__ is module.__spec__.loader
    assert type(followed.__loader__) is type(ordinary.__loader__)
    assert set(vars(followed.__loader__)) == set(vars(ordinary.__loader__))


def test_a_reload_is_patched_again(folder: Path) -> None:
    """After importlib.reload the patch has run on the new content."""
    seen = write(folder, "wi_again")
    importlib.reload(importlib.import_module("wi_again"))
    assert len(seen) == 2


def test_a_lazy_module_stays_lazy(folder: Path) -> None:
    """A module behind a lazy loader is patched when it is used first, not before."""
    seen = write(folder, "wi_lazy")
    spec = importlib.util.find_spec("wi_lazy")
    assert spec is not None
    assert spec.loader is not None
    spec.loader = loader = importlib.util.LazyLoader(spec.loader)
    module = importlib.util.module_from_spec(spec)
    sys.modules["wi_lazy"] = module
    loader.exec_module(module)
    assert seen == []
    assert module.value == 1
    assert seen == [module]


def test_a_failed_import_can_be_tried_again(folder: Path) -> None:
    """An import that raises is not patched; the next one, which succeeds, is."""
    seen = write(folder, "wi_broken", "raise RuntimeError('broken')\n")
    with pytest.raises(RuntimeError, match="broken"):
        importlib.import_module("wi_broken")
    assert seen == []
    (folder / "wi_broken.py").write_text("value = 22\n")
    importlib.invalidate_caches()
    assert importlib.import_module("wi_broken").value == 22
    assert len(seen) == 1


def test_a_namespace_package_is_imported_as_ever(folder: Path) -> None:
    """A package without a file of its own imports, watched or not."""
    (folder / "wi_space").mkdir()
    when_imported("wi_space", print)
    assert importlib.import_module("wi_space").__path__


def test_a_patch_that_fails_is_counted(folder: Path) -> None:
    """The import succeeds whatever the patch raises."""
    write(folder, "wi_fails")

    def fail(_module: ModuleType) -> None:
        raise RuntimeError("ours")

    when_imported("wi_fails", fail)
    before = failures()
    assert importlib.import_module("wi_fails").value == 1
    assert failures() == before + 1


def test_each_client_is_loaded_with_what_it_patches() -> None:
    """The table by which clients are loaded names all that they patch, and no more."""
    for client, names in CLIENTS.items():
        patches = importlib.import_module(f"py_mlops.guest.patches.{client}").PATCHES
        assert sorted(patches) == sorted(names)

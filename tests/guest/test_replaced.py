from __future__ import annotations

import sys
import types
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path

import pytest

from py_mlops.guest.replaced import Replaced


class Shell:
    """IPython's events, of which a cell is a call of `run`."""

    def __init__(self) -> None:
        """Begin without listeners."""
        self.events = self
        self.cell = 0
        self.heard: dict[str, list[Callable[[object], None]]] = {
            "pre_run_cell": [],
            "post_run_cell": [],
        }

    def register(self, event: str, listener: Callable[[object], None]) -> None:
        """Take a listener."""
        self.heard[event].append(listener)

    def paused(self) -> AbstractContextManager[None]:
        """Return nothing to wait for."""
        return nullcontext()

    def run(self, cell: Callable[[], None]) -> None:
        """Run a cell."""
        self.cell += 1
        for listener in self.heard["pre_run_cell"]:
            listener(None)
        cell()
        for listener in self.heard["post_run_cell"]:
            listener(None)


def put(site: Path, version: str, name: str = "zz_replaced") -> None:
    """Install a version of a package of one module, as an installer does."""
    for old in site.glob(f"{name}-*.dist-info"):
        (old / "RECORD").unlink()
        old.rmdir()
    info = site / f"{name}-{version}.dist-info"
    info.mkdir()
    (info / "RECORD").write_text(f"{name}.py,,\n{info.name}/RECORD,,\n")


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of packages on the path, with version 1.0 of one."""
    folder = tmp_path / "site-packages"
    folder.mkdir()
    put(folder, "1.0")
    monkeypatch.syspath_prepend(folder)
    monkeypatch.delitem(sys.modules, "zz_replaced", raising=False)
    return folder


@pytest.fixture
def shell() -> Shell:
    """A shell."""
    return Shell()


def watch(shell: Shell) -> Replaced:
    """Watch a shell."""
    found = Replaced()
    found.attach(shell, shell)
    return found


def load(monkeypatch: pytest.MonkeyPatch) -> None:
    """Import the package."""
    monkeypatch.setitem(sys.modules, "zz_replaced", types.ModuleType("zz_replaced"))


def test_a_loaded_package_that_is_upgraded_needs_a_restart(
    site: Path, shell: Shell, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Loaded and installed version and the cell are told, also after a second upgrade."""
    watched = watch(shell)
    shell.run(lambda: load(monkeypatch))
    shell.run(lambda: put(site, "2.0"))
    told = {"name": "zz-replaced", "loaded": "1.0", "version": "2.0", "cell": 2}
    assert watched.seen() == [told]
    shell.run(lambda: put(site, "3.0"))
    assert watched.seen() == [{**told, "version": "3.0"}]
    shell.run(lambda: put(site, "1.0"))
    assert watched.seen() == []


def test_what_was_not_loaded_or_is_loaded_anew_needs_none(
    site: Path, shell: Shell, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An upgrade before the import is none, and a new import of it makes it good."""
    watched = watch(shell)
    shell.run(lambda: put(site, "2.0"))
    shell.run(lambda: load(monkeypatch))
    assert watched.seen() == []
    shell.run(lambda: put(site, "3.0"))
    assert [one["loaded"] for one in watched.seen()] == ["2.0"]
    shell.run(lambda: load(monkeypatch))
    assert watched.seen() == []

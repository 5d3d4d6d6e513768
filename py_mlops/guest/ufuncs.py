"""Spares a kernel the search that skops makes when it is imported: every module for every ufunc.

skops asks of some 350 ufuncs in which module they are, and looks for each through
all that is imported. In a kernel with pandas and scikit-learn that takes seconds
(more than all the rest of a snapshot); with a table made once it takes none.
"""

from __future__ import annotations

import sys
from contextlib import contextmanager, suppress
from importlib.machinery import ModuleSpec, PathFinder
from typing import Any, Iterator, Sequence

_SEARCHING = "skops.io._utils"


@contextmanager
def found_at_once() -> Iterator[None]:
    """Return a context in which skops may be imported without searching.

    Its answers are those of its own search, which it has back at the end.
    """
    if _SEARCHING in sys.modules:
        yield
        return
    finder = _Finder()
    sys.meta_path.insert(0, finder)
    try:
        yield
    finally:
        sys.meta_path.remove(finder)
        searching = sys.modules.get(_SEARCHING)
        if searching is not None and finder.search is not None:
            searching.whichmodule = finder.search  # type: ignore[attr-defined]  # a module of skops


class _Finder:
    """Finds the one module of skops that searches, and gives it a table."""

    search: Any = None

    def find_spec(
        self, name: str, path: Sequence[str] | None = None, target: Any = None
    ) -> ModuleSpec | None:
        """Answer for that module only; see ``importlib.abc.MetaPathFinder``."""
        if name != _SEARCHING:
            return None
        spec = PathFinder.find_spec(name, path, target)
        if spec is not None and spec.loader is not None:
            execute = spec.loader.exec_module

            def execute_and_change(module: Any) -> None:
                execute(module)
                self.search = getattr(module, "whichmodule", None)
                if self.search is not None:
                    module.whichmodule = _with_table(self.search)

            spec.loader.exec_module = execute_and_change  # type: ignore[method-assign]  # this once
        return spec


def _with_table(search: Any) -> Any:
    table: dict[int, str] = {}

    def whichmodule(obj: Any, name: str) -> str:
        known = None
        if getattr(obj, "__module__", None) is None:
            if not table:
                table.update(_ufuncs())
            known = table.get(id(obj))
        found: str = known or search(obj, name)
        return found

    return whichmodule


def _ufuncs() -> dict[int, str]:
    """Return for each ufunc that is imported the first module that has it under its own name."""
    numpy = sys.modules.get("numpy")
    kind = getattr(numpy, "ufunc", None)
    table: dict[int, str] = {}
    for name, module in list(sys.modules.items()):
        if name in ("__main__", "__mp_main__"):
            continue
        # Nothing that stands there is asked anything: a lazy module would import itself, a lazy
        # setting would set itself up, which may fail.
        with suppress(Exception):
            for attribute, value in list(object.__getattribute__(module, "__dict__").items()):
                if type(value) is kind and value.__name__ == attribute:
                    table.setdefault(id(value), name)
    return table

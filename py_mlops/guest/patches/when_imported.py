"""Runs a function on a module right after the module was imported, whenever that is."""

from __future__ import annotations

import sys
from typing import Any, Callable

Patch = Callable[[Any], None]


class _Finder:
    """Finds nothing itself: it asks the other finders, and follows up what they load.

    The loader that they answer with stays the one that everybody sees. Only its
    ``exec_module`` is ours, from the finding of the module until it is executed.
    """

    def __init__(self) -> None:
        self.patches: dict[str, list[Patch]] = {}
        self.failures = 0

    def find_spec(self, name: str, path: Any = None, target: Any = None) -> Any:
        if name not in self.patches:
            return None
        for finder in list(sys.meta_path):
            find = None if finder is self else getattr(finder, "find_spec", None)
            spec = find(name, path, target) if find is not None else None
            if spec is not None:
                self._follow(name, spec.loader)
                return spec
        return None

    def _follow(self, name: str, loader: Any) -> None:
        # A lazy loader executes nothing but this one inside it, at the first use.
        lazily = getattr(loader, "loader", None)
        loader = lazily if hasattr(lazily, "exec_module") else loader
        execute = getattr(loader, "exec_module", None)
        if execute is None or isinstance(loader, type) or not hasattr(loader, "__dict__"):
            return  # a namespace, or built into the interpreter

        def exec_module(module: Any) -> None:
            ours = module.__spec__.name == name
            if ours:
                loader.__dict__.pop("exec_module", None)
            execute(module)
            if ours:
                self.run(name, module)

        try:
            loader.exec_module = exec_module
        except Exception:
            self.failures += 1

    def run(self, name: str, module: Any) -> None:
        for patch in self.patches[name]:
            self.apply(patch, module)

    def apply(self, patch: Patch, module: Any) -> None:
        try:
            patch(module)
        except Exception:
            self.failures += 1


_finder = _Finder()


def when_imported(name: str, patch: Patch) -> None:
    """Run a patch right after a module was executed, at once if it already was.

    It runs again when the module is reloaded. What it raises is swallowed.

    Args:
        name: The module's full name.
        patch: Takes the module.
    """
    if _finder not in sys.meta_path:
        sys.meta_path.insert(0, _finder)
    _finder.patches.setdefault(name, []).append(patch)
    module = sys.modules.get(name)
    if module is not None:
        _finder.apply(patch, module)


def failures() -> int:
    """Return how many patches could not be applied."""
    return _finder.failures

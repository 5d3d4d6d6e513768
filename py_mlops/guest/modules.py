"""Which imported modules belong to the program rather than to an installed package."""

from __future__ import annotations

import os
import sys
from typing import Any, Iterable

from . import places

_SUFFIXES = (".py", ".so")
_OURS = __name__.partition(".")[0]


def loose_modules(prefixes: Iterable[str]) -> list[dict[str, str]]:
    """Return the imported modules that lie in no installed package.

    Args:
        prefixes: Folders of the interpreter and its packages.

    Returns:
        Dicts in the shape of ``records.handover.SeenModule``, by name. What has
        no source file is not among them: ``__main__``, namespace packages,
        modules in archives and compiled files without source.
    """
    installed = tuple(os.path.join(path, "") for path in places.installed(prefixes))
    found = {}
    for name, module in list(sys.modules.items()):
        path = _source(module, installed)
        own = name.partition(".")[0] in (_OURS, "py_mlops", "__main__", "__mp_main__")
        if path is not None and not own and not path.startswith(installed):
            found[name] = path
    return [{"module": name, "path": found[name]} for name in sorted(found)]


def _source(module: Any, installed: tuple[str, ...]) -> str | None:
    try:
        # Looked up past __getattr__: a lazy module would import itself.
        path = object.__getattribute__(module, "__dict__").get("__file__")
        if not isinstance(path, str) or not path.endswith(_SUFFIXES):
            return None
        if path.startswith(installed) and ".." not in path:
            return None  # without a look at the disk: these are thousands
        path = os.path.abspath(path)
        path.encode()
    except Exception:  # anything may stand in sys.modules
        return None
    return path if os.path.isfile(path) else None

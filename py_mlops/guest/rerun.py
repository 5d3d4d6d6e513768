"""How ``%mlops`` answers inside a rerun: it does nothing, and the run's end is measured."""

from __future__ import annotations

import sys
import types
from typing import Any

from . import session as _session
from . import versions
from .chance import chance
from .observe import observer

PRODUCT = "py_mlops"


def install(shell: Any) -> None:
    """Let ``%load_ext py_mlops`` and every ``%mlops …`` succeed without our package.

    A rerun must neither need our package in the rebuilt environment nor take
    snapshots of its own, so a stand-in answers for it.

    Args:
        shell: The IPython shell.
    """
    stand_in = types.ModuleType(PRODUCT, "Stands in for the product during a rerun.")
    stand_in.__dict__.update(load_ipython_extension=_loaded, unload_ipython_extension=_nothing)
    sys.modules[PRODUCT] = stand_in
    shell.register_magic_function(_mlops, "line", "mlops")
    observer().originals.wanted = False  # the store has them
    versions.watch(shell)  # first of all: autoreload looks at times before each cell
    _session.start(shell)


def _loaded(_shell: Any) -> None:
    chance().loaded()


def _nothing(_shell: Any) -> None:
    pass


def _mlops(line: str) -> None:
    verb = line.split(" ", 1)[0]
    sys.stdout.write(f"%mlops {verb}: nothing to do in a rerun; its end is measured.\n")

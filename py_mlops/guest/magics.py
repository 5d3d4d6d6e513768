"""``%mlops`` in an observed kernel: the installed extension, or else the Python that started us."""

from __future__ import annotations

import importlib.abc
import importlib.machinery
import importlib.util
import json
import os
import shlex
import sys
import tempfile
from typing import Any

from . import session as _session
from .answer import Shown, ask
from .problem import Problem
from .request import parse_snapshot
from .started import scratch

PRODUCT = "py_mlops"
MAGIC = "mlops"
LINE = "line"
VERBS = (
    "snapshot", "status", "log", "show", "diff", "reproduce", "restore", "bundle", "explain",
    "impact", "history",
)  # fmt: skip
_NOTHING: dict[str, Any] = {"name": "status", "model": None, "metrics": [], "holdout": None}


def install(shell: Any) -> None:
    """Let ``%mlops …`` and ``%load_ext py_mlops`` work, whether our package is installed or not.

    Args:
        shell: The IPython shell; a magic that it has already stays.
    """
    sys.meta_path.append(_StandIn())
    if MAGIC not in shell.magics_manager.magics["line"]:
        shell.register_magic_function(Magic(shell), "line", MAGIC)


class Magic:
    """Answers ``%mlops LINE``; at its first use it makes way for the extension, if there is one."""

    __name__ = MAGIC

    def __init__(self, shell: Any) -> None:
        """Remember the shell; nothing is looked for before the first use."""
        self._shell = shell

    def __call__(self, line: str) -> None:
        """Answer a line. Errors of ours are shown, not raised."""
        if self._extension():
            self._shell.run_line_magic(MAGIC, line)
            return
        shown = Shown()
        session = _session.start(self._shell)
        with session.paused():
            try:
                self._answer(session, line.strip(), shown)
            except Problem as problem:
                shown.problem(problem.message, problem.hint)
            except Exception as error:
                shown.problem(f"An error in mlops itself: {type(error).__name__}: {error}.", "")

    def _extension(self) -> bool:
        """Load the extension; say whether it has taken the magic over."""
        if not _is_installed():
            return False
        try:
            self._shell.extension_manager.load_extension(PRODUCT)
        except Exception:  # made for another Python, or half installed
            return False
        return self._shell.magics_manager.magics["line"].get(MAGIC) is not self

    def _answer(self, session: Any, line: str, shown: Shown) -> None:
        verb = line.partition(" ")[0]
        if verb not in VERBS:
            raise _unknown(verb)
        with tempfile.TemporaryDirectory(prefix="mlops-", dir=scratch()) as folder:
            if verb == "snapshot":
                shown.line("measuring and writing what the kernel holds")
                session.hand_over(parse_snapshot(line.partition(" ")[2]).request, folder)
            elif verb == "status":
                _write(os.path.join(folder, _session.FILE), json.dumps(session.seen(_NOTHING)))
            _write(os.path.join(folder, LINE), line)
            answer = ask(folder, shown)
        if verb == "snapshot" and answer.get("id"):
            _tell_headless_run(answer["id"])


class _StandIn(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """Finds an empty ``py_mlops`` behind everybody else, so that ``%load_ext`` has one to load."""

    def find_spec(self, name: str, _path: Any = None, _target: Any = None) -> Any:
        """Return a spec for our package, ``None`` for every other name."""
        return importlib.machinery.ModuleSpec(name, self) if name == PRODUCT else None

    def create_module(self, _spec: Any) -> None:
        """Leave it to Python to make an ordinary module."""

    def exec_module(self, module: Any) -> None:
        """Give the module what ``%load_ext`` and ``%unload_ext`` look at."""
        module.__file__ = ""  # before IPython 8.13 no module may be without
        for name in ("load_ipython_extension", "unload_ipython_extension"):
            setattr(module, name, lambda _shell: None)


def _is_installed() -> bool:
    loaded = sys.modules.get(PRODUCT)
    spec = loaded.__spec__ if loaded else importlib.util.find_spec(PRODUCT)
    return spec is not None and not isinstance(spec.loader, _StandIn)


def _unknown(verb: str) -> Problem:
    if verb == "load":
        return Problem(
            "%mlops load needs our package in this kernel.",
            "Install py-mlops into this environment and restart the kernel; or ask the model with "
            "`mlops predict` in a terminal.",
        )
    return Problem(
        f"%mlops {shlex.quote(verb)} is not known." if verb else "%mlops needs a verb.",
        f"The verbs are {', '.join(VERBS)}.",
    )


def _write(path: str, text: str) -> None:
    with open(path, "w", encoding="utf-8") as stream:
        stream.write(text)


def _tell_headless_run(identifier: str) -> None:
    """Leave the snapshot's id where the headless run that started this kernel looks for it."""
    folder = os.environ.get("MLOPS_HANDOVER")
    if folder:
        with open(os.path.join(folder, _session.TAKEN), "a", encoding="utf-8") as stream:
            stream.write(identifier + "\n")

"""One watched kernel session: its observers, and the folder it hands over at a snapshot.

What is only needed to hand over is imported then: no kernel waits for it at its start.
"""

from __future__ import annotations

import contextlib
import itertools
import json
import os
from typing import Any, ContextManager

from . import shell as _shell
from .cells import CellWatch
from .chance import VARIABLE, chance
from .folders import working
from .identity import identity
from .observe import observer
from .patches import record_here
from .patches.loopback import was_too_early
from .patches.tape import opened
from .problem import Problem
from .replaced import Replaced
from .surroundings import at_start
from .variables import variables

FILE = "handover.json"
TAKEN = "snapshots"
_TOLD_IN_WORDS = ("audit-hook", "shell-command")
"""Observers that know how the program named a file."""
_current: Session | None = None


class Session:
    """A shell with its observers attached.

    Attributes:
        directory: The folder the kernel started in.
    """

    def __init__(self, shell: Any) -> None:
        """Attach the observers to a shell."""
        self.directory = working()
        self._shell = shell
        self._observer = observer()
        self._observer.start()
        with contextlib.suppress(Exception), self._observer.paused():
            self._observer.level.start_without_tracer(self.directory)
        with contextlib.suppress(Exception):
            record_here()
        self._cells = CellWatch()
        self._cells.attach(shell, self._observer)
        self._commands = _shell.watch(shell, self._observer)
        self._replaced = Replaced()
        with contextlib.suppress(Exception), self._observer.paused():
            self._replaced.attach(shell, self._observer)
        self._surroundings = at_start()
        self._chance, self._variables = chance(), variables()
        with contextlib.suppress(Exception):  # what they keep is not worth the kernel
            asked = len(shell.history_manager.input_hist_raw) > 1
            self._chance.begin(shell, loaded=asked, recorded=os.environ.get(VARIABLE, ""))
            self._variables.start()

    def paused(self) -> ContextManager[None]:
        """Return a context in which this thread's file accesses are not observed."""
        return self._observer.paused()

    def exclude(self, folder: str) -> None:
        """Leave everything below a folder of ours out, also what was seen there."""
        self._observer.exclude(folder)

    def facts(self) -> dict[str, Any]:
        """Return the interpreter and the machine, see ``records.handover.KernelFacts``."""
        from . import facts

        return facts.facts()

    def check(self, request: dict[str, Any]) -> None:
        """Raise `Problem` now for a variable that does not exist.

        Args:
            request: The request, in the shape of ``records.Request``.
        """
        from . import measure

        for name in [request["model"], request["holdout"], *request["metrics"]]:
            if name is not None:
                measure.lookup(self._shell.user_ns, name)

    def seen(self, request: dict[str, Any]) -> dict[str, Any]:
        """Return the handover without touching the model: what was seen so far.

        Args:
            request: The request, in the shape of ``records.Request``.

        Returns:
            A dict in the shape of ``records.handover.Handover``.
        """
        from .modules import loose_modules
        from .named import as_written

        with self.paused():
            told = _told()
            entry, notebook = identity(self._shell)
            kernel = self.facts()
            cells, files = self._cells.cells(), self._observer.files()
            texts = [cell["source"] for cell in cells]
            commands = self._observer.commands()
            around = self._around(files, commands)
            for item in files:
                if item["requested"] == item["path"] and item["observed"] not in _TOLD_IN_WORDS:
                    item["requested"] = as_written(item["path"], texts, self.directory)
            files += self._named(cells, {item["path"] for item in files})
            level = self._observer.level
            return {
                "version": 1,
                "request": request,
                "entry": entry,
                "notebook": notebook,
                "directory": self.directory,
                "cells": cells,
                "files": files,
                "commands": commands,
                "connections": self._observer.connections(),
                "unpickled": self._observer.unpickled(),
                "modules": loose_modules(kernel["prefixes"]),
                "blind": [] if level.is_observed() else _shell.blind(),
                "failures": self._observer.failures,
                "facts": kernel,
                "level": level.name,
                "unseen": level.unseen(),
                "alarms": level.alarms(self._observer.cell),
                "replaced": self._replaced.seen(),
                **told,
                "randomness": self._chance.seen(),
                "variables": self._variables.seen(told["answers"]),
                "surroundings": around,
                "model": None,
                "holdout": None,
                "metrics": {},
                "parameters": json.loads(os.environ.get("MLOPS_PARAMETERS", "{}")),
                "problem": "",
            }

    def _named(self, cells: list[dict[str, Any]], seen: set[str]) -> list[dict[str, Any]]:
        """Return the files that cells name and nobody saw; ``seen`` are the paths of the others."""
        from .named import named_files

        found: list[dict[str, Any]] = []
        # A relative name is one of the first folder, or of the one the program went to.
        folders = dict.fromkeys([self.directory, working()])
        for cell, folder in itertools.product(cells, folders):
            for item in named_files(cell["source"], folder, seen, variables=self._shell.user_ns):
                # Through a link that the program made it is another file, which was seen.
                path = self._observer.world.links.normal(item["path"])
                if path not in seen:
                    found.append(dict(item, cell=cell["count"], path=path))
                seen.update((path, item["path"]))
        return found

    def _around(
        self, files: list[dict[str, Any]], commands: list[dict[str, Any]]
    ) -> dict[str, Any]:
        """Return what stood around the files; name them as a rerun will find them."""
        world = self._observer.world
        made = world.links.made_by(command["text"] for command in commands)
        for item in files:
            item["path"] = world.links.past(item["path"], made)
        return {**self._surroundings, **world.found([item["path"] for item in files], made)}

    def hand_over(
        self, request: dict[str, Any], folder: str, keep_model: bool = True
    ) -> dict[str, Any]:
        """Measure the requested variables and write everything into a folder.

        Args:
            request: The request, in the shape of ``records.Request``.
            folder: An existing, empty folder.
            keep_model: Whether the model itself is wanted, or only its answers.

        Returns:
            The handover, as it was written to ``handover.json``.

        Raises:
            Problem: When a variable does not exist or is of no usable type.
        """
        from . import held_back, measure, predict, serialise

        self.check(request)
        with self.paused():
            held_back.flush_files()
        handover = self.seen(request)
        namespace = self._shell.user_ns
        with self.paused():
            handover["metrics"] = measure.metrics(namespace, request["metrics"])
            if request["model"] is not None:
                model = namespace[request["model"]]
                if keep_model:
                    handover["model"] = serialise.model(model, request["model"], folder)
                if request["holdout"] is not None:
                    inputs = namespace[request["holdout"]]
                    handover["holdout"] = predict.holdout(model, inputs, request["holdout"], folder)
        self.write(handover, folder)
        return handover

    def write(self, handover: dict[str, Any], folder: str) -> None:
        """Write a handover into a folder, and beside it the originals that it names."""
        with self.paused():
            for file in handover["files"]:
                if file["kept"]:
                    try:
                        self._observer.originals.give(file["kept"], folder)
                    except (OSError, KeyError) as error:
                        file.update(kept="", problem=f"its copy was lost: {error}")
            handover["randomness"]["file"] = self._chance.write(folder)
            with open(os.path.join(folder, FILE), "w", encoding="utf-8") as stream:
                json.dump(handover, stream)


def _told() -> dict[str, Any]:
    """Return the handover's fields of what databases and web servers were asked."""
    tape = opened()
    if tape is None:
        return {"tape": "", "answers": [], "unrecorded": []}
    unrecorded = [one for one in tape.unrecorded if not was_too_early(one)]
    return {"tape": tape.folder, "answers": tape.seen(), "unrecorded": unrecorded}


def start(shell: Any) -> Session:
    """Return the kernel's session, attaching the observers the first time."""
    global _current  # noqa: PLW0603 - a process has one audit hook and one shell
    if _current is None:
        _current = Session(shell)
    return _current


def current() -> Session | None:
    """Return the kernel's session, ``None`` when nothing watches it."""
    return _current


def hand_over_end(request: str, folder: str, keep_model: bool = True) -> None:
    """Hand over what a headless run came to; its last, silent execution.

    A variable that is missing at the end is written into the handover rather
    than raised, because nobody sees this execution's traceback. A notebook that
    took snapshots of its own (the file ``snapshots`` lists them) needs no other.

    Args:
        request: JSON of the request, in the shape of ``records.Request``.
        folder: An existing folder for ``handover.json`` and its payload.
        keep_model: As for `Session.hand_over`.
    """
    if os.path.exists(os.path.join(folder, TAKEN)):
        return
    wanted = json.loads(request)
    session = current()
    if session is None:
        raise Problem("Nothing watches this kernel.", "Start it through mlops.")
    try:
        session.hand_over(wanted, folder, keep_model)
    except Problem as problem:
        session.write(dict(session.seen(wanted), problem=problem.message), folder)

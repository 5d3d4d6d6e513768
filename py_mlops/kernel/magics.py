"""``%mlops VERB …``: parse the line, call one command, show the record; never raise into a cell."""

from __future__ import annotations

import json
import os
import tempfile
import traceback
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from py_mlops.errors import MlopsError
from py_mlops.guest.problem import Problem
from py_mlops.guest.request import LineParser, parse_snapshot
from py_mlops.guest.started import scratch
from py_mlops.kernel import lineage
from py_mlops.kernel.session import prepare_lock, problems, start

if TYPE_CHECKING:
    from IPython.core.interactiveshell import InteractiveShell

    from py_mlops.guest.session import Session
    from py_mlops.kernel.display import Ticker
    from py_mlops.workspace import Workspace

_HANDOVER = "MLOPS_HANDOVER"


class Magics:
    """The verbs of ``%mlops`` in one kernel."""

    def __init__(self, shell: InteractiveShell, session: Session) -> None:
        """Keep the shell and its session; the store is opened by the first verb that needs it."""
        self._shell = shell
        self._session = session
        self._opened: Workspace | None = None
        self._verbs: dict[str, Callable[[str, Ticker], None]] = {
            "snapshot": self._snapshot,
            "status": self._status,
            "log": self._log,
            "show": self._show,
            "diff": self._diff,
            "reproduce": self._reproduce,
            "restore": self._restore,
            "bundle": self._bundle,
            "load": self._load,
            "explain": lambda line, ticker: ticker.finish(
                lineage.explain(self._workspace, line, ticker)
            ),
            "impact": lambda line, ticker: ticker.finish(
                lineage.impact(self._workspace, line, ticker)
            ),
            "history": lambda line, ticker: ticker.finish(lineage.history(self._workspace, line)),
        }

    def answer(self, line: str) -> None:
        """Answer ``%mlops LINE``.

        Errors of ours are shown, not raised: a failing snapshot must not stop
        the notebook it was to keep.
        """
        from py_mlops.kernel.display import Ticker
        from py_mlops.report.page import error_page

        ticker = Ticker()
        verb, _, rest = line.strip().partition(" ")
        with self._session.paused():
            try:
                self._verb(verb)(rest, ticker)
            except MlopsError as error:
                ticker.finish(error_page(error.message, error.hint))
            except problems() as problem:
                ticker.finish(error_page(problem.message, problem.hint))
            except Exception as error:  # noqa: BLE001 - nothing of ours may stop a user's cell
                ticker.finish(error_page(_internal(error), "Your work is unharmed; report this."))

    def _verb(self, verb: str) -> Callable[[str, Ticker], None]:
        if verb not in self._verbs:
            known = ", ".join(self._verbs)
            raise Problem(
                f"%mlops {verb} is not known." if verb else "%mlops needs a verb.",
                f"The verbs are {known}.",
            )
        return self._verbs[verb]

    @property
    def _workspace(self) -> Workspace:
        from py_mlops.workspace import open_workspace

        if self._opened is None:
            self._opened = open_workspace()
        return self._opened

    def _snapshot(self, line: str, ticker: Ticker) -> None:
        asked = parse_snapshot(line)
        self._session.check(asked.request)
        from py_mlops.commands.pages import taken_page
        from py_mlops.commands.snapshots.snapshot import snapshot
        from py_mlops.records import record_id

        with tempfile.TemporaryDirectory(
            prefix="mlops-", dir=scratch(), ignore_cleanup_errors=True
        ) as held:
            self._session.hand_over(asked.request, held)
            record = snapshot(
                self._workspace,
                Path(held),
                incomplete=asked.incomplete,
                allow_secret=asked.allow_secret,
                vault=asked.vault,
                report=ticker,
            )
        identifier = record_id(record)
        _tell_headless_run(identifier)
        page = taken_page(self._workspace, identifier, record)
        if self._workspace.unsigned:
            page = replace(page, hints=(*page.hints, self._workspace.unsigned))
        ticker.finish(page)

    def _status(self, line: str, ticker: Ticker) -> None:
        _no_words("status", line)
        from py_mlops.commands.snapshots.status import status

        nothing: dict[str, object] = {
            "name": "status",
            "model": None,
            "metrics": [],
            "holdout": None,
        }
        seen = json.dumps(self._session.seen(nothing))
        ticker.finish(status(self._workspace, seen.encode()))

    def _log(self, line: str, ticker: Ticker) -> None:
        parser = LineParser("%mlops log", "%mlops log [NAME] [-n COUNT] [--before PLACE]")
        parser.add_argument("name", nargs="?")
        parser.add_argument("-n", "--limit", type=int, default=20)
        parser.add_argument("--before", type=int)
        words = parser.read(line)
        from py_mlops.commands.history import log
        from py_mlops.commands.pages import logged_page

        found = log(self._workspace, words.name, limit=words.limit, before=words.before)
        begin = " ".join(["%mlops log", *([words.name] if words.name else []), "--before"])
        more = f"More: {begin} {found[-1].seq}" if found and len(found) == words.limit else ""
        ticker.finish(logged_page(self._workspace, found, words.name, more, words.before))

    def _show(self, line: str, ticker: Ticker) -> None:
        parser = LineParser("%mlops show", "%mlops show REFERENCE")
        parser.add_argument("reference")
        words = parser.read(line)
        from py_mlops.commands.history import newest_verdict, show
        from py_mlops.commands.pages import record_page

        identifier, record = show(self._workspace, words.reference)
        verdict = newest_verdict(self._workspace, identifier)
        ticker.finish(record_page(self._workspace, identifier, record, verdict))

    def _diff(self, line: str, ticker: Ticker) -> None:
        parser = LineParser("%mlops diff", "%mlops diff FIRST SECOND")
        parser.add_argument("first")
        parser.add_argument("second")
        words = parser.read(line)
        from py_mlops.commands.comparison.diff import diff
        from py_mlops.commands.pages import changes_page

        resolve = self._workspace.store.resolve
        first, second = resolve(words.first), resolve(words.second)
        ticker.finish(changes_page(first, second, diff(self._workspace, first, second)))

    def _restore(self, line: str, ticker: Ticker) -> None:
        parser = LineParser("%mlops restore", "%mlops restore REFERENCE FOLDER [--outputs]")
        parser.add_argument("reference")
        parser.add_argument("folder")
        parser.add_argument("--outputs", action="store_true")
        words = parser.read(line)
        from py_mlops.commands.snapshots.restore import restore
        from py_mlops.report.lists import files_page

        paths = restore(
            self._workspace,
            self._workspace.store.resolve(words.reference),
            Path(words.folder).expanduser(),
            outputs=words.outputs,
            report=ticker,
        )
        ticker.finish(files_page(words.folder, paths))

    def _bundle(self, line: str, ticker: Ticker) -> None:
        parser = LineParser("%mlops bundle", "%mlops bundle REFERENCE FILE")
        parser.add_argument("reference")
        parser.add_argument("file")
        words = parser.read(line)
        from py_mlops.commands.transfer.bundle import bundle
        from py_mlops.report.page import Page, size

        target = Path(words.file).expanduser()
        snapshot_id = self._workspace.store.resolve(words.reference)
        bundle(self._workspace, snapshot_id, target, report=ticker)
        hint = f"Anywhere: mlops reproduce {target}"
        ticker.finish(Page(str(target), size(target.stat().st_size), "good", "", hints=(hint,)))

    def _load(self, line: str, ticker: Ticker) -> None:
        parser = LineParser("%mlops load", "%mlops load REFERENCE VARIABLE [--allow-pickle]")
        parser.add_argument("reference")
        parser.add_argument("variable")
        parser.add_argument("--allow-pickle", action="store_true")
        words = parser.read(line)
        if not words.variable.isidentifier():
            raise Problem(f"{words.variable!r} cannot be a variable.", "Give a Python name.")
        from py_mlops.commands.snapshots.load import load
        from py_mlops.report.page import Page

        snapshot_id = self._workspace.store.resolve(words.reference)
        model = load(
            self._workspace, snapshot_id, allow=lambda text: words.allow_pickle or _ask(text)
        )
        self._shell.user_ns[words.variable] = model
        ticker.finish(Page(words.variable, type(model).__name__, "good", ""))

    def _reproduce(self, line: str, ticker: Ticker) -> None:
        from py_mlops.kernel.reproduce import reproduce

        ticker.finish(reproduce(self._workspace, line, ticker))


def register(shell: InteractiveShell) -> None:
    """Watch a shell and register ``%mlops`` in it.

    Args:
        shell: The IPython shell.
    """
    session = start(shell)
    magics: Any = shell.register_magic_function  # a descriptor that its annotations deny
    magics(Magics(shell, session).answer, "line", "mlops")
    prepare_lock(session)


def _no_words(verb: str, line: str) -> None:
    if line.strip():
        raise Problem(f"%mlops {verb} takes no words.", f"Write only: %mlops {verb}")


def _ask(question: str) -> bool:
    """Ask the person at the notebook; with nobody there the answer is no."""
    try:
        return input(f"{question} [y/N] ").strip().lower() in {"y", "yes"}
    except Exception:  # noqa: BLE001 - a front end without input raises its own kinds
        return False


def _tell_headless_run(identifier: str) -> None:
    """Leave the snapshot's id where the headless run that started this kernel looks for it."""
    folder = os.environ.get(_HANDOVER)
    if folder:
        with (Path(folder) / "snapshots").open("a", encoding="utf-8") as stream:
            stream.write(identifier + "\n")


def _internal(error: Exception) -> str:
    where = traceback.extract_tb(error.__traceback__)[-1]
    return (
        f"An error in mlops itself: {type(error).__name__}: {error} "
        f"({Path(where.filename).name}, line {where.lineno})."
    )

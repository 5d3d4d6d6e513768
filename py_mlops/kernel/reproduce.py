"""``%mlops reproduce``: a rerun in a process of its own, its progress shown in the notebook."""

from __future__ import annotations

import json
import os
import shlex
import subprocess
import sys
import tempfile
from typing import TYPE_CHECKING, Any

from py_mlops.errors import RerunFailed
from py_mlops.guest.answer import follow
from py_mlops.guest.problem import Problem
from py_mlops.guest.started import COLOURING, unobserved
from py_mlops.records import Reproduction, Snapshot
from py_mlops.report.verdicts import verdict_page

if TYPE_CHECKING:
    from py_mlops.kernel.display import Ticker
    from py_mlops.report.page import Page
    from py_mlops.workspace import Workspace


def reproduce(workspace: Workspace, line: str, ticker: Ticker) -> Page:
    """Run ``mlops reproduce LINE`` and return the verdict's page.

    Args:
        workspace: The store.
        line: The words behind the verb, as on the command line.
        ticker: Shows the progress.

    Returns:
        The page.

    Raises:
        Problem: When the words do not fit.
        RerunFailed: When the process ended without a verdict.
    """
    try:
        words = shlex.split(line)
    except ValueError as error:
        raise Problem(f"The line cannot be read: {error}.", "Quote names with blanks.") from error
    argv = [sys.executable, "-m", "py_mlops", "--store", str(workspace.settings.store)]
    ticker.line("starting a process for the rerun")
    with (
        tempfile.TemporaryFile() as result,
        subprocess.Popen(
            [*argv, "reproduce", "--json", *words],
            stdin=subprocess.DEVNULL,
            stdout=result,
            stderr=subprocess.PIPE,
            text=True,
            env=_plain_environment(workspace),
        ) as process,
    ):
        last = follow(process, ticker.line)
        process.wait()
        result.seek(0)
        answer = _decode(result.read())
    return _page(workspace, answer, last)


def _page(workspace: Workspace, answer: dict[str, Any], last: str) -> Page:
    if "error" in answer:
        raise RerunFailed(answer["error"]["message"], hint=answer["error"]["hint"])
    if "id" not in answer:
        raise RerunFailed(
            f"The rerun ended without a verdict: {last or 'no word'}",
            hint="Try it in a terminal, with the same words behind `mlops reproduce`.",
        )
    record = workspace.store.get_as(answer["id"], Reproduction)
    name = workspace.store.get_as(record.snapshot, Snapshot).request.name
    return verdict_page(answer["id"], record, name)


def _plain_environment(workspace: Workspace) -> dict[str, str]:
    """Return the process's environment, without what makes it colour its lines."""
    kept = {name: text for name, text in unobserved(os.environ).items() if name not in COLOURING}
    return {**kept, "MLOPS_CACHE": str(workspace.settings.cache), "TERM": "dumb"}


def _decode(data: bytes) -> dict[str, Any]:
    try:
        answer = json.loads(data)
    except ValueError:
        return {}
    return answer if isinstance(answer, dict) else {}

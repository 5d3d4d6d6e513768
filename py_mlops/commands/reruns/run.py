"""Run: execute a notebook without a person, and snapshot what it came to."""

from __future__ import annotations

import json
import os
import re
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from nbformat import NotebookNode
from papermill.engines import NotebookExecutionManager

from py_mlops.commands.reruns.rerun import closing_code
from py_mlops.commands.snapshots.snapshot import check_parameters, snapshot
from py_mlops.errors import InputError, RerunFailed
from py_mlops.notebook.execution import Executed, KernelCommand, ObservedEngine, execute
from py_mlops.notebook.interpreter import interpreter_at, interpreter_of
from py_mlops.notebook.observed import observed
from py_mlops.notebook.runnable import load
from py_mlops.progress import Progress, Report, silent
from py_mlops.records import Request, record_id
from py_mlops.records.handover import FILE
from py_mlops.workspace import Workspace

TAKEN = "snapshots"


@dataclass(frozen=True)
class Ran:
    """A headless run.

    Attributes:
        snapshots: Ids of the snapshots it took, oldest first.
        executed: The executed notebook.
    """

    snapshots: list[str]
    executed: Executed


def run(
    workspace: Workspace,
    notebook: Path,
    *,
    request: Request | None = None,
    parameters: dict[str, object] | None = None,
    output: Path | None = None,
    python: str | None = None,
    timeout: float | None = None,
    vault: bool = False,
    incomplete: bool = False,
    allow_secret: str = "",
    report: Report = silent,
) -> Ran:
    """Execute a notebook with papermill and snapshot it.

    A notebook that calls ``%mlops snapshot`` takes its own snapshots; for any
    other one is taken at its end, with what ``request`` names.

    Args:
        workspace: Where the snapshot goes.
        notebook: The notebook's path; it runs in its own folder.
        request: What to snapshot at the end; by default the notebook's name
            and nothing else.
        parameters: papermill parameters.
        output: Where the executed notebook is written.
        python: The interpreter, or the folder of the environment, to run it in; by
            default that of its kernelspec. py-mlops need not be installed there.
        timeout: Seconds one cell may take.
        vault: As for `snapshot`, also for those the notebook takes itself.
        incomplete: As for `snapshot`.
        allow_secret: As for `snapshot`.
        report: Told about progress, cell by cell.

    Returns:
        The snapshots taken and the executed notebook.

    Raises:
        InputError: When there is no such notebook or it cannot be read, a
            parameter cannot be recorded, or ``python`` cannot run notebooks.
        RerunFailed: When a cell failed; nothing was snapshotted by us.
    """
    path = notebook.absolute()
    check_parameters(parameters or {})
    document = load(path)
    interpreter = interpreter_at(python) if python else interpreter_of(document, report)
    if parameters and not any(_is_tagged(cell) for cell in document.cells):
        why = "no cell is tagged `parameters`: the notebook's own values come later and win"
        report(Progress("parameters", why))
    with tempfile.TemporaryDirectory(prefix="mlops-run-", ignore_cleanup_errors=True) as held:
        folder = Path(held)
        given = parameters or {}
        executed = execute(
            document,
            kernel=observed_kernel(workspace, interpreter, path, folder, given, vault=vault),
            directory=path.parent,
            report=report,
            timeout=timeout,
            closing=closing_code(request or default_request(path), folder, keep_model=True),
            parameters=parameters,
            output=output,
        )
        if executed.failed:
            before = "Its earlier snapshots are kept." if (folder / TAKEN).exists() else ""
            raise RerunFailed(
                f"{path.name} failed in cell [{executed.failed.count}]: {executed.failed.error}",
                hint=f"{before or 'Nothing was snapshotted.'} {executed.failed.hint}",
            )
        taken = finish(
            workspace,
            folder,
            vault=vault,
            incomplete=incomplete,
            allow_secret=allow_secret,
            report=report,
        )
    return Ran(taken, executed)


def _is_tagged(cell: NotebookNode) -> bool:
    return "parameters" in cell.metadata.get("tags", [])


def finish(
    workspace: Workspace,
    folder: Path,
    *,
    vault: bool = False,
    incomplete: bool = False,
    allow_secret: str = "",
    report: Report = silent,
) -> list[str]:
    """Turn what a headless kernel left behind into snapshots.

    Args:
        workspace: Where they go.
        folder: The handover's folder.
        vault: As for `snapshot`.
        incomplete: As for `snapshot`.
        allow_secret: As for `snapshot`.
        report: Told about progress.

    Returns:
        Ids of the snapshots: those the notebook took, or the one taken now.
    """
    own = folder / TAKEN
    if own.exists():
        return own.read_text("utf-8").split()
    record = snapshot(
        workspace,
        folder,
        vault=vault,
        incomplete=incomplete,
        allow_secret=allow_secret,
        report=report,
    )
    return [record_id(record)]


def default_request(notebook: Path) -> Request:
    """Return a request for a notebook that names nothing: its own name."""
    name = re.sub(r"[^A-Za-z0-9_.-]+", "-", notebook.stem).strip("-._")[:100]
    if not name:
        raise InputError(
            f"No model's name can be made from {notebook.name!r}.", hint="Give one with --name."
        )
    return Request(name=name, model=None, metrics=[], holdout=None)


def observed_kernel(
    workspace: Workspace,
    python: str,
    path: Path,
    folder: Path,
    parameters: dict[str, object],
    *,
    vault: bool = False,
) -> KernelCommand:
    """Return how to start a notebook's kernel under observation.

    The notebook's identity is passed explicitly: a headless kernel only knows
    its launcher.

    Args:
        workspace: Store and cache the kernel shall use.
        python: The interpreter.
        path: Its absolute path.
        folder: Where the kernel hands over.
        parameters: papermill parameters.
        vault: Whether snapshots that the notebook takes keep all wheels.

    Returns:
        Command line and environment.
    """
    environment = {
        **os.environ,
        "MLOPS_NOTEBOOK": str(path),
        "MLOPS_PARAMETERS": json.dumps(parameters),
        "MLOPS_HANDOVER": str(folder),
        "MLOPS_STORE": str(workspace.settings.store),
        "MLOPS_CACHE": str(workspace.settings.cache),
    }
    if vault:
        environment["MLOPS_VAULT"] = "1"
    session = folder / "session"
    session.mkdir(mode=0o700)
    argv, environment = observed(
        python,
        cache=workspace.cache,
        mode="record",
        folder=session,
        environment=environment,
    )
    return KernelCommand(argv=[*argv, "-f", "{connection_file}"], env=environment)


def headless(
    workspace: Workspace,
    nb_man: NotebookExecutionManager,
    path: Path,
    folder: Path,
    options: dict[str, Any],
) -> list[str]:
    """Execute a notebook for papermill, observed, and snapshot what it came to.

    Args:
        workspace: Where the snapshot goes.
        nb_man: papermill's state of the run.
        path: The notebook's absolute path, its identity.
        folder: An empty folder for the handover.
        options: papermill's options for its client.

    Returns:
        Ids of the snapshots taken; none when a cell failed.
    """
    given = nb_man.nb.metadata.get("papermill", {}).get("parameters", {})
    check_parameters(given)
    kernel = observed_kernel(workspace, interpreter_of(nb_man.nb), path, folder, dict(given))
    closing = closing_code(default_request(path), folder, keep_model=True)
    ObservedEngine.execute_managed_notebook(
        nb_man, "python3", kernel=kernel, closing=closing, **options
    )
    ended = (folder / FILE).exists() or (folder / TAKEN).exists()
    return finish(workspace, folder) if ended else []

"""Running a notebook from top to bottom in a given kernel, driven by papermill."""

from __future__ import annotations

import logging
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from nbclient.exceptions import CellTimeoutError, DeadKernelError
from nbformat import NotebookNode
from papermill.engines import NBClientEngine, NotebookExecutionManager
from papermill.iorw import load_notebook_node
from papermill.parameterize import parameterize_notebook

from py_mlops.errors import InputError, RerunFailed
from py_mlops.notebook.client import CellFailure, KernelCommand, ObservedClient
from py_mlops.notebook.runnable import to_ipynb
from py_mlops.progress import Report, silent

__all__ = ["CellFailure", "Executed", "KernelCommand", "ObservedEngine", "execute"]

_KERNEL = "python3"
_LAST_WORDS = 2000
_CLIENT_OPTIONS = {"log_output", "stdout_file", "stderr_file"}

_log = logging.getLogger(__name__)
_log.addHandler(logging.NullHandler())  # what nbclient logs as errors, we raise


@dataclass(frozen=True)
class Executed:
    """A run that came to its end or to a cell that stopped it.

    Attributes:
        notebook: The notebook with its outputs, as far as it got.
        failed: The cell that stopped it; ``None`` when all ran.
        seconds: How long it took, the kernel's start and stop included.
    """

    notebook: NotebookNode
    failed: CellFailure | None
    seconds: float

    def ipynb(self) -> bytes:
        """Return the executed notebook as the bytes of an ``.ipynb`` file."""
        return to_ipynb(self.notebook)


def execute(
    notebook: NotebookNode,
    *,
    kernel: KernelCommand,
    directory: Path,
    report: Report = silent,
    timeout: float | None = None,
    closing: str | None = None,
    parameters: dict[str, object] | None = None,
    output: Path | None = None,
) -> Executed:
    """Run a notebook from top to bottom.

    Works in and outside of a running event loop. When it is interrupted, the
    kernel is stopped before ``KeyboardInterrupt`` goes on.

    Args:
        notebook: What to run; it is not changed.
        kernel: How to start the kernel.
        directory: The folder the kernel starts in.
        report: Told ``Progress("cell", first line, done, total)`` when a cell
            begins and when it ends.
        timeout: Seconds one cell may take; ``None`` for no limit.
        closing: Code executed silently in the living kernel behind the last
            cell, when none failed.
        parameters: papermill parameters.
        output: Where the executed notebook is written, also when a cell failed.

    Returns:
        The executed notebook and, when a cell stopped it, which and why.

    Raises:
        RerunFailed: When the kernel did not start, or the closing code failed.
        InputError: When the executed notebook cannot be written.
    """
    began = time.monotonic()
    node = load_notebook_node(notebook)
    if parameters:
        node = parameterize_notebook(node, parameters, kernel_name=_KERNEL, language="python")
    run = NotebookExecutionManager(node, progress_bar=False)
    run.notebook_start()
    with tempfile.NamedTemporaryFile(prefix="mlops-kernel-") as words:
        client = ObservedClient(
            run,
            kernel=kernel,
            report=report,
            closing=closing,
            cell_timeout=timeout,
            stderr=words.file,
            kernel_name=_KERNEL,
            resources={"metadata": {"path": str(directory)}},
            log=_log,
        )
        try:
            client.execute()
        except (CellTimeoutError, DeadKernelError, RuntimeError, OSError) as error:
            if client.failure is None:
                raise _never_ran(kernel, error, Path(words.name)) from error
        finally:
            run.notebook_complete()
            if output is not None:
                _write(output, run.nb)
    return Executed(run.nb, client.failure, time.monotonic() - began)


class ObservedEngine(NBClientEngine):  # type: ignore[misc]  # papermill ships no types
    """papermill's own engine, but for the kernel, which is given by its command line."""

    @classmethod
    def execute_managed_notebook(
        cls,
        nb_man: NotebookExecutionManager,
        kernel_name: str,
        *,
        kernel: KernelCommand,
        closing: str | None = None,
        execution_timeout: float | None = None,
        start_timeout: int = 0,
        **options: Any,
    ) -> NotebookNode:
        """Run papermill's notebook in a given kernel.

        Args:
            nb_man: papermill's state of the run.
            kernel_name: The name papermill found for the kernel.
            kernel: How to start it.
            closing: As for `execute`.
            execution_timeout: Seconds one cell may take.
            start_timeout: Seconds the kernel may take to start.
            options: papermill's further options, of which its client's are used.

        Returns:
            The executed notebook; a cell's error is left to papermill.

        Raises:
            RerunFailed: When the closing code failed.
        """
        client = ObservedClient(
            nb_man,
            kernel=kernel,
            closing=closing,
            cell_timeout=execution_timeout,
            startup_timeout=start_timeout,
            kernel_name=kernel_name,
            **{name: value for name, value in options.items() if name in _CLIENT_OPTIONS},
        )
        return client.execute()


def _never_ran(kernel: KernelCommand, error: Exception, words: Path) -> RerunFailed:
    lines = words.read_bytes()[-_LAST_WORDS:].decode("utf-8", "replace").strip()
    return RerunFailed(
        f"The kernel {kernel.argv[0]} did not start, or died outside of any cell: {error}.",
        hint=f"The last it wrote: {lines}"
        if lines
        else "Check that this Python exists and has ipykernel.",
    )


def _write(path: Path, notebook: NotebookNode) -> None:
    try:
        path.write_bytes(to_ipynb(notebook))
    except OSError as error:
        raise InputError(
            f"The executed notebook cannot be written to {path}: {error.strerror}.",
            hint="Choose another output path.",
        ) from error

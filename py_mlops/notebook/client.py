"""papermill's client over a kernel whose command line is given, with progress and a last word."""

from __future__ import annotations

import re
import tempfile
from dataclasses import dataclass
from pathlib import Path
from queue import Empty
from typing import IO, Any

from jupyter_client.kernelspec import KernelSpec, KernelSpecManager
from jupyter_client.manager import AsyncKernelManager, KernelManager
from nbclient.exceptions import CellExecutionError, CellTimeoutError, DeadKernelError
from nbclient.util import ensure_async, run_sync
from nbformat import NotebookNode
from papermill.clientwrap import PapermillNotebookClient
from papermill.engines import NotebookExecutionManager

from py_mlops.errors import RerunFailed
from py_mlops.notebook.replay import METADATA
from py_mlops.progress import Progress, Report, silent

_ANSI = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")
_ENDED = re.compile(r"^sandbox: ended: (.*)$", re.MULTILINE)
_KERNEL = "given"  # KernelSpecManager wants a name; any will do
_SHOWN = 2000
_KILLED = -9
_START_SECONDS = 120
_OUTPUT_SECONDS = 60  # nbclient's own 4 are too few on a busy machine


@dataclass(frozen=True)
class KernelCommand:
    """How to start a kernel.

    Attributes:
        argv: Its command line; ``{connection_file}`` stands for the file.
        env: Its whole environment.
        channels: A folder for its sockets, for a kernel that shares no network
            with us; by default the channels are ports of the loopback.
    """

    argv: list[str]
    env: dict[str, str]
    channels: Path | None = None


@dataclass(frozen=True)
class CellFailure:
    """The cell that stopped a run.

    Attributes:
        count: Its recorded execution count in a replay, else its own.
        source: Its first line.
        error: ``"ValueError: …"``, or what became of the kernel.
        traceback: The traceback's text, or the last the kernel wrote; cut.
        hint: What to do next.
    """

    count: int
    source: str
    error: str
    traceback: str
    hint: str


class GivenKernel(KernelSpecManager):
    """Knows one kernel: the command it was given, whatever the name asked for."""

    def __init__(self, kernel: KernelCommand) -> None:
        """Remember the kernel."""
        super().__init__()
        self.kernel = kernel

    def get_kernel_spec(self, kernel_name: str) -> KernelSpec:
        """Return the kernel's spec under any name."""
        return KernelSpec(argv=self.kernel.argv, display_name=kernel_name, language="python")


class ObservedClient(PapermillNotebookClient):  # type: ignore[misc]  # papermill ships no types
    """Executes a notebook in a given kernel.

    Attributes:
        failure: The cell that stopped the run, when one did.
    """

    def __init__(
        self,
        nb_man: NotebookExecutionManager,
        *,
        kernel: KernelCommand,
        report: Report = silent,
        closing: str | None = None,
        cell_timeout: float | None = None,
        stderr: IO[bytes] | None = None,
        **options: Any,
    ) -> None:
        """Prepare a run; `execute` does it.

        Args:
            nb_man: papermill's state of the run.
            kernel: How to start the kernel.
            report: Told when a cell begins and ends.
            closing: Code executed silently behind the last cell, when none failed.
            cell_timeout: Seconds one cell may take.
            stderr: Where the kernel's process writes its own messages.
            options: nbclient's.
        """
        options["startup_timeout"] = max(options.get("startup_timeout", 0), _START_SECONDS)
        options.setdefault("iopub_timeout", _OUTPUT_SECONDS)
        super().__init__(nb_man, timeout_func=self._seconds_for, **options)
        self.extra_arguments = ["--HistoryManager.hist_file=:memory:"]
        self.failure: CellFailure | None = None
        self._kernel, self._report, self._closing = kernel, report, closing
        self._cell_timeout, self._stderr = cell_timeout, stderr
        self._total = sum(_runs(cell) for cell in self.nb.cells)
        self._finished = 0
        self._folder = tempfile.TemporaryDirectory(
            prefix="mlops-kernel-", ignore_cleanup_errors=True
        )

    def create_kernel_manager(self) -> KernelManager:
        """Return a manager that starts the given command."""
        specs = GivenKernel(self._kernel)
        manager = AsyncKernelManager(kernel_name=_KERNEL, kernel_spec_manager=specs)
        folder = self._kernel.channels or self._folder.name
        manager.connection_file = str(Path(folder, "kernel.json"))
        if self._kernel.channels is not None:
            manager.transport = "ipc"
        self.km = manager
        return manager

    def execute(self, **options: Any) -> NotebookNode:
        """Run every cell, then the closing code, and stop the kernel whatever happened."""
        if self._stderr is not None:
            options.update(stdout=self._stderr, stderr=self._stderr)
        try:
            notebook: NotebookNode = super().execute(env=dict(self._kernel.env), **options)
            return notebook
        finally:
            manager: KernelManager | None = self.km
            if manager is not None and manager.has_kernel:  # interrupted while it was starting
                self.shutdown_kernel = "immediate"
                self._cleanup_kernel()
            self._folder.cleanup()

    def papermill_execute_cells(self) -> None:
        """Run every cell; a run that stopped early leaves nothing to wait for."""
        try:
            super().papermill_execute_cells()
            if self._closing and self.failure is None:
                self._close(self._closing)
        except BaseException:
            self.shutdown_kernel = "immediate"
            raise

    def execute_cell(self, cell: NotebookNode, cell_index: int, **options: Any) -> NotebookNode:
        """Run one cell, reporting its beginning and its end."""
        executed: NotebookNode = cell
        if not _runs(cell):
            return executed
        line = first_line(cell.source)
        self._report(Progress("cell", line, self._finished, self._total))
        try:
            executed = super().execute_cell(cell, cell_index, **options)
        except CellExecutionError as error:
            text = f"{error.ename}: {error.evalue}" if error.evalue else error.ename
            hint = "Look at the traceback; the executed notebook shows what came before."
            self.failure = self._failed(cell, text, error.traceback, hint)
            raise
        except CellTimeoutError as error:
            text = f"it ran longer than {self._cell_timeout} s"
            if self._cell_timeout is None:
                text = str(error).splitlines()[0]
            hint = "Give it more time with --timeout, or no limit at all by leaving that out."
            self.failure = self._failed(cell, text, "", hint)
            raise
        except DeadKernelError:
            text, hint = self._death()
            self.failure = self._failed(cell, text, self._last_words(), hint)
            raise
        finally:
            self._finished += 1
            self._report(Progress("cell", line, self._finished, self._total))
        return executed

    def _seconds_for(self, cell: NotebookNode) -> float | None:
        interrupt_after = cell.metadata.get(METADATA, {}).get("interrupt_after")
        return max(1.0, interrupt_after) if interrupt_after is not None else self._cell_timeout

    async def _async_handle_timeout(
        self,
        timeout: float,  # noqa: ASYNC109 - nbclient names it so
        cell: NotebookNode | None = None,
    ) -> dict[str, Any] | None:
        if cell is not None and "interrupt_after" in cell.metadata.get(METADATA, {}):
            await ensure_async(self.km.interrupt_kernel())
            return None
        handled: dict[str, Any] | None = await super()._async_handle_timeout(timeout, cell)
        return handled

    def _close(self, code: str) -> None:
        message = self.kc.execute(code, silent=True, store_history=False, stop_on_error=False)
        reply = run_sync(self._reply)(message)
        if reply["status"] != "ok":
            lines = [_ANSI.sub("", line) for line in reply.get("traceback", [])]
            raise RerunFailed(
                "Every cell ran, but the kernel could not be measured afterwards: "
                f"{reply.get('ename')}: {reply.get('evalue')}.",
                hint="Last of its traceback: " + "\n".join(lines)[-_SHOWN:],
            )

    async def _reply(self, message: str) -> dict[str, Any]:
        """Wait for the closing code, however long, while its kernel lives."""
        while True:
            try:
                reply = await ensure_async(self.kc.shell_channel.get_msg(timeout=1))
            except Empty as error:
                if not await ensure_async(self.km.is_alive()):
                    raise DeadKernelError("Kernel died") from error
                continue
            if reply["parent_header"].get("msg_id") == message:
                content: dict[str, Any] = reply["content"]
                return content

    def _failed(self, cell: NotebookNode, error: str, traceback: str, hint: str) -> CellFailure:
        count = cell.metadata.get(METADATA, {}).get("count") or cell.get("execution_count") or 0
        text = _ANSI.sub("", traceback)[-_SHOWN:]
        return CellFailure(
            count or self._finished + 1, first_line(cell.source), error[:_SHOWN], text, hint
        )

    def _death(self) -> tuple[str, str]:
        process = getattr(getattr(self.km, "provisioner", None), "process", None)
        code = getattr(process, "returncode", None)
        ended = _ENDED.search(self._last_words())
        if ended is not None and code == _KILLED:
            return f"the sandbox ended the kernel: {ended[1]}", (
                "Run it where there is more, or raise the limits of a rerun."
            )
        if code == _KILLED:
            return "the kernel was killed (signal 9)", (
                "It most likely ran out of memory: run it where there is more."
            )
        if code is not None and code < 0:
            return f"the kernel crashed (signal {-code})", (
                "A native library failed: look at the last lines the kernel wrote."
            )
        return f"the kernel ended by itself (exit code {code})", (
            "The cell, or a library it calls, ends the process: look at what it calls."
        )

    def _last_words(self) -> str:
        if self._stderr is None:
            return ""
        with Path(self._stderr.name).open("rb") as stream:
            return stream.read()[-_SHOWN:].decode("utf-8", "replace")


def first_line(source: str) -> str:
    """Return a cell's first line that is not blank."""
    return next((line.strip() for line in source.splitlines() if line.strip()), "")


def _runs(cell: NotebookNode) -> bool:
    return cell.cell_type == "code" and bool(cell.source.strip())

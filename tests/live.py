"""A real kernel, run cell by cell as a front end does."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from jupyter_client.blocking.client import BlockingKernelClient
from jupyter_client.manager import KernelManager, start_new_kernel

_SECONDS = 240


class LiveKernel:
    """A running kernel, and what its cells showed."""

    def __init__(self, manager: KernelManager, client: BlockingKernelClient) -> None:
        """Keep the kernel's manager and client."""
        self.manager, self.client = manager, client

    def run(self, source: str, *typed: str) -> str:
        """Execute a cell; return the text of all it showed, errors included.

        Args:
            source: The cell.
            typed: What the person in front of it types, one answer a question.
        """
        shown: list[str] = []
        answers = iter(typed)

        def note(message: dict[str, Any]) -> None:
            content = message["content"]
            if "text" in content:
                shown.append(str(content["text"]))
            elif "data" in content:
                shown.append(content["data"].get("text/plain", ""))
            elif "traceback" in content:
                shown.append(f"{content['ename']}: {content['evalue']}")

        self.client.execute_interactive(
            source,
            timeout=_SECONDS,
            output_hook=note,
            allow_stdin=bool(typed),
            stdin_hook=lambda _: self.client.input(next(answers)),
        )
        return "\n".join(shown)


@contextmanager
def live_kernel(folder: Path, store: Path) -> Iterator[LiveKernel]:
    """Start a kernel in a folder, with a store of its own; stop it at the end."""
    environment = {**os.environ, "MLOPS_STORE": str(store)}
    manager, client = start_new_kernel(kernel_name="python3", cwd=str(folder), env=environment)
    try:
        yield LiveKernel(manager, client)
    finally:
        client.stop_channels()
        manager.shutdown_kernel(now=True)

"""A kernel that speaks no Python: it answers each cell with the cell."""

from __future__ import annotations

from typing import Any

from ipykernel.kernelapp import IPKernelApp
from ipykernel.kernelbase import Kernel


class Echo(Kernel):
    """Answers a cell with itself."""

    implementation = "echo"
    implementation_version = "1"
    language_info = {"name": "echo", "mimetype": "text/plain", "file_extension": ".txt"}  # noqa: RUF012 - ipykernel's way
    banner = "echo"

    async def do_execute(self, code: str, silent: bool, *_: Any, **__: Any) -> dict[str, Any]:
        """Show the cell."""
        if not silent:
            shown = {"name": "stdout", "text": f"echo: {code}"}
            self.send_response(self.iopub_socket, "stream", shown)  # type: ignore[no-untyped-call]
        return {
            "status": "ok", "execution_count": self.execution_count,
            "payload": [], "user_expressions": {},
        }  # fmt: skip


if __name__ == "__main__":
    IPKernelApp.launch_instance(kernel_class=Echo)

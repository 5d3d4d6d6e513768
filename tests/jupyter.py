"""A real Jupyter server with a home of its own, its kernels driven as a notebook drives them."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from jupyter_client.blocking.client import BlockingKernelClient

_SECONDS = 120
_PATIENCE = 20
TOKEN = "t" * 20


@dataclass
class Kernel:
    """A running kernel of a server.

    Attributes:
        id: Its id in the server.
        shown: The MIME bundles of the last cell's displays and results.
    """

    id: str
    client: BlockingKernelClient
    shown: list[dict[str, str]] = field(default_factory=list)

    def run(self, source: str) -> str:
        """Execute a cell; return the text of all it showed, errors included."""
        texts: list[str] = []
        self.shown = []

        def note(message: dict[str, Any]) -> None:
            content = message["content"]
            if "text" in content:
                texts.append(content["text"])
            elif "data" in content:
                self.shown.append(content["data"])
                texts.append(content["data"].get("text/plain", ""))
            elif "traceback" in content:
                texts.append(f"{content['ename']}: {content['evalue']}")

        self.client.execute_interactive(source, timeout=_SECONDS, output_hook=note)
        return "\n".join(texts)


class Server:
    """A running Jupyter server."""

    def __init__(self, home: Path, url: str) -> None:
        """Remember its home and address."""
        self.home, self.url = home, url

    def ask(self, method: str, path: str, body: object = None) -> Any:
        """Call the server's API and return what it answers."""
        request = urllib.request.Request(  # noqa: S310 - our own server
            f"{self.url}/api/{path}",
            method=method,
            data=None if body is None else json.dumps(body).encode(),
            headers={"Authorization": f"token {TOKEN}", "Content-Type": "application/json"},
        )
        with urllib.request.urlopen(request, timeout=_SECONDS) as response:  # noqa: S310
            return json.loads(response.read() or "null")

    def start(self, kernel: str) -> Kernel:
        """Open a session of a new notebook, as JupyterLab does, and connect to its kernel."""
        notebook = f"{kernel}.ipynb"  # a notebook has one kernel
        body = {"path": notebook, "name": notebook, "type": "notebook", "kernel": {"name": kernel}}
        return self._connect(self.ask("POST", "sessions", body)["kernel"]["id"])

    def restart(self, kernel: Kernel) -> Kernel:
        """Restart a kernel and connect to it again."""
        kernel.client.stop_channels()
        self.ask("POST", f"kernels/{kernel.id}/restart")
        return self._connect(kernel.id)

    def interrupt(self, kernel: Kernel) -> None:
        """Interrupt a kernel."""
        self.ask("POST", f"kernels/{kernel.id}/interrupt")

    def shut_down(self, kernel: Kernel) -> None:
        """Shut a kernel down."""
        kernel.client.stop_channels()
        self.ask("DELETE", f"kernels/{kernel.id}")

    def sessions(self) -> list[Path]:
        """Return the folders of observed sessions."""
        return sorted((self.home / "cache" / "sessions").glob("*"))

    def _connect(self, identifier: str) -> Kernel:
        client = BlockingKernelClient()
        client.load_connection_file(str(self.home / "runtime" / f"kernel-{identifier}.json"))
        client.start_channels()
        end = time.monotonic() + _SECONDS
        while True:
            try:
                client.wait_for_ready(timeout=_SECONDS)
            except RuntimeError:  # a kernel whose heart does not beat yet passes for dead
                if time.monotonic() > end:
                    raise
            else:
                return Kernel(identifier, client)


def kernelspec(home: Path, name: str, argv: list[str], **more: object) -> None:
    """Install a kernelspec for the server that lives in a home.

    Args:
        home: The server's home.
        name: The kernel's name.
        argv: Its command line, behind which ``-f {connection_file}`` is added.
        more: Further entries of the spec.
    """
    folder = home / "data" / "kernels" / name
    folder.mkdir(parents=True)
    spec = {"argv": [*argv, "-f", "{connection_file}"], "display_name": name, "language": "python"}
    (folder / "kernel.json").write_text(json.dumps(spec | more))


@contextmanager
def jupyter_server(
    home: Path,
    *words: str,
    port: int = 0,
    python: str = sys.executable,
    **environment: str,
) -> Iterator[Server]:
    """Start a server and stop it at the end.

    Args:
        home: Its folder for notebooks, settings, kernels and our cache.
        words: Further words for its command line.
        port: Where it listens; by default on any free port.
        python: The interpreter, of an environment with JupyterLab.
        environment: Variables beside its own.
    """
    for name in ("work", "runtime", "data", "config"):
        (home / name).mkdir(parents=True, exist_ok=True)
    with socket.socket() as free:
        free.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        free.bind(("127.0.0.1", port))
        port = free.getsockname()[1]
    own = {
        f"JUPYTER_{name.upper()}_DIR": str(home / name) for name in ("runtime", "data", "config")
    }
    own |= {"MLOPS_CACHE": str(home / "cache"), "MLOPS_STORE": str(home / "store")}
    options = ["--no-browser", "--ServerApp.ip=127.0.0.1", f"--ServerApp.port={port}"]
    options += [f"--IdentityProvider.token={TOKEN}", f"--ServerApp.root_dir={home / 'work'}"]
    if os.getuid() == 0:
        options.append("--allow-root")
    with (home / "server.log").open("w") as log:
        process = subprocess.Popen(
            [python, "-m", "jupyter_server", *options, *words],
            cwd=home, env={**os.environ, **own, **environment}, stdout=log, stderr=log,
        )  # fmt: skip
        try:
            server = Server(home, f"http://127.0.0.1:{port}")
            _wait_for(server, process)
            yield server
        finally:
            process.terminate()
            try:
                process.wait(_PATIENCE)
            except subprocess.TimeoutExpired:  # other people's extensions may wait for a page
                process.kill()
                process.wait()


def _wait_for(server: Server, process: subprocess.Popen[bytes]) -> None:
    end = time.monotonic() + _SECONDS
    while time.monotonic() < end and process.poll() is None:
        try:
            server.ask("GET", "status")
        except (urllib.error.URLError, ConnectionError):
            time.sleep(0.1)
        else:
            return
    raise AssertionError((server.home / "server.log").read_text())

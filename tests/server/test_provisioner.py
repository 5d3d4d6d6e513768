from __future__ import annotations

import ast
import os
import sys
import threading
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from jupyter_client.kernelspec import KernelSpec, KernelSpecManager
from jupyter_client.manager import KernelManager, start_new_kernel

from py_mlops.server.provisioner import Launch, ipython_launch
from tests.jupyter import Kernel, Server, kernelspec
from tests.server.conftest import LAUNCH, environment

if TYPE_CHECKING:
    from collections.abc import Iterator

LOOKS = """
import os, sys
(sys.path, sys.argv[:2], len(sys.argv), sys.modules["__main__"].__dict__ is globals(), __name__,
 os.getcwd(), __builtins__ is __import__("builtins"), sys.flags.utf8_mode)
"""
ENVIRONMENT = "import os\nsorted(os.environ)"
OBSERVED = "'MLOPS_SESSION' in __import__('os').environ"
SEED = "print(__import__('os').environ['PYTHONHASHSEED'])"
VERSIONS = Path("~/.pyenv/versions").expanduser()
OLD = sorted(VERSIONS.glob("3.[89].*/bin/python"))[:1]


@contextmanager
def running(server: Server, name: str) -> Iterator[Kernel]:
    """Start a kernel for a few cells."""
    kernel = server.start(name)
    try:
        yield kernel
    finally:
        server.shut_down(kernel)


def value(kernel: Kernel, source: str) -> Any:
    """Return a cell's result."""
    return ast.literal_eval(kernel.run(source))


@pytest.mark.parametrize(
    ("argv", "launch"),
    [
        (["/a/bin/python", "-m", "ipykernel_launcher", "-f", "c"], ("/a/bin/python", [])),
        (["python3.13t", "-m", "ipykernel", "-f", "c"], ("python3.13t", [])),
        (["python", "-Xfrozen_modules=off", "-m", "ipykernel_launcher", "-f", "c"],
         ("python", ["-Xfrozen_modules=off"])),
        (["python3", "-X", "dev", "-W", "error", "-u", "-m", "ipykernel_launcher", "-f", "c"],
         ("python3", ["-X", "dev", "-W", "error", "-u"])),
    ],
)  # fmt: skip
def test_ipython_kernels_are_known(argv: list[str], launch: tuple[str, list[str]]) -> None:
    """An interpreter with options of its own that runs ipykernel is what we observe."""
    assert ipython_launch(argv) == Launch(*launch, arguments=["-f", "c"])


@pytest.mark.parametrize(
    "line",
    [
        "", "R --slave -e IRkernel::main() --args c", "bash -c python", "julia -i kernel.jl c",
        "conda run -n x python -m ipykernel_launcher -f c", "pypy3 -m ipykernel_launcher -f c",
        "ssh host python -m ipykernel_launcher -f c", "python -m xeus_python -f c", "python -m",
        "python launch.py -f c", "python -c pass -m ipykernel_launcher", "python -mipykernel -f c",
        "python - -m ipykernel_launcher", "python", "/usr/bin/env python -m ipykernel_launcher",
        "python -m bash_kernel -f c", "python -m conda_runner env python -m ipykernel_launcher",
    ],
)  # fmt: skip
def test_everything_else_is_left_alone(line: str) -> None:
    """Other languages, other kernels and programs that start Python somewhere are not ours."""
    assert ipython_launch(line.split()) is None


def test_a_kernel_looks_as_if_we_were_not_there(server: Server) -> None:
    """Path, arguments, main module and folder are the same; the environment gains what is said."""
    with running(server, "unfrozen") as kernel, running(server, "untouched") as plain:
        assert value(kernel, OBSERVED)
        assert not value(plain, OBSERVED)
        mine, theirs = value(kernel, LOOKS), value(plain, LOOKS)
        assert mine == theirs
        gained = set(value(kernel, ENVIRONMENT)) - set(value(plain, ENVIRONMENT))
    ours = {"MLOPS_SESSION", "MLOPS_TAPE", "MLOPS_PYTHON", "PYTHONHASHSEED"}
    tracer = {"LD_PRELOAD", "MLOPS_TRACE", "MLOPS_TRACE_SKIP", "MLOPS_TRACE_KEEP"}
    assert ours <= gained <= ours | tracer


def test_children_hash_as_the_notebook_does(kernel: Kernel) -> None:
    """The random order of sets is known, and the same in the programs that a notebook starts."""
    child = "subprocess.check_output([sys.executable, '-c', 'print(hash(\"a\"))'])"
    assert value(kernel, f"import subprocess, sys\nint({child}) == hash('a')")


def test_a_wrapped_kernel_starts_untouched(server: Server) -> None:
    """What is started through another program runs, only unobserved."""
    with running(server, "wrapped") as kernel:
        assert not value(kernel, OBSERVED)


def test_a_kernel_that_dies_of_us_comes_back_untouched(server: Server) -> None:
    """When an interpreter dies at its start under observation, it is started without."""
    with running(server, "fussy") as kernel:
        assert not value(kernel, OBSERVED)
    assert "no longer observed" in (server.home / "server.log").read_text()


def test_the_session_ends_with_its_kernel(server: Server) -> None:
    """A restart begins with nothing seen and another seed; a shutdown leaves nothing behind."""
    kernel = server.start("foreign")
    (first,) = server.sessions()
    assert first.stat().st_mode & 0o777 == 0o700
    seed = kernel.run("open('seen.txt', 'w').close()\n" + SEED)
    kernel = server.restart(kernel)
    (second,) = server.sessions()
    assert second != first
    assert kernel.run(SEED) != seed
    assert "seen.txt" not in kernel.run("%mlops status")
    server.shut_down(kernel)
    assert server.sessions() == []


def test_an_interrupt_reaches_the_cell(server: Server, kernel: Kernel) -> None:
    """The stop button stops a cell, and the kernel lives on."""
    later = threading.Timer(1.0, server.interrupt, [kernel])
    later.start()
    assert "KeyboardInterrupt" in kernel.run("import time\nwhile True: time.sleep(0.01)")
    later.join()
    assert value(kernel, "1 + 1") == 2


def test_the_debugger_works(kernel: Kernel) -> None:
    """JupyterLab's debugger talks to an observed kernel as to any other."""
    body = {"type": "request", "seq": 1, "command": "debugInfo"}
    message = kernel.client.session.msg("debug_request", body)
    kernel.client.control_channel.send(message)
    end = time.monotonic() + 60
    while (reply := kernel.client.get_control_msg(timeout=60))["msg_type"] != "debug_reply":
        assert time.monotonic() < end
    assert reply["content"]["success"]
    assert reply["content"]["body"]["isStarted"] is False


def test_kernels_of_others_are_not_touched(server: Server, foreign: str) -> None:
    """papermill, nbclient and a console start kernels as if we were not there."""
    del server, foreign
    manager, client = start_new_kernel(kernel_name="python3")
    try:
        shown = Kernel("", client).run(OBSERVED)
    finally:
        client.stop_channels()
        manager.shutdown_kernel(now=True)
    assert shown == "False"


@pytest.mark.parametrize("python", OLD, ids=lambda path: path.parts[-3])
def test_old_pythons_are_observed(python: Path, server: Server, tmp_path: Path) -> None:
    """A kernel of the oldest Python that the guest runs in is watched and answers."""
    name = python.parts[-3]
    kernelspec(server.home, name, [environment(tmp_path / name, str(python)), *LAUNCH])
    with running(server, name) as kernel:
        kernel.run("open('table.csv', 'w').write('1')")
        assert kernel.run("%load_ext py_mlops") == ""
        shown = kernel.run("%mlops status")
        assert "table.csv" in shown
        assert "ran a process" not in shown


if not OLD:
    print("not covered: kernels of old Pythons, there is none here")  # noqa: T201 - said aloud


class OneKernel(KernelSpecManager):
    """Knows this Python's kernel, started by our provisioner."""

    def get_kernel_spec(self, kernel_name: str) -> KernelSpec:
        """Return the kernel's spec under any name."""
        return KernelSpec(
            argv=[sys.executable, *LAUNCH, "-f", "{connection_file}"],
            display_name=kernel_name,
            language="python",
            metadata={"kernel_provisioner": {"provisioner_name": "mlops-provisioner"}},
        )


def prepared(folder: Path) -> tuple[list[str], dict[str, str]]:
    """Prepare a kernel's start as a server does; return its command line and environment."""
    manager = KernelManager(
        kernel_spec_manager=OneKernel(), connection_file=str(folder / "kernel.json")
    )
    command, launch = manager.pre_start_kernel(env=dict(os.environ))
    manager.cleanup_resources()
    return command, launch["env"]


@pytest.fixture
def alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A person without settings; return the settings file that may be written."""
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    monkeypatch.setenv("MLOPS_CACHE", str(tmp_path / "cache"))
    (tmp_path / "py-mlops").mkdir()
    return tmp_path / "py-mlops" / "settings.toml"


def test_a_prepared_kernel_is_observed(alone: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """By default the guest takes the launcher's place; a headless run's words go no further."""
    monkeypatch.setenv("MLOPS_NOTEBOOK", "/of/somebody/else.ipynb")
    command, env = prepared(alone.parent)
    assert command[1].endswith(".zip")
    assert command[2:4] == ["--mode", "record"]
    assert env["MLOPS_SESSION"].startswith(str(alone.parents[1] / "cache" / "sessions"))
    assert "MLOPS_NOTEBOOK" not in env
    assert not Path(env["MLOPS_SESSION"]).exists()


@pytest.mark.parametrize(
    ("settings", "environ", "said"),
    [
        ("observe = false\n", {}, ""),
        ("", {"MLOPS_OBSERVE": "0"}, ""),
        ("observe = true\n", {"MLOPS_OBSERVE": "off"}, ""),
        ("obsreve = true\n", {}, "settings"),
        ("", {"MLOPS_OBSERVE": "perhaps"}, "neither yes nor no"),
        ("", {"MLOPS_CACHE": "/dev/null/cache"}, "kernel not observed"),
    ],
)
def test_kernels_start_untouched_where_we_are_not_wanted_or_cannot(
    settings: str,
    environ: dict[str, str],
    said: str,
    alone: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """One setting switches observing off; what is broken is logged, and the kernel starts."""
    alone.write_text(settings)
    for name, text in environ.items():
        monkeypatch.setenv(name, text)
    command, env = prepared(alone.parent)
    assert command[1:3] == ["-m", "ipykernel_launcher"]
    assert "MLOPS_SESSION" not in env
    assert said in caplog.text
    assert bool(said) == bool(caplog.text)
    assert list(alone.parents[1].glob("cache/sessions/*")) == []

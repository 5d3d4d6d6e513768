"""Every way of reading data is seen where the tracer is, and admitted where it is not."""

from __future__ import annotations

import json
import os
import subprocess
from dataclasses import dataclass
from pathlib import Path

import pytest
from jupyter_client.blocking.client import BlockingKernelClient
from jupyter_client.manager import KernelManager

from py_mlops.commands.reruns.rerun import closing_code
from py_mlops.commands.snapshots.handover import read_handover
from py_mlops.notebook.client import GivenKernel, KernelCommand
from py_mlops.notebook.observed import observed
from py_mlops.notebook.tracer import tracer_library
from py_mlops.records import Request
from py_mlops.records.handover import Handover, SeenFile
from tests.readers import READERS, Reader
from tests.readers_kernel import READERS_PYTHON, TORCH_PYTHON

_SECONDS = 120
_NOTHING = Request(name="readers", model=None, metrics=[], holdout=None)


@dataclass(frozen=True)
class Session:
    """What a kernel said when every reader had read.

    Attributes:
        said: The handover of each kernel, by its interpreter.
        counts: Each reader's cell.
        errors: What went wrong in a reader's cell.
    """

    said: dict[str, Handover]
    counts: dict[str, int]
    errors: dict[str, str]


def file_of(reader: Reader) -> str:
    """Return the file that a reader reads, relative to the notebook."""
    name = "".join(letter if letter.isalnum() else "_" for letter in reader.name)
    return f"data/{name}.{reader.suffix}" if reader.suffix else f"data/{name}"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a file for each reader, made by another process."""
    top = tmp_path_factory.mktemp("readers")
    (top / "data").mkdir()
    code = (
        "import json, sys\n"
        "for name, file, make in json.load(sys.stdin):\n"
        "    exec(make, {'FILE': file})\n"
    )
    for python, readers in KERNELS.items():
        jobs = [(reader.name, file_of(reader), reader.make) for reader in readers]
        subprocess.run(
            [python, "-W", "ignore", "-c", code],
            input=json.dumps(jobs), text=True, cwd=top, check=True, timeout=_SECONDS,
        )  # fmt: skip
    return top


def has(python: str, needs: set[str]) -> set[str]:
    """Return which of some modules an interpreter has."""
    code = (
        "import importlib.util, sys; "
        "print(*[name for name in sys.argv[1:] if importlib.util.find_spec(name)])"
    )
    if not Path(python).exists():
        return set()
    done = subprocess.run([python, "-c", code, *needs], capture_output=True, text=True, check=True)
    return set(done.stdout.split())


def python_of(reader: Reader) -> str:
    """Return the interpreter that has a reader's library; torch has an environment of its own."""
    return TORCH_PYTHON if reader.needs == "torch" else READERS_PYTHON


_installed = {
    python: has(python, {reader.needs for reader in READERS if reader.needs})
    for python in (READERS_PYTHON, TORCH_PYTHON)
}


def known(reader: Reader) -> bool:
    """Say whether a reader's library is there."""
    return not reader.needs or reader.needs in _installed[python_of(reader)]


KERNELS = {
    python: [reader for reader in READERS if python_of(reader) == python and known(reader)]
    for python in (READERS_PYTHON, TORCH_PYTHON)
    if any(known(reader) for reader in READERS if python_of(reader) == python)
}
"""The readers of each interpreter."""


def run_all(folder: Path, scratch: Path, *, traced: bool) -> Session:
    """Run every reader in a cell of its own of a real kernel; return what was handed over."""
    said: dict[str, Handover] = {}
    counts: dict[str, int] = {}
    errors: dict[str, str] = {}
    for number, (python, readers) in enumerate(KERNELS.items()):
        place = scratch / str(number)
        ended = run_kernel(python, readers, folder, place, traced=traced)
        said[python] = read_handover(place / "handover")
        counts |= {name: count for name, (count, _) in ended.items()}
        errors |= {name: error for name, (_, error) in ended.items() if error}
    return Session(said, counts, errors)


def run_kernel(
    python: str, readers: list[Reader], folder: Path, scratch: Path, *, traced: bool
) -> dict[str, tuple[int, str]]:
    """Run some readers in one kernel; return each one's execution count and error."""
    session, handed = scratch / "session", scratch / "handover"
    session.mkdir(parents=True)
    handed.mkdir()
    argv, environment = observed(
        python, cache=scratch / "cache", mode="record", folder=session,
        environment=dict(os.environ),
    )  # fmt: skip
    if not traced:
        for name in ("LD_PRELOAD", "MLOPS_TRACE", "MLOPS_TRACE_SKIP"):
            environment.pop(name, None)
    command = KernelCommand([*argv, "-f", "{connection_file}"], environment)
    manager = KernelManager(kernel_name="given", kernel_spec_manager=GivenKernel(command))
    manager.start_kernel(
        cwd=str(folder), env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    client: BlockingKernelClient = manager.client()
    client.start_channels()
    try:
        client.wait_for_ready(timeout=_SECONDS)
        ended = {reader.name: run(client, folder, reader) for reader in readers}
        closing = closing_code(_NOTHING, handed, keep_model=False)
        reply = client.execute(closing, store_history=False, silent=True, reply=True, timeout=60)
        assert reply["content"]["status"] == "ok", reply["content"]
    finally:
        client.stop_channels()
        manager.shutdown_kernel(now=True)
    return ended


def run(client: BlockingKernelClient, folder: Path, reader: Reader) -> tuple[int, str]:
    """Execute one reader's cell; return its count and its error.

    The file's name is put together at run time, so that nobody can read it in the code.
    """
    file = file_of(reader)
    given = {"FILE": file, "ABSOLUTE": str(folder / file)}
    setup = "; ".join(f"{name} = bytes.fromhex('{text.encode().hex()}').decode()"
                      for name, text in given.items())  # fmt: skip
    client.execute(setup, silent=True, store_history=False, reply=True, timeout=_SECONDS)
    source = reader.read.replace("CELL_FILE", file)
    reply = client.execute(source, reply=True, timeout=_SECONDS)["content"]
    error = f"{reply['ename']}: {reply['evalue']}" if reply["status"] == "error" else ""
    return reply["execution_count"], error


@pytest.fixture(scope="module")
def traced(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Session:
    """The session of a kernel with the tracer."""
    return run_all(folder, tmp_path_factory.mktemp("traced"), traced=True)


@pytest.fixture(scope="module")
def untraced(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Session:
    """The session of a kernel without it."""
    for name in ("copied.tmp", "link.tmp"):
        (folder / name).unlink(missing_ok=True)
    return run_all(folder, tmp_path_factory.mktemp("untraced"), traced=False)


def sightings(session: Session, folder: Path, reader: Reader) -> list[SeenFile]:
    """Return how a reader's file was seen; a folder's files count as the folder."""
    path = folder / file_of(reader)
    return [
        file
        for file in session.said[python_of(reader)].files
        if Path(file.path) == path or path in Path(file.path).parents
    ]


needs_tracer = pytest.mark.skipif(
    tracer_library() is None, reason="not covered: the tracer (no C compiler was there)"
)


@needs_tracer
@pytest.mark.parametrize("reader", READERS, ids=lambda reader: reader.name)
def test_every_reader_is_seen(traced: Session, folder: Path, reader: Reader) -> None:
    """With the tracer each file is seen as read, in its cell, and by the process that read it."""
    if not known(reader):
        pytest.skip(f"not covered: {reader.needs} is not installed")
    assert reader.name not in traced.errors, traced.errors
    found = sightings(traced, folder, reader)
    assert found, f"{reader.name} was not seen"
    assert {file.first for file in found} == {"read"}
    assert traced.counts[reader.name] in {file.cell for file in found}
    assert {file.observed for file in found} <= {"audit-hook", "tracer", "shell-command"}
    if reader.process and found[0].observed == "tracer":
        assert found[0].process.startswith(reader.process)


@needs_tracer
def test_the_level_is_proven_and_nothing_escapes(traced: Session) -> None:
    """Its self-test says observed; no child process and no byte is unaccounted for."""
    for said in traced.said.values():
        assert said.level == "observed"
        assert said.unseen == []
        assert said.alarms == []


def test_without_the_tracer_every_miss_is_admitted(untraced: Session, folder: Path) -> None:
    """The level says that not everything was seen, and libraries that read natively are named."""
    for python, said in untraced.said.items():
        assert said.level in {"watched", "python-only"}
        if said.level == "watched":  # everything lies in the notebook's own folder
            for reader in KERNELS[python]:
                assert sightings(untraced, folder, reader), reader.name
    natively = {"pyarrow", "polars", "duckdb", "h5py", "cv2"} & _installed[READERS_PYTHON]
    assert natively <= set(untraced.said[READERS_PYTHON].blind)


SEEN_BY = {
    "audit-hook": "Python's audit hook",
    "tracer": "the tracer",
    "notification": "a notification",
    "shell-command": "the command's text",
}


@needs_tracer
def test_the_table_in_the_docs_is_the_matrix(
    traced: Session, untraced: Session, folder: Path
) -> None:
    """docs/readers.md lists every reader that is tried, and by whom it is really seen."""
    text = (Path(__file__).parent.parent / "docs" / "readers.md").read_text()
    lines = [line.split(" | ") for line in text.splitlines() if line.startswith("| `")]
    table = {row[0][3:-1].replace("&#124;", "|"): (row[1], row[2][:-2]) for row in lines}
    assert list(table) == [reader.name for reader in READERS]
    for reader in filter(known, READERS):
        found = [sightings(session, folder, reader) for session in (traced, untraced)]
        by = tuple(SEEN_BY[files[0].observed] if files else "–" for files in found)
        assert table[reader.name] == by, reader.name

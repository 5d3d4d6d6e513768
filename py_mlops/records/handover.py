"""What a kernel hands over to us: the plain JSON a guest writes, checked when it is read.

The guest (`py_mlops.guest`) runs in somebody else's environment and imports
nothing of ours, so it writes these shapes as plain dicts into a folder:
``handover.json`` and, beside it, the payload files named in it. Nothing in the
folder is believed before it has been decoded here.
"""

from __future__ import annotations

from typing import Literal

from py_mlops.records.base import Part
from py_mlops.records.model import ArraySpec, ModelFormat
from py_mlops.records.program import ExecutedCell
from py_mlops.records.snapshot import Request

FILE = "handover.json"


class SeenFile(Part, frozen=True):
    """A file that was opened or named.

    Attributes:
        path: Absolute and normalised; symbolic links are kept.
        requested: As the program named it.
        first: What the first access did to it.
        written: Whether any access wrote it.
        existed: Whether it was there before the first access.
        size: Its size in bytes at the first read; -1 when not read.
        mtime_ns: Its modification time then; -1 when not read.
        inode: Its inode then; -1 when not read.
        cell: Execution count of the cell of the first access.
        observed: Who saw it.
    """

    path: str
    requested: str
    first: Literal["read", "write"]
    written: bool
    existed: bool
    size: int
    mtime_ns: int
    inode: int
    cell: int
    observed: Literal["audit-hook", "shell-command", "named-in-code"]


class SeenCommand(Part, frozen=True):
    """A shell command or child process; what it did to files is unseen."""

    cell: int
    text: str


class SeenConnection(Part, frozen=True):
    """A network connection that Python code opened."""

    cell: int
    host: str
    port: int


class SeenUnpickling(Part, frozen=True):
    """A class that was looked up by an unpickler, ``module.QualifiedName``."""

    cell: int
    type: str


class SeenModule(Part, frozen=True):
    """An imported module outside every installed package."""

    module: str
    path: str


class KernelFacts(Part, frozen=True):
    """The kernel's interpreter and machine.

    Attributes:
        implementation: ``cpython``.
        version: ``3.11.7``.
        platform: sysconfig's platform.
        libc: ``glibc 2.36`` or empty.
        executable: Path of the interpreter.
        prefixes: Folders that belong to the interpreter and its packages.
        search_path: ``sys.path``; where the distributions are found.
        machine: ``x86_64``.
        processor: The model's name.
        features: Instruction-set extensions.
        cores: Logical processors the process may use.
        pools: Native thread pools: library, version, threads.
    """

    implementation: str
    version: str
    platform: str
    libc: str
    executable: str
    prefixes: list[str]
    search_path: list[str]
    machine: str
    processor: str
    features: list[str]
    cores: int
    pools: list[tuple[str, str, int]]


class SeenArtifact(Part, frozen=True):
    """A serialised model: a payload file."""

    format: ModelFormat
    executes: bool
    file: str


class SeenModel(Part, frozen=True):
    """The model variable; ``problem`` says why there are no artifacts."""

    variable: str
    type: str
    artifacts: list[SeenArtifact]
    problem: str


class SeenPrediction(Part, frozen=True):
    """Answers on the held-out inputs: an ``.npy`` payload file."""

    method: str
    spec: ArraySpec
    file: str


class SeenHoldout(Part, frozen=True):
    """Held-out inputs, an ``.npz`` payload file, and the answers on them."""

    variable: str
    spec: ArraySpec
    file: str
    predictions: list[SeenPrediction]
    problem: str


class Handover(Part, frozen=True):
    """Everything a kernel hands over at one snapshot.

    Attributes:
        version: 1.
        request: What was asked for.
        entry: How the program was run.
        notebook: The notebook's absolute path, as far as the kernel knows it.
        directory: The folder the kernel started in.
        cells: What was executed, in order, the asking cell last.
        files: Files opened or named.
        commands: Shell commands and child processes.
        connections: Network connections.
        unpickled: Classes that were unpickled.
        modules: Loose modules.
        blind: Imported libraries that read files without Python seeing it.
        facts: Interpreter and machine.
        model: The model, when one was named.
        holdout: The held-out inputs, when they were named.
        metrics: Numbers by name; ``None`` where a value is not finite.
        parameters: papermill's parameters.
        problem: Why the request could not be met (a rerun whose variable is
            missing); empty otherwise.
    """

    version: Literal[1]
    request: Request
    entry: Literal["notebook", "headless", "console"]
    notebook: str | None
    directory: str
    cells: list[ExecutedCell]
    files: list[SeenFile]
    commands: list[SeenCommand]
    connections: list[SeenConnection]
    unpickled: list[SeenUnpickling]
    modules: list[SeenModule]
    blind: list[str]
    facts: KernelFacts
    model: SeenModel | None
    holdout: SeenHoldout | None
    metrics: dict[str, float | None]
    parameters: dict[str, object]
    problem: str

"""What a kernel hands over to us: the plain JSON a guest writes, checked when it is read.

The guest (`py_mlops.guest`) runs in somebody else's environment and imports
nothing of ours, so it writes these shapes as plain dicts into a folder:
``handover.json`` and, beside it, the payload files named in it. Nothing in the
folder is believed before it has been decoded here.
"""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec

from py_mlops.records.answers import AnswerKind, KeyDigest
from py_mlops.records.base import Part
from py_mlops.records.capture import CaptureLevel, Reacher
from py_mlops.records.data import Observed
from py_mlops.records.model import ArraySpec, ModelFormat
from py_mlops.records.program import ExecutedCell
from py_mlops.records.snapshot import Request
from py_mlops.records.surroundings import Link, Listing
from py_mlops.records.variables import Variable

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
        process: The child process that touched it; empty for the kernel itself.
        kept: The payload file that holds what was read, when the program itself
            overwrote or removed the file afterwards; empty otherwise.
        problem: Why there is none although it did; empty otherwise.
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
    observed: Observed
    process: str = ""
    kept: str = ""
    problem: str = ""


class SeenCommand(Part, frozen=True):
    """A shell command or child process; what it did to files is unseen.

    Attributes:
        cell: Execution count of the cell that started it.
        text: The command; empty for a fork, a copy of the kernel's own process.
    """

    cell: int
    text: str


class SeenConnection(Part, frozen=True):
    """A network connection that was opened.

    Attributes:
        cell: Execution count of the cell.
        host: Whom it was opened to: a name, an address, or a socket's path.
        port: On which port; 0 for a path.
        by: Who opened it: ``python`` code, a ``driver`` whose answers are recorded, other
            ``native`` code, or a ``child`` process.
    """

    cell: int
    host: str
    port: int
    by: Reacher


class SeenAnswer(Part, frozen=True):
    """What a database or web server answered; see `records.answers.Answer`.

    Attributes:
        kind: How the question was asked.
        source: Who answered, without user and password.
        request: What was asked, for people.
        key: What makes this question equal to another one.
        occurrence: How many equal questions came before.
        cell: Execution count of the asking cell.
        file: The payload's name in the tape's folder; empty when there is none.
        size: Its size in bytes.
        problem: Why there is no payload; empty otherwise.
    """

    kind: AnswerKind
    source: str
    request: str
    key: KeyDigest
    occurrence: int
    cell: int
    file: str
    size: int
    problem: str


class SeenReplaced(Part, frozen=True):
    """A package that was installed anew while its old version was loaded.

    Attributes:
        name: Normalised name.
        loaded: The version that the program had loaded, and still has.
        version: The one that is installed now.
        cell: Execution count of the cell that installed it.
    """

    name: str
    loaded: str
    version: str
    cell: int


class SeenAlarm(Part, frozen=True):
    """Bytes that were read in a cell and that no file seen there explains."""

    cell: int
    bytes: int
    text: str


class SeenRandomness(Part, frozen=True):
    """Seeds and generator states; ``file`` is a payload file, empty when there are none."""

    hash_seed: str
    settings: dict[str, str]
    generators: list[str]
    file: str


class SeenUnpickling(Part, frozen=True):
    """A class that was looked up by an unpickler, ``module.QualifiedName``."""

    cell: int
    type: str


class SeenSurroundings(Part, frozen=True):
    """What stood around the session; see `records.surroundings.Surroundings`.

    Attributes:
        variables: Home, user, language and time zone, as the session began.
        user: The account's name.
        zone: The machine's time zone.
        links: Symbolic links that it met and did not make itself.
        listings: Folders whose names the program asked for.
        cut: Whether it asked for more folders than were kept.
    """

    variables: dict[str, str]
    user: str
    zone: str
    links: list[Link]
    listings: list[Listing]
    cut: bool


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
        gpus: Names of its GPUs, as far as their drivers tell them.
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
    gpus: list[str]


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
        failures: How often the watching itself failed; what it saw then is lost.
        facts: Interpreter and machine.
        level: How completely the session was watched, proven by its self-test.
        unseen: Child processes that could not be watched, in words.
        alarms: Bytes that were read unseen.
        replaced: Packages whose loaded version is no longer the installed one.
        tape: The folder of the answers' payload files; empty without any.
        answers: What databases and web servers answered.
        unrecorded: What a rerun asked them and the recorded run did not, each question
            once after its source and a colon; a thousand at most.
        randomness: Seeds and first states of random generators.
        variables: Environment variables that the program read, without their values.
        surroundings: Listed folders, home, language and time zone.
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
    failures: Annotated[int, msgspec.Meta(ge=0)]
    facts: KernelFacts
    level: CaptureLevel
    unseen: list[str]
    alarms: list[SeenAlarm]
    replaced: list[SeenReplaced]
    tape: str
    answers: list[SeenAnswer]
    unrecorded: list[str]
    randomness: SeenRandomness
    variables: list[Variable]
    surroundings: SeenSurroundings
    model: SeenModel | None
    holdout: SeenHoldout | None
    metrics: dict[str, float | None]
    parameters: dict[str, object]
    problem: str
